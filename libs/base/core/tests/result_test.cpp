#include <gtest/gtest.h>

#include <visavis/core/result.hpp>

namespace visavis {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd");
  return n / 2;
}
Result<int> quarter(int n) {
  VISAVIS_TRY(h, half(n));
  return half(h);
}

TEST(Result, TryPassesValuesAndErrorsOn) {
  EXPECT_EQ(quarter(8), 2);
  ASSERT_FALSE(quarter(6).has_value());
  EXPECT_EQ(quarter(6).error().message, "odd");
}

TEST(Result, EveryCodeHasAClassAndAName) {
  EXPECT_EQ(classify(ErrorCode::kDecodeFailed), ErrorClass::kCaller);
  EXPECT_EQ(classify(ErrorCode::kUnsupported), ErrorClass::kEnvironment);
  EXPECT_EQ(classify(ErrorCode::kUnavailable), ErrorClass::kTransient);
  EXPECT_EQ(classify(ErrorCode::kInternal), ErrorClass::kDefect);
  EXPECT_EQ(to_string(ErrorCode::kModelMismatch), "model_mismatch");
}

}  // namespace
}  // namespace visavis
