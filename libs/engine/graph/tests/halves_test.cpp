#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>

#include "visavis/graph/graph.hpp"
#include "visavis/graph/onnx.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

using testing::HasSubstr;
using Floats = std::vector<float>;
using Halves = std::vector<Half>;

constexpr std::int64_t kFloat = 1;     // TensorProto.DataType
constexpr std::int64_t kFloat16 = 10;  // likewise

/// y = x w, with x of as many columns as w has rows.
Graph product_with(Floats values, Shape shape) {
  return {
      .name = {},
      .opset = 13,
      .inputs = {{.name = "x", .type = ElementType::kFloat32, .shape = {1, shape[0]}}},
      .outputs = {{.name = "y", .type = ElementType::kFloat32, .shape = {1, shape[1]}}},
      .initializers = {{.name = "w", .shape = shape, .values = std::move(values)}},
      .nodes = {
          {.op = "MatMul", .name = {}, .inputs = {"x", "w"}, .outputs = {"y"}, .attributes = {}}}};
}

/// The numbers, and ones up to 16 x 16.
Floats among_ones(Floats values) {
  values.resize(kLeastHalves, 1);
  return values;
}

Halved halved(Floats values) {
  auto made = halve_weights(product_with(among_ones(std::move(values)), {16, 16}));
  EXPECT_TRUE(made) << made.error().message;
  return made ? *std::move(made) : Halved{};
}

struct Rounding {
  float value;
  std::uint16_t bits;
};

// By hand (IEEE 754-2008, 3.4 and 4.3.1), and the same as numpy 2.4's float16 of these numbers.
constexpr Rounding kRoundings[] = {
    {1.F, 0x3C00},
    {-2.F, 0xC000},
    {.1F, 0x2E66},               // 1.6 · 2^-4 = 1638.4 / 1024: down
    {1 + 0x1p-11F, 0x3C00},      // halfway: to the even one below
    {1 + 3 * 0x1p-11F, 0x3C02},  // halfway: to the even one above
    {1 + 0x1p-11F + 0x1p-23F, 0x3C01},
    {0x1p-14F, 0x0400},             // the smallest normal half
    {0x1p-14F - 0x1p-25F, 0x0400},  // halfway from the largest subnormal half
    {0x1p-24F, 0x0001},             // the smallest subnormal half
    {0x1p-25F, 0x0000},             // halfway to it
    {-3 * 0x1p-25F, 0x8002},        // halfway from the first to the second
    {1e-20F, 0x0000},
    {65504.F, 0x7BFF},  // the largest half
    {65519.F, 0x7BFF},
};

TEST(HalveWeights, RoundsToTheNearestAndTiesToEven) {
  Floats values;
  for (const Rounding& one : kRoundings) values.push_back(one.value);
  const Halved made = halved(values);
  EXPECT_EQ(made.tensors, 1U);
  EXPECT_EQ(made.numbers, kLeastHalves);
  EXPECT_TRUE(made.kept.empty());
  const Tensor* stored = made.graph.initializer("w.f16");
  ASSERT_NE(stored, nullptr);
  EXPECT_EQ(stored->type(), ElementType::kFloat16);
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(std::get<Halves>(stored->values)[i].bits, kRoundings[i].bits) << values[i];
  EXPECT_EQ(made.graph.initializer("w"), nullptr);
  EXPECT_TRUE(validate(made.graph));
  EXPECT_EQ(made.graph.nodes[0].op, "Cast");
  EXPECT_EQ(made.graph.nodes[0].get_or<std::int64_t>("to", 0), kFloat);
}

TEST(HalveWeights, KeepsWhatHalvesCannotHold) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const auto& [value, reason] : {std::pair{65520.F, "beyond 65504"},
                                      {-1e9F, "beyond 65504"},
                                      {kInfinity, "no finite number"},
                                      {std::nanf(""), "no finite number"}}) {
    const Halved made = halved({1, value});
    EXPECT_EQ(made.tensors, 0U) << value;
    ASSERT_EQ(made.kept.size(), 1U) << value;
    EXPECT_EQ(made.kept[0].name, "w");
    EXPECT_THAT(made.kept[0].reason, HasSubstr(reason));
    EXPECT_EQ(made.graph.nodes.size(), 1U);
    EXPECT_FALSE(has_halves(made.graph));
  }
}

// All are 1.25 · 2^-24, of which the nearest half is 2^-24: off by a fifth.
TEST(HalveWeights, KeepsWhatIsTooSmallForThem) {
  const Floats small(kLeastHalves, 1.25F * 0x1p-24F);
  const auto made = halve_weights(product_with(small, {16, 16}));
  ASSERT_TRUE(made);
  ASSERT_EQ(made->kept.size(), 1U);
  EXPECT_THAT(made->kept[0].reason, HasSubstr("too small"));
  // Beside ordinary weights such numbers are nothing.
  EXPECT_EQ(halved({1.25F * 0x1p-24F, 1e-30F}).tensors, 1U);
}

TEST(HalveWeights, LeavesVectorsSmallTensorsAndIntegers) {
  EXPECT_EQ(halve_weights(product_with(Floats(255, 1), {15, 17}))->tensors, 0U);
  EXPECT_EQ(halve_weights(product_with(Floats(256, 1), {256, 1}))->tensors, 0U);
  Graph graph = product_with(Floats(256, 1), {16, 16});
  graph.initializers.push_back(
      {.name = "places", .shape = {16, 16}, .values = std::vector<std::int64_t>(256, 1)});
  const auto made = halve_weights(std::move(graph));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->tensors, 1U);
  EXPECT_EQ(made->graph.initializer("places")->type(), ElementType::kInt64);
}

TEST(HalveWeights, OfConstantNodesToo) {
  Graph graph = product_with(among_ones({.1F}), {16, 16});
  Tensor matrix = std::move(graph.initializers[0]);
  graph.initializers.clear();
  matrix.name.clear();
  Tensor few{.name = {}, .shape = {2, 2}, .values = Floats{1, 2, 3, 4}};
  graph.nodes.insert(graph.nodes.begin(), {{.op = "Constant",
                                            .name = {},
                                            .inputs = {},
                                            .outputs = {"w"},
                                            .attributes = {{"value", std::move(matrix)}}},
                                           {.op = "Constant",
                                            .name = {},
                                            .inputs = {},
                                            .outputs = {"few"},
                                            .attributes = {{"value", std::move(few)}}}});
  const auto made = halve_weights(std::move(graph));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->tensors, 1U);
  ASSERT_EQ(made->graph.initializers.size(), 1U);
  EXPECT_EQ(std::get<Halves>(made->graph.initializers[0].values)[0].bits, 0x2E66);
  ASSERT_EQ(made->graph.nodes.size(), 3U);
  EXPECT_EQ(made->graph.nodes[0].op, "Cast");
  EXPECT_EQ(made->graph.nodes[0].outputs[0], "w");
  EXPECT_EQ(made->graph.nodes[1].outputs[0], "few");
}

TEST(HalveWeights, NeedsACastThatNamesTypesByNumber) {
  Graph old = product_with(Floats(256, 1), {16, 16});
  old.opset = 5;
  const auto made = halve_weights(std::move(old));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(made.error().message, HasSubstr("operator set 6"));
}

TEST(HalveWeights, FindsANameThatIsFree) {
  Graph graph = product_with(Floats(256, 1), {16, 16});
  graph.initializers.push_back({.name = "w.f16", .shape = {1}, .values = Floats{1}});
  const auto made = halve_weights(std::move(graph));
  ASSERT_TRUE(made);
  EXPECT_TRUE(validate(made->graph));
}

TEST(WidenHalves, GivesBackWhatRoundingLeft) {
  const Graph wide = widen_halves(halved({.1F, 3 * 0x1p-25F, -65504.F}).graph);
  EXPECT_TRUE(validate(wide));
  ASSERT_EQ(wide.nodes.size(), 1U);
  ASSERT_EQ(wide.initializers.size(), 1U);
  const auto& values = std::get<Floats>(wide.initializer("w")->values);
  EXPECT_EQ(values[0], 1638 * 0x1p-14F);  // 0x2E66
  EXPECT_EQ(values[1], 0x1p-23F);
  EXPECT_EQ(values[2], -65504.F);
  EXPECT_EQ(values[3], 1.F);
}

TEST(WidenHalves, MakesOneCopyForManyReaders) {
  Graph graph = halved({}).graph;
  graph.nodes.push_back({.op = "Cast",
                         .name = {},
                         .inputs = {"w.f16"},
                         .outputs = {"again"},
                         .attributes = {{"to", kFloat}}});
  const Graph wide = widen_halves(std::move(graph));
  EXPECT_TRUE(validate(wide));
  EXPECT_EQ(wide.initializers.size(), 1U);
  EXPECT_EQ(wide.nodes.back().op, "Identity");
  EXPECT_EQ(wide.nodes.back().inputs[0], "w");
}

TEST(WidenHalves, LeavesHalvesThatAreReadAsSuch) {
  Graph graph = halved({}).graph;
  graph.nodes.push_back({.op = "Cast",
                         .name = {},
                         .inputs = {"w.f16"},
                         .outputs = {"half"},
                         .attributes = {{"to", kFloat16}}});
  const Graph wide = widen_halves(std::move(graph));
  EXPECT_TRUE(validate(wide));
  EXPECT_TRUE(has_halves(wide));
  EXPECT_NE(wide.initializer("w"), nullptr);
}

TEST(ExactHalves, AreThoseThatLoseNothing) {
  const auto exact = exact_halves(Floats{1, -.5F, 0x1p-24F, 0});
  ASSERT_TRUE(exact);
  EXPECT_EQ((*exact)[2].bits, 1);
  EXPECT_FALSE(exact_halves(Floats{1, .1F}));
  EXPECT_FALSE(exact_halves(Floats{std::nanf("")}));
}

TEST(OnnxHalves, AreWrittenAndReadAgain) {
  const Halved made = halved({.1F, -2});
  const auto file = write_onnx(made.graph);
  ASSERT_TRUE(file) << file.error().message;
  const auto read = read_onnx(*file);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->initializer("w.f16")->values, made.graph.initializer("w.f16")->values);
}

}  // namespace
}  // namespace visavis::graph
