#include "free_batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace visavis::modelkit {
namespace {

using testing::HasSubstr;

graph::Node node(const char* op, std::vector<std::string> inputs, const char* output) {
  graph::Node node;
  node.op = op;
  node.inputs = std::move(inputs);
  node.outputs = {output};
  return node;
}

/// Conv, then a reshape of its one picture to a row.
graph::Graph sample() {
  graph::Graph graph;
  graph.inputs = {{.name = "x", .shape = {1, 1, 2, 2}}};
  graph.outputs = {{.name = "z", .shape = {1, 4}}};
  graph.initializers = {{.name = "w", .shape = {1, 1, 1, 1}, .values = std::vector<float>{2}},
                        {.name = "to", .shape = {2}, .values = std::vector<std::int64_t>{1, -1}}};
  graph.nodes = {node("Conv", {"x", "w"}, "y"), node("Reshape", {"y", "to"}, "z")};
  return graph;
}

TEST(FreeBatch, OpensInputsOutputsAndReshapes) {
  const auto freed = free_batch(sample());
  ASSERT_TRUE(freed) << freed.error().message;
  EXPECT_TRUE(graph::validate(*freed));
  EXPECT_EQ(freed->inputs[0].shape, (graph::Shape{-1, 1, 2, 2}));
  EXPECT_EQ(freed->outputs[0].shape, (graph::Shape{-1, 4}));
  const graph::Tensor* target = freed->initializer(freed->nodes[1].inputs[1]);
  ASSERT_NE(target, nullptr);
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(target->values),
            (std::vector<std::int64_t>{0, -1}));
  EXPECT_EQ(freed->initializer("to"), nullptr);
}

TEST(FreeBatch, RefusesWhatMightMixPictures) {
  graph::Graph batch = sample();
  batch.inputs[0].shape[0] = 2;
  EXPECT_THAT(free_batch(batch).error().message, HasSubstr("does not begin with a batch of one"));
  graph::Graph reshape = sample();
  reshape.initializers[1].values = std::vector<std::int64_t>{4, 1};
  EXPECT_THAT(free_batch(reshape).error().message, HasSubstr("a reshape"));
  graph::Graph op = sample();
  op.nodes[0].op = "ReduceMean";
  EXPECT_EQ(free_batch(op).error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(free_batch(op).error().message, HasSubstr("ReduceMean might mix"));
  graph::Graph softmax = sample();
  softmax.nodes[0] = node("Softmax", {"x"}, "y");
  softmax.nodes[0].attributes = {{"axis", std::int64_t{0}}};
  EXPECT_FALSE(free_batch(softmax));
}

}  // namespace
}  // namespace visavis::modelkit
