#include <gtest/gtest.h>

#include <string>
#include <visavis/core/result.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime {
namespace {

TEST(Precision, HasNamesThatParseBack) {
  for (const Precision precision :
       {Precision::kF32, Precision::kBf16, Precision::kF16, Precision::kInt8})
    EXPECT_EQ(parse_precision(to_string(precision)), precision);
  EXPECT_EQ(to_string(Precision::kBf16), "bf16");
  const Result<Precision> unknown = parse_precision("f64");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalidArgument);
}

TEST(FindEngine, ExplainsEveryAbsence) {
  for (const EngineEntry& entry : engines()) {
    const Result<const Engine*> engine = find_engine(entry.name);
    if (entry.engine == nullptr) {
      ASSERT_FALSE(engine);
      EXPECT_EQ(engine.error().code, ErrorCode::kUnsupported);
      EXPECT_NE(engine.error().message.find(entry.name), std::string::npos);
    } else if (engine) {
      EXPECT_EQ((*engine)->name(), entry.name);
      EXPECT_FALSE((*engine)->probe().version.empty());
    }
  }
  const Result<const Engine*> unknown = find_engine("abacus");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
}

TEST(FindEngine, AutoTakesTheFirstThatIsUsable) {
  const Result<const Engine*> chosen = find_engine("auto");
  ASSERT_TRUE(chosen);
  for (const EngineEntry& entry : engines()) {
    if (entry.engine == nullptr || !entry.engine->probe().usable) continue;
    EXPECT_EQ(*chosen, entry.engine);
    return;
  }
}

}  // namespace
}  // namespace visavis::runtime
