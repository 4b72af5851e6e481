#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/graph/graph.hpp>
#include <visavis/quantize/equalize.hpp>
#include <visavis/quantize/observe.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::modelkit {
namespace {

using testing::ElementsAre;
using testing::Pair;
using Floats = std::vector<float>;

const runtime::Engine& reference() { return **runtime::find_engine("reference"); }

graph::Node node(std::string op, std::vector<std::string> inputs, std::string output) {
  return {.op = std::move(op),
          .name = {},
          .inputs = std::move(inputs),
          .outputs = {std::move(output)},
          .attributes = {}};
}

/// 1x1 convolution to two channels, the second a hundred times as large; PRelu; depthwise.
graph::Graph network() {
  graph::Graph graph{
      .name = "g",
      .inputs = {{.name = "x", .type = graph::ElementType::kFloat32, .shape = {-1, 1, 1, 2}}},
      .outputs = {{.name = "y", .type = graph::ElementType::kFloat32, .shape = {-1, 2, 1, 2}}},
      .initializers = {{.name = "w", .shape = {2, 1, 1, 1}, .values = Floats{.5F, 50}},
                       {.name = "b", .shape = {2}, .values = Floats{1, 100}},
                       {.name = "s", .shape = {2, 1, 1}, .values = Floats{.25F, .5F}},
                       {.name = "d", .shape = {2, 1, 1, 1}, .values = Floats{8, 3}}},
      .nodes = {node("Conv", {"x", "w", "b"}, "c"), node("PRelu", {"c", "s"}, "p"),
                node("Conv", {"p", "d"}, "y")}};
  graph.nodes[2].attributes.emplace_back("group", std::int64_t{2});
  return graph;
}

const std::vector<Example> kSamples{{2, -1}, {1, -6}};

Observations seen(const graph::Graph& graph) {
  const auto observed = observe(graph, std::vector<std::string>{"p"}, kSamples, reference());
  EXPECT_TRUE(observed) << observed.error().message;
  return observed ? *observed : Observations{};
}

const Floats& values(const graph::Graph& graph, const char* name) {
  return std::get<Floats>(graph.initializer(name)->values);
}

graph::Graph even(const graph::Graph& graph, const Observations& observed) {
  auto made = equalize(graph, equalising_of(graph, observed));
  EXPECT_TRUE(made) << made.error().message;
  return made ? *std::move(made) : graph::Graph{};
}

// x = 2 makes 2 and 200; x = −6 makes −2 · .25 and −200 · .5: the peaks are 2 and 200. Six
// doublings make 128 of 2, a seventh would make 256.
TEST(Equalize, DoublesChannelsUpToTheLargest) {
  const graph::Graph graph = network();
  const Observations observed = seen(graph);
  EXPECT_THAT(observed.at("p").channel_peaks, ElementsAre(2, 200));
  EXPECT_THAT(equalising_of(graph, observed), ElementsAre(Pair("y", ElementsAre(6, 0))));
  const graph::Graph made = even(graph, observed);
  EXPECT_THAT(values(made, "w"), ElementsAre(32, 50));
  EXPECT_THAT(values(made, "b"), ElementsAre(64, 100));
  EXPECT_THAT(values(made, "d"), ElementsAre(.125F, 3));
  EXPECT_THAT(values(made, "s"), ElementsAre(.25F, .5F));
  // Powers of two: not a bit differs.
  EXPECT_EQ(*answers(graph, kSamples, reference()), *answers(made, kSamples, reference()));
}

TEST(Equalize, StopsAtNineDoublings) {
  const graph::Graph graph = network();
  Observations observed = seen(graph);
  observed.at("p").channel_peaks = {1e-30F, 1};
  EXPECT_THAT(equalising_of(graph, observed), ElementsAre(Pair("y", ElementsAre(9, 0))));
  observed.at("p").channel_peaks = {0, 0};
  EXPECT_THAT(equalising_of(graph, observed), ElementsAre(Pair("y", ElementsAre(0, 0))));
}

TEST(Equalize, LeavesWhatOthersReadToo) {
  for (const char* shared : {"p", "c", "w", "d"}) {
    graph::Graph graph = network();
    const Observations observed = seen(graph);
    graph.nodes.push_back(node("Neg", {shared}, "n"));
    EXPECT_TRUE(equalising_of(graph, observed).empty()) << shared;
    EXPECT_EQ(equalize(graph, {{"y", {1, 0}}}).error().code, ErrorCode::kModelMismatch) << shared;
  }
}

TEST(Equalize, LeavesWhatDoesNotScale) {
  graph::Graph graph = network();
  const Observations observed = seen(graph);
  EXPECT_TRUE(equalising_of(graph, {}).empty());
  graph.nodes[1] = node("Tanh", {"c"}, "p");
  EXPECT_TRUE(equalising_of(graph, observed).empty());
}

TEST(Equalize, RefusesAnotherNetworksNumbers) {
  for (const Equalising& wrong :
       {Equalising{{"z", {1, 0}}}, Equalising{{"y", {1}}}, Equalising{{"c", {1, 0}}}}) {
    const auto refused = equalize(network(), wrong);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kModelMismatch);
  }
}

}  // namespace
}  // namespace visavis::modelkit
