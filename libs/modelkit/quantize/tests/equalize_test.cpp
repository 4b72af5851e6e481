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

// x = 2 makes 2 and 200; x = −6 makes −2 · .25 and −200 · .5: the peaks are 2 and 200.
TEST(Equalize, ScalesChannelsToTheLargest) {
  const graph::Graph graph = network();
  const Observations observed = seen(graph);
  EXPECT_THAT(observed.at("p").channel_peaks, ElementsAre(2, 200));
  const graph::Graph made = equalize(graph, observed);
  EXPECT_THAT(values(made, "w"), ElementsAre(testing::FloatEq(50), 50));
  EXPECT_THAT(values(made, "b"), ElementsAre(testing::FloatEq(100), 100));
  EXPECT_THAT(values(made, "d"), ElementsAre(testing::FloatEq(.08F), 3));
  EXPECT_THAT(values(made, "s"), ElementsAre(.25F, .5F));
  const auto before = answers(graph, kSamples, reference());
  const auto after = answers(made, kSamples, reference());
  for (std::size_t i = 0; i < before->size(); ++i)
    EXPECT_THAT((*after)[i], testing::Pointwise(testing::FloatNear(1e-4F), (*before)[i]));
}

TEST(Equalize, LeavesWhatOthersReadToo) {
  for (const char* shared : {"p", "c", "w", "d"}) {
    graph::Graph graph = network();
    const Observations observed = seen(graph);
    graph.nodes.push_back(node("Neg", {shared}, "n"));
    const graph::Graph made = equalize(graph, observed);
    EXPECT_EQ(values(made, "w"), values(graph, "w")) << shared;
    EXPECT_EQ(values(made, "d"), values(graph, "d")) << shared;
  }
}

TEST(Equalize, LeavesWhatDoesNotScale) {
  graph::Graph graph = network();
  const Observations observed = seen(graph);
  graph.nodes[1] = node("Tanh", {"c"}, "p");
  EXPECT_EQ(values(equalize(graph, observed), "w"), values(graph, "w"));
  EXPECT_EQ(values(equalize(network(), {}), "w"), values(graph, "w"));
}

}  // namespace
}  // namespace visavis::modelkit
