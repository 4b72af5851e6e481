#include "visavis/graph/graph.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "onnx_numbers.hpp"
#include "visavis/core/result.hpp"

namespace visavis::graph {
namespace {

using Names = std::unordered_set<std::string_view>;

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<void> check_tensor(const Tensor& tensor) {
  VISAVIS_TRY(count, element_count(tensor.shape));
  if (count != tensor.size())
    return invalid("the tensor \"" + tensor.name + "\" holds " + std::to_string(tensor.size()) +
                   " values and its shape says " + std::to_string(count));
  return {};
}

Result<void> define(Names& names, std::string_view name) {
  if (name.empty()) return invalid("a value has no name");
  if (!names.insert(name).second)
    return invalid("the value \"" + std::string(name) + "\" is defined twice");
  return {};
}

Result<void> check_value(const ValueInfo& value) {
  if (value.shape.size() > kMaxRank)
    return invalid("the rank of \"" + value.name + "\" is too high");
  for (const std::int64_t n : value.shape)
    if (n < -1 || n > kMaxElements)
      return invalid("a dimension of \"" + value.name + "\" is out of range");
  return {};
}

Result<void> check_node(const Node& node, Names& names) {
  if (node.op.empty()) return invalid("a node has no operator");
  for (const std::string& input : node.inputs)
    if (!input.empty() && !names.contains(input))
      return invalid(node.op + " reads \"" + input + "\", which nothing before it defines");
  for (const auto& [name, attribute] : node.attributes)
    if (const auto* tensor = std::get_if<Tensor>(&attribute)) VISAVIS_CHECK(check_tensor(*tensor));
  bool any = false;
  for (const std::string& output : node.outputs) {
    if (output.empty()) continue;  // an optional output that nobody wants
    VISAVIS_CHECK(define(names, output));
    any = true;
  }
  if (!any) return invalid("a node " + node.op + " has no output");
  return {};
}

}  // namespace

std::string_view to_string(ElementType type) noexcept {
  switch (type) {
    case ElementType::kFloat32:
      return "float32";
    case ElementType::kFloat16:
      return "float16";
    case ElementType::kUint8:
      return "uint8";
    case ElementType::kInt8:
      return "int8";
    case ElementType::kInt32:
      return "int32";
    case ElementType::kInt64:
      return "int64";
  }
  return "float32";
}

ElementType Tensor::type() const noexcept {
  struct Visitor {
    ElementType operator()(const std::vector<float>&) const { return ElementType::kFloat32; }
    ElementType operator()(const std::vector<std::int64_t>&) const { return ElementType::kInt64; }
    ElementType operator()(const std::vector<std::int32_t>&) const { return ElementType::kInt32; }
    ElementType operator()(const std::vector<std::int8_t>&) const { return ElementType::kInt8; }
    ElementType operator()(const std::vector<std::uint8_t>&) const { return ElementType::kUint8; }
    ElementType operator()(const std::vector<Half>&) const { return ElementType::kFloat16; }
  };
  return std::visit(Visitor{}, values);
}

std::size_t Tensor::size() const noexcept {
  return std::visit([](const auto& held) { return held.size(); }, values);
}

const Attribute* Node::find(std::string_view attribute) const noexcept {
  const auto found =
      std::ranges::find_if(attributes, [&](const auto& pair) { return pair.first == attribute; });
  return found == attributes.end() ? nullptr : &found->second;
}

const Tensor* Graph::initializer(std::string_view tensor) const noexcept {
  const auto found = std::ranges::find(initializers, tensor, &Tensor::name);
  return found == initializers.end() ? nullptr : &*found;
}

Result<std::size_t> element_count(std::span<const std::int64_t> shape) {
  if (shape.size() > kMaxRank) return invalid("the rank of a tensor is too high");
  // Each factor is checked against what is left, so that the product cannot overflow and a zero
  // does not hide a wild dimension.
  std::int64_t bound = 1;
  std::int64_t count = 1;
  for (const std::int64_t n : shape) {
    if (n < 0) return invalid("a dimension of a tensor is negative");
    if (n > kMaxElements / bound)
      return invalid("a tensor has more than " + std::to_string(kMaxElements) + " elements");
    bound *= std::max<std::int64_t>(n, 1);
    count *= n;
  }
  return static_cast<std::size_t>(count);
}

Result<void> validate(const Graph& graph) {
  if (graph.opset < 1 || graph.opset > kMaxOpset)
    return invalid("opset " + std::to_string(graph.opset) + " is unknown");
  if (graph.nodes.size() > kMaxNodes) return invalid("the graph has too many nodes");
  Names names;
  for (const ValueInfo& input : graph.inputs) {
    VISAVIS_CHECK(check_value(input));
    VISAVIS_CHECK(define(names, input.name));
  }
  for (const Tensor& tensor : graph.initializers) {
    VISAVIS_CHECK(check_tensor(tensor));
    VISAVIS_CHECK(define(names, tensor.name));
  }
  for (const Node& node : graph.nodes) VISAVIS_CHECK(check_node(node, names));
  if (graph.outputs.empty()) return invalid("the graph has no output");
  for (const ValueInfo& output : graph.outputs) {
    VISAVIS_CHECK(check_value(output));
    if (!names.contains(output.name))
      return invalid("nothing defines the output \"" + output.name + "\"");
  }
  return {};
}

}  // namespace visavis::graph
