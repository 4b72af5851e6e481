#include "tensor.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/runtime/engine.hpp>

#include "subnormals.hpp"

namespace visavis::runtime {
namespace {

TEST(CountElements, MultipliesAndRefusesWhatCannotBe) {
  const auto count = [](const std::vector<std::int64_t>& shape) {
    const Result<std::int64_t> result = count_elements(shape);
    return result ? *result : -1;
  };
  EXPECT_EQ(count({}), 1) << "a scalar";
  EXPECT_EQ(count({2, 3, 112, 112}), 75'264);
  EXPECT_EQ(count({2, 0, 3}), 0);
  EXPECT_EQ(count({2, -1}), -1);
  const std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(count({huge, huge}), -1) << "the product overflows";
  EXPECT_EQ(count({std::int64_t{1} << 40, 2}), -1);
}

TEST(CheckInputs, SaysWhichInputDoesNotFitAndWhy) {
  const std::vector<TensorSpec> specs{
      {.name = "image", .type = ElementType::kFloat32, .shape = {-1, 3, 2, 2}}};
  const std::vector<std::byte> bytes(2 * 12 * 4);
  const auto message = [&](const std::vector<std::int64_t>& shape, ElementType type) {
    const std::vector<TensorView> views{{.type = type, .shape = shape, .bytes = bytes}};
    const Result<void> result = check_inputs(specs, views);
    return result ? std::string() : result.error().message;
  };
  EXPECT_EQ(message({2, 3, 2, 2}, ElementType::kFloat32), "");
  EXPECT_EQ(message({2, 3, 2, 4}, ElementType::kFloat32),
            "input \"image\" takes the shape ?x3x2x2, not 2x3x2x4");
  EXPECT_EQ(message({2, 3, 2, 2}, ElementType::kUint8), "input \"image\" is float32, not uint8");
  EXPECT_EQ(message({1, 3, 2, 2}, ElementType::kFloat32),
            "input \"image\" has another number of bytes than its shape");
  EXPECT_EQ(message({0, 3, 2, 2}, ElementType::kFloat32), "input \"image\" is empty");
  const Result<void> none = check_inputs(specs, {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "the number of inputs is 0 instead of 1");
}

TEST(FirstSentence, CutsAtTheFirstLineEnd) {
  EXPECT_EQ(first_sentence("  what is wrong \nat file.cpp:12\n"), "what is wrong");
  EXPECT_EQ(first_sentence("\r\n\nlater"), "later");
  EXPECT_EQ(first_sentence(" \n "), "");
  EXPECT_EQ(first_sentence(""), "");
  EXPECT_EQ(first_sentence(std::string(1000, 'x')).size(), 300U);
}

#if defined(__SSE__)
TEST(SubnormalsAsZero, HoldsForItsScopeOnly) {
  const volatile float subnormal = 1e-40F;
  const volatile float small = 1e-30F;
  {
    const SubnormalsAsZero fast;
    EXPECT_EQ(static_cast<float>(subnormal * 1.F), 0.F) << "operands";
    EXPECT_EQ(static_cast<float>(small * 1e-10F), 0.F) << "results";
    {
      const SubnormalsAsZero nested;
    }
    EXPECT_EQ(static_cast<float>(subnormal * 1.F), 0.F) << "an inner scope restores the outer's";
  }
  EXPECT_GT(static_cast<float>(subnormal * 1.F), 0.F);
  EXPECT_GT(static_cast<float>(small * 1e-10F), 0.F);
}
#endif

}  // namespace
}  // namespace visavis::runtime
