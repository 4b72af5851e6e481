#include "free_batch.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <expected>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {
namespace {

/// They treat every picture of a batch alike, whatever their attributes.
constexpr std::array<std::string_view, 17> kKeepPicturesApart = {"Add",
                                                                 "AveragePool",
                                                                 "BatchNormalization",
                                                                 "Clip",
                                                                 "Conv",
                                                                 "Div",
                                                                 "Dropout",
                                                                 "GlobalAveragePool",
                                                                 "Identity",
                                                                 "MaxPool",
                                                                 "Mul",
                                                                 "PRelu",
                                                                 "Relu",
                                                                 "Sigmoid",
                                                                 "Sub",
                                                                 "Tanh",
                                                                 "LeakyRelu"};

std::unexpected<Error> unsupported(const std::string& what) {
  return fail(ErrorCode::kUnsupported, "the batch cannot be freed: " + what);
}

bool keeps_pictures_apart(const graph::Node& node, std::int64_t opset) {
  if (std::ranges::find(kKeepPicturesApart, node.op) != kKeepPicturesApart.end()) return true;
  // Up to opset 12, softmax ran over everything behind its axis, from 13 on over the axis alone.
  if (node.op == "Softmax") return node.get_or<std::int64_t>("axis", opset < 13 ? 1 : -1) != 0;
  if (node.op == "Flatten") return node.get_or<std::int64_t>("axis", 1) == 1;
  if (node.op == "Concat") return node.get_or<std::int64_t>("axis", 0) > 0;
  if (node.op == "Gemm") return node.get_or<std::int64_t>("transA", 0) == 0;
  if (node.op != "Transpose") return false;
  const auto order = node.get_or<std::vector<std::int64_t>>("perm", {});
  return !order.empty() && order[0] == 0;
}

Result<void> free_first(std::vector<graph::ValueInfo>& values) {
  for (graph::ValueInfo& value : values) {
    if (value.shape.empty() || (value.shape[0] != 1 && value.shape[0] != -1))
      return unsupported(value.name + " does not begin with a batch of one");
    value.shape[0] = -1;
  }
  return {};
}

/// Gives the node a target shape whose first number is 0: as many as come in.
Result<void> free_reshape(graph::Graph& graph, graph::Node& node) {
  const graph::Tensor* target =
      node.inputs.size() == 2 ? graph.initializer(node.inputs[1]) : nullptr;
  const auto* numbers =
      target == nullptr ? nullptr : std::get_if<std::vector<std::int64_t>>(&target->values);
  if (numbers == nullptr || numbers->empty() || (*numbers)[0] != 1 ||
      node.get_or<std::int64_t>("allowzero", 0) != 0)
    return unsupported("a reshape to other than a batch of one");
  std::vector<std::int64_t> freed = *numbers;
  freed[0] = 0;
  graph::Tensor shape{
      .name = target->name + ".free", .shape = {std::ssize(freed)}, .values = std::move(freed)};
  node.inputs[1] = shape.name;
  if (graph.initializer(shape.name) == nullptr) graph.initializers.push_back(std::move(shape));
  return {};
}

/// Constants that no node reads any more.
void drop_unused(graph::Graph& graph) {
  std::erase_if(graph.initializers, [&](const graph::Tensor& tensor) {
    const auto reads = [&](const graph::Node& node) {
      return std::ranges::find(node.inputs, tensor.name) != node.inputs.end();
    };
    return std::ranges::none_of(graph.nodes, reads) &&
           std::ranges::find(graph.outputs, tensor.name, &graph::ValueInfo::name) ==
               graph.outputs.end();
  });
}

}  // namespace

Result<graph::Graph> free_batch(graph::Graph graph) {
  VISAVIS_CHECK(free_first(graph.inputs));
  VISAVIS_CHECK(free_first(graph.outputs));
  for (graph::Node& node : graph.nodes) {
    if (node.op == "Reshape") {
      VISAVIS_CHECK(free_reshape(graph, node));
    } else if (!keeps_pictures_apart(node, graph.opset)) {
      return unsupported("the operator " + node.op.substr(0, 64) + " might mix pictures");
    }
  }
  drop_unused(graph);
  return graph;
}

}  // namespace visavis::modelkit
