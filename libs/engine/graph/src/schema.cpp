#include "schema.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "visavis/graph/graph.hpp"

namespace visavis::graph {
namespace {

struct Required {
  std::string_view op;
  std::size_t inputs;      ///< The first so many have to be there.
  std::int64_t since = 1;  ///< From this operator set on; one until then.
};

/// All others have to have one.
constexpr auto kRequired = std::to_array<Required>({{"Add", 2},
                                                    {"BatchNormalization", 5},
                                                    {"Conv", 2},
                                                    {"ConvTranspose", 2},
                                                    {"DequantizeLinear", 2},
                                                    {"Div", 2},
                                                    {"Expand", 2},
                                                    {"Gather", 2},
                                                    {"Gemm", 2},
                                                    {"InstanceNormalization", 3},
                                                    {"LayerNormalization", 2},
                                                    {"MatMul", 2},
                                                    {"Mul", 2},
                                                    {"PRelu", 2},
                                                    {"Pad", 2, 11},
                                                    {"Pow", 2},
                                                    {"QuantizeLinear", 2},
                                                    {"Reshape", 2, 5},
                                                    {"Slice", 3, 10},
                                                    {"Sub", 2},
                                                    {"Unsqueeze", 2, 13},
                                                    {"Upsample", 2, 9}});

constexpr auto kWithoutInputs =
    std::to_array<std::string_view>({"Constant", "RandomNormal", "RandomUniform"});

/// Which alternative of Attribute.
enum Kind : std::size_t { kFloat, kInt, kString, kFloats, kInts };

/// No two of our operators have attributes of one name and two types.
constexpr auto kTypes =
    std::to_array<std::pair<std::string_view, Kind>>({{"allowzero", kInt},
                                                      {"alpha", kFloat},
                                                      {"auto_pad", kString},
                                                      {"axes", kInts},
                                                      {"axis", kInt},
                                                      {"beta", kFloat},
                                                      {"ceil_mode", kInt},
                                                      {"coordinate_transformation_mode", kString},
                                                      {"count_include_pad", kInt},
                                                      {"dilations", kInts},
                                                      {"epsilon", kFloat},
                                                      {"group", kInt},
                                                      {"keepdims", kInt},
                                                      {"kernel_shape", kInts},
                                                      {"max", kFloat},
                                                      {"min", kFloat},
                                                      {"mode", kString},
                                                      {"nearest_mode", kString},
                                                      {"noop_with_empty_axes", kInt},
                                                      {"output_padding", kInts},
                                                      {"output_shape", kInts},
                                                      {"p", kInt},
                                                      {"pads", kInts},
                                                      {"perm", kInts},
                                                      {"scales", kFloats},
                                                      {"storage_order", kInt},
                                                      {"strides", kInts},
                                                      {"transA", kInt},
                                                      {"transB", kInt}});

std::size_t required_by(const Node& node, std::int64_t opset) {
  const auto* found = std::ranges::find(kRequired, node.op, &Required::op);
  if (found != kRequired.end()) return opset >= found->since ? found->inputs : 1;
  return std::ranges::find(kWithoutInputs, node.op) == kWithoutInputs.end() ? 1 : 0;
}

/// Whether each of 0, 1, … is there once.
bool is_permutation(std::vector<std::int64_t> order) {
  std::ranges::sort(order);
  for (std::size_t i = 0; i < order.size(); ++i)
    if (order[i] != static_cast<std::int64_t>(i)) return false;
  return true;
}

}  // namespace

std::string defect_of(const Node& node, std::int64_t opset) {
  for (std::size_t i = 0; i < required_by(node, opset); ++i)
    if (i >= node.inputs.size() || node.inputs[i].empty())
      return "input " + std::to_string(i + 1) + ", which it must have, is left out";
  for (const auto& [name, value] : node.attributes) {
    const auto* known = std::ranges::find(kTypes, name, &std::pair<std::string_view, Kind>::first);
    if (known != kTypes.end() && value.index() != known->second)
      return "the attribute " + name + " is of another type";
  }
  if (node.op == "Transpose" && !is_permutation(node.get_or("perm", std::vector<std::int64_t>{})))
    return "perm is no permutation of the axes";
  return {};
}

}  // namespace visavis::graph
