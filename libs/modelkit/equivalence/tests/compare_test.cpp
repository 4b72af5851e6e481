#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "networks.hpp"
#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {
namespace {

using testing::constant;
using testing::Floats;
using testing::network;
using testing::node;
using testing::reference;
using testing::tensor;

Result<Comparison> compared(const graph::Graph& source, const graph::Graph& result,
                            std::vector<SampleSet> sets, const Limits& limits = {}) {
  return compare({.graph = &source, .engine = &reference()},
                 {.graph = &result, .engine = &reference()}, sets, limits);
}

/// y = x + numbers
graph::Graph shifted_by(Floats numbers) {
  graph::Graph graph = network({1, 2}, {1, 2});
  constant(graph, "numbers", {1, 2}, std::move(numbers));
  node(graph, "Add", {"x", "numbers"}, "y");
  return graph;
}

/// Three 1 x 1 convolutions of two channels, each with weights {a, 1, 1, a}.
graph::Graph stacked(Floats as, const std::string& prefix = "") {
  graph::Graph graph = network({1, 2, 4, 4}, {1, 2, 4, 4});
  std::string value = "x";
  for (std::size_t i = 0; i < as.size(); ++i) {
    const std::string name = prefix + "conv" + std::to_string(i);
    constant(graph, name + "_weights", {2, 2, 1, 1}, {as[i], 1, 1, as[i]});
    const std::string output = i + 1 == as.size() ? "y" : name;
    node(graph, "Conv", {value, name + "_weights"}, output);
    value = output;
  }
  return graph;
}

// The generator's published first numbers for seed 0: e220a8397b1dcdaf, 6e789e6aa1b965f4,
// 06c45d188009454f.
TEST(RandomSamples, AreThoseOfSplitMix64) {
  const auto set = random_samples(network({-1, 3}, {-1, 3}), 2, 0, 8);
  ASSERT_TRUE(set);
  ASSERT_EQ(set->samples.size(), 2);
  const auto& first = set->samples[0][0];
  EXPECT_EQ(first.shape, (std::vector<std::int64_t>{1, 3}));
  EXPECT_FLOAT_EQ(first.floats()[0], .76662159F);
  EXPECT_FLOAT_EQ(first.floats()[1], -.13694406F);
  EXPECT_FLOAT_EQ(first.floats()[2], -.94713247F);
}

TEST(RandomSamples, FillFreeDimensions) {
  const auto set = random_samples(network({-1, 3, -1, -1}, {-1, 3}), 1, 0, 8);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->samples[0][0].shape, (std::vector<std::int64_t>{1, 3, 8, 8}));
}

/// y = x + 100 and x + 100 + `off`, both in each number.
Result<Comparison> off_by(float off, const Limits& limits) {
  const SampleSet set{.kind = "one", .samples = {{tensor({1, 2}, {0, 0})}}};
  return compared(shifted_by({100, 100}), shifted_by({100 + off, 100 + off}), {set}, limits);
}

TEST(Compare, TakesAShareOfTheLargestNumberInstead) {
  const Limits limits{.max_abs = 1e-4, .max_relative = .01, .min_cosine = .9999};
  const auto near = off_by(.5F, limits);
  ASSERT_TRUE(near) << near.error().message;
  EXPECT_TRUE(near->equivalent);
  EXPECT_FLOAT_EQ(static_cast<float>(near->judgements[0].outputs[0].max_relative), .005F);
  const auto far = off_by(1.5F, limits);
  ASSERT_TRUE(far) << far.error().message;
  EXPECT_FALSE(far->equivalent);
  EXPECT_FALSE(off_by(.5F, {})->equivalent);
}

// A share of nothing is nothing.
TEST(Compare, HasNoShareWhereTheSourceSaysZero) {
  const SampleSet set{.kind = "one", .samples = {{tensor({1, 2}, {0, 0})}}};
  const auto found = compared(shifted_by({0, 0}), shifted_by({0, 1e-3F}), {set},
                              {.max_abs = 1e-4, .max_relative = .5, .min_cosine = -1});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_FALSE(found->equivalent);
}

// 3, 4 against 3, 5: cosine 29 / (5 sqrt(34)).
TEST(Compare, MeasuresTheDifference) {
  const std::vector<SampleSet> sets = {{.kind = "chips", .samples = {{tensor({1, 2}, {3, 4})}}}};
  const auto found = compared(shifted_by({0, 0}), shifted_by({0, 1}), sets);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->equivalent);
  ASSERT_EQ(found->judgements.size(), 1);
  EXPECT_EQ(found->judgements[0].kind, "chips");
  const Difference& difference = found->judgements[0].outputs[0];
  EXPECT_EQ(difference.source, "y");
  EXPECT_DOUBLE_EQ(difference.max_abs, 1);
  EXPECT_DOUBLE_EQ(difference.mean_abs, .5);
  EXPECT_DOUBLE_EQ(difference.mean_distance, 1);
  EXPECT_NEAR(difference.min_cosine, 29 / (5 * std::sqrt(34.0)), 1e-12);
}

// One alone is too much: far in an element but not in direction, and the other way round.
TEST(Compare, KeepsBothLimits) {
  const std::vector<SampleSet> far = {{.kind = "a", .samples = {{tensor({1, 2}, {3e6, 4e6})}}}};
  EXPECT_FALSE(compared(shifted_by({0, 0}), shifted_by({1, 1}), far)->equivalent);
  const std::vector<SampleSet> askew = {{.kind = "a", .samples = {{tensor({1, 2}, {0, 1e-5F})}}}};
  EXPECT_FALSE(compared(shifted_by({0, 0}), shifted_by({1e-5F, 0}), askew)->equivalent);
  EXPECT_TRUE(compared(shifted_by({0, 0}), shifted_by({0, 0}), far)->equivalent);
}

TEST(Compare, FailsClosedOnWhatIsNoNumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<SampleSet> sets = {{.kind = "a", .samples = {{tensor({1, 2}, {3, 4})}}}};
  EXPECT_FALSE(compared(shifted_by({nan, 0}), shifted_by({nan, 0}), sets)->equivalent);
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(compared(shifted_by({infinity, 0}), shifted_by({infinity, 0}), sets)->equivalent);
}

TEST(Compare, FailsClosedWithoutSamples) {
  EXPECT_EQ(compared(shifted_by({0, 0}), shifted_by({0, 0}), {}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      compared(shifted_by({0, 0}), shifted_by({0, 0}), {{.kind = "a", .samples = {}}}).error().code,
      ErrorCode::kInvalidArgument);
}

TEST(Compare, NamesTheFirstLayerThatDiffers) {
  const graph::Graph source = stacked({.5F, .25F, .125F});
  const auto sets = std::vector{*random_samples(source, 3, 7, 0)};
  const auto found = compared(source, stacked({.5F, .26F, .125F}), sets);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->equivalent);
  ASSERT_TRUE(found->first);
  EXPECT_EQ(found->first->op, "Conv");
  EXPECT_EQ(found->first->difference.source, "conv1");
  EXPECT_EQ(found->first->same, 1);
}

TEST(Compare, MatchesLayersOfOtherNamesByTheirOrder) {
  graph::Graph result = stacked({.5F, .25F, .1F}, "other_");
  result.nodes.back().outputs = {"z"};
  result.outputs[0].name = "z";
  const graph::Graph source = stacked({.5F, .25F, .125F});
  const auto found = compared(source, result, {*random_samples(source, 1, 7, 0)});
  ASSERT_TRUE(found);
  ASSERT_TRUE(found->first);
  EXPECT_EQ(found->first->difference.source, "y");
  EXPECT_EQ(found->first->difference.result, "z");
  EXPECT_EQ(found->first->same, 2);
}

TEST(Compare, TellsNetworksOfOtherForm) {
  graph::Graph two = stacked({.5F});
  two.outputs.push_back(two.outputs[0]);
  const auto sets = std::vector{*random_samples(two, 1, 7, 0)};
  const auto counted = compared(stacked({.5F}), two, sets);
  ASSERT_TRUE(counted) << counted.error().message;
  EXPECT_FALSE(counted->equivalent);
  EXPECT_EQ(counted->other_form, "one network has 1 inputs and 1 outputs, the other 1 and 2");
  EXPECT_TRUE(counted->judgements.empty());

  graph::Graph flat = stacked({.5F});
  flat.nodes.back().outputs = {"before"};
  node(flat, "Flatten", {"before"}, "y");
  flat.outputs[0].shape = {1, 32};
  const auto flattened = compared(stacked({.5F}), flat, sets);
  ASSERT_TRUE(flattened) << flattened.error().message;
  EXPECT_FALSE(flattened->equivalent);
  EXPECT_EQ(flattened->other_form, "the output y is 1 x 2 x 4 x 4 in one and 1 x 32 in the other");
  EXPECT_FALSE(flattened->first) << "all layers that both have are the same";

  graph::Graph small = stacked({.5F});
  small.inputs[0].shape.back() = 2;
  small.outputs[0].shape.back() = 2;
  const auto smaller = compared(stacked({.5F}), small, sets);
  ASSERT_TRUE(smaller) << smaller.error().message;
  EXPECT_FALSE(smaller->equivalent);
  EXPECT_EQ(smaller->other_form,
            "the input x is 1 x 2 x 4 x 4 in one and 1 x 2 x 4 x 2 in the other");
}

TEST(Compare, NamesTheLayerWhoseShapeDiffers) {
  graph::Graph padded = stacked({.5F, .25F});
  padded.nodes.front().attributes.emplace_back("pads", graph::Shape{1, 1, 1, 1});
  padded.outputs[0].shape = {1, 2, 6, 6};
  const graph::Graph source = stacked({.5F, .25F});
  const auto found = compared(source, padded, {*random_samples(source, 1, 7, 0)});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->other_form,
            "the output y is 1 x 2 x 4 x 4 in one and 1 x 2 x 6 x 6 in the other");
  ASSERT_TRUE(found->first);
  EXPECT_EQ(found->first->same, 0);
  EXPECT_EQ(found->first->source_shape, (graph::Shape{1, 2, 4, 4}));
  EXPECT_EQ(found->first->result_shape, (graph::Shape{1, 2, 6, 6}));
}

/// The mean of the samples: x itself, if there is one.
graph::Graph mixing() {
  graph::Graph graph = network({-1, 2}, {-1, 2});
  node(graph, "ReduceMean", {"x"}, "mean").attributes = {{"axes", graph::Shape{0}}};
  node(graph, "Sub", {"x", "mean"}, "rest");
  node(graph, "Sub", {"x", "rest"}, "y");
  return graph;
}

TEST(Compare, AsksForSeveralSamplesAtOnceWhereTheBatchIsFree) {
  graph::Graph plain = network({-1, 2}, {-1, 2});
  node(plain, "Identity", {"x"}, "y");
  const std::vector<SampleSet> sets = {
      {.kind = "a", .samples = {{tensor({1, 2}, {1, 0})}, {tensor({1, 2}, {0, 2})}}}};
  const auto found = compared(plain, mixing(), sets);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_FALSE(found->equivalent);
  ASSERT_EQ(found->judgements.size(), 2);
  EXPECT_EQ(found->judgements[0].outputs[0].max_abs, 0);
  EXPECT_EQ(found->judgements[1].kind, "a, two at once");
  EXPECT_EQ(found->judgements[1].outputs[0].max_abs, 1) << "(0, 2) and (.5, 1)";

  // Of one sample alone there is nothing to put together.
  EXPECT_TRUE(
      compared(plain, mixing(), {{.kind = "a", .samples = {sets[0].samples[0]}}})->equivalent);
  graph::Graph one = plain;
  one.inputs[0].shape[0] = one.outputs[0].shape[0] = 1;
  EXPECT_TRUE(compared(one, mixing(), sets)->equivalent);
}

TEST(Compare, TellsABatchThatIsFreeOnlyInTheSource) {
  graph::Graph plain = network({-1, 2, 2}, {-1, 4});
  node(plain, "Flatten", {"x"}, "y");
  graph::Graph fixed = network({-1, 2, 2}, {-1, 4});
  fixed.initializers.push_back(
      {.name = "shape", .shape = {2}, .values = std::vector<std::int64_t>{1, -1}});
  node(fixed, "Reshape", {"x", "shape"}, "y");
  const auto found = compared(plain, fixed, {*random_samples(plain, 2, 1, 1)});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_FALSE(found->equivalent);
  EXPECT_EQ(found->other_form, "the output y is 2 x 4 in one and 1 x 8 in the other");
}

// (1, 0) and (0, 1), then (1, 0) and (1, 1).
TEST(Compare, TellsHowAlikeTheAnswersAre) {
  const auto asked = [](Floats second) {
    const std::vector<SampleSet> sets = {
        {.kind = "a", .samples = {{tensor({1, 2}, {1, 0})}, {tensor({1, 2}, second)}}}};
    return compared(shifted_by({0, 0}), shifted_by({0, 0}), sets)->judgements[0].self_cosine;
  };
  EXPECT_DOUBLE_EQ(asked({0, 1}), 0);
  EXPECT_NEAR(asked({1, 1}), std::sqrt(.5), 1e-12);
}

}  // namespace
}  // namespace visavis::modelkit
