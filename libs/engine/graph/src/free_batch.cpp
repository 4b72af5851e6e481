#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"
#include "visavis/graph/resize.hpp"

namespace visavis::graph {
namespace {

/// What a value has to do with the batch.
enum class Role : std::uint8_t {
  kConstant,   ///< Nothing.
  kBatched,    ///< Axis 0 is the batch.
  kBatchSize,  ///< The number of samples, as a scalar or a vector of one.
  kShape,      ///< A vector whose element 0 is the number of samples.
};

// Operators that compute each sample by itself whatever their attributes are.
constexpr auto kPerSample = std::to_array<std::string_view>({"Abs",
                                                             "Add",
                                                             "AveragePool",
                                                             "BatchNormalization",
                                                             "Cast",
                                                             "Clip",
                                                             "Conv",
                                                             "ConvTranspose",
                                                             "Div",
                                                             "Dropout",
                                                             "Elu",
                                                             "Erf",
                                                             "Exp",
                                                             "GlobalAveragePool",
                                                             "GlobalMaxPool",
                                                             "HardSigmoid",
                                                             "HardSwish",
                                                             "Identity",
                                                             "InstanceNormalization",
                                                             "LeakyRelu",
                                                             "Log",
                                                             "Max",
                                                             "MaxPool",
                                                             "Min",
                                                             "Mul",
                                                             "Neg",
                                                             "PRelu",
                                                             "Pow",
                                                             "Relu",
                                                             "Sigmoid",
                                                             "Sqrt",
                                                             "Sub",
                                                             "Sum",
                                                             "Tanh"});

using Ints = std::vector<std::int64_t>;

class BatchFreer {
 public:
  explicit BatchFreer(Graph graph) : graph_(std::move(graph)) {}

  Result<Graph> run() && {
    for (ValueInfo& input : graph_.inputs) {
      if (input.shape.empty() || (input.shape[0] != 1 && input.shape[0] != -1))
        return fail(ErrorCode::kUnsupported, "axis 0 of the input " + input.name + " is no batch");
      input.shape[0] = -1;
      roles_[input.name] = Role::kBatched;
    }
    for (Node& node : graph_.nodes) {
      VISAVIS_TRY(role, role_of(node));
      for (const std::string& output : node.outputs) roles_[output] = role;
    }
    for (ValueInfo& output : graph_.outputs) {
      if (role(output.name) != Role::kBatched || output.shape.empty()) continue;
      output.shape[0] = -1;
    }
    return std::move(graph_);
  }

 private:
  Role role(std::string_view name) const {
    const auto found = roles_.find(std::string(name));
    return found == roles_.end() ? Role::kConstant : found->second;
  }
  Role role(const Node& node, std::size_t input) const {
    return input < node.inputs.size() ? role(node.inputs[input]) : Role::kConstant;
  }

  static std::unexpected<Error> refuse(const Node& node) {
    return fail(ErrorCode::kUnsupported,
                "the batch size cannot be freed: " + node.op + " may mix the samples");
  }

  /// An initializer or what a Constant node holds, or nullptr.
  const Tensor* constant(std::string_view name) const {
    const Tensor* tensor = graph_.initializer(name);
    for (const Node& node : graph_.nodes)
      if (node.op == "Constant" && node.outputs.front() == name)
        if (const Attribute* value = node.find("value")) tensor = std::get_if<Tensor>(value);
    return tensor;
  }

  /// The integers of a constant, or nullptr.
  const Ints* integers(std::string_view name) const {
    const Tensor* tensor = constant(name);
    return tensor == nullptr ? nullptr : std::get_if<Ints>(&tensor->values);
  }

  /// An attribute, or the input that replaced it in a later opset; empty if there is neither.
  Ints list(const Node& node, std::string_view attribute, std::size_t input) const {
    if (node.find(attribute) != nullptr) return node.get_or<Ints>(attribute, {});
    const Ints* values = input < node.inputs.size() ? integers(node.inputs[input]) : nullptr;
    return values == nullptr ? Ints{} : *values;
  }

  Result<Role> role_of(Node& node) {
    if (std::ranges::all_of(node.inputs,
                            [&](const std::string& name) { return role(name) == Role::kConstant; }))
      return Role::kConstant;
    if (node.op == "Concat") return concat(node);
    if (node.op == "Reshape") return reshape(node);
    if (node.op == "Resize" || node.op == "Upsample") return resize(node);
    switch (role(node, 0)) {
      case Role::kShape:
        return from_shape(node);
      case Role::kBatchSize:
        if (node.op == "Unsqueeze") return Role::kBatchSize;
        return refuse(node);
      case Role::kBatched:
      case Role::kConstant:
        return from_batched(node);
    }
    return refuse(node);
  }

  Result<Role> from_shape(const Node& node) const {
    if (node.op == "Gather" && node.inputs.size() == 2) {
      const Ints* index = integers(node.inputs[1]);
      if (index == nullptr || index->size() != 1) return refuse(node);
      return index->front() == 0 ? Role::kBatchSize : Role::kConstant;
    }
    if (node.op == "Slice") {
      const Ints starts = list(node, "starts", 1);
      if (starts.size() != 1 || starts[0] < 0 || node.inputs.size() > 4) return refuse(node);
      return starts[0] == 0 ? Role::kShape : Role::kConstant;
    }
    return refuse(node);
  }

  Result<Role> from_batched(const Node& node) const {
    if (std::ranges::any_of(node.inputs, [&](const std::string& name) {
          return role(name) == Role::kShape || role(name) == Role::kBatchSize;
        }))
      return refuse(node);
    if (std::ranges::find(kPerSample, node.op) != kPerSample.end()) return Role::kBatched;
    if (role(node, 0) != Role::kBatched) return refuse(node);
    if (node.op == "Shape") return Role::kShape;
    return keeps_axis_0(node) ? Result<Role>(Role::kBatched) : refuse(node);
  }

  bool keeps_axis_0(const Node& node) const {
    const auto above_0 = [](const Ints& axes) {
      return !axes.empty() && std::ranges::all_of(axes, [](std::int64_t a) { return a > 0; });
    };
    if (node.op == "Transpose") {
      const Ints perm = node.get_or<Ints>("perm", {});
      return !perm.empty() && perm[0] == 0;
    }
    if (node.op == "Flatten") return node.get_or<std::int64_t>("axis", 1) == 1;
    if (node.op == "Gemm")
      return node.get_or<std::int64_t>("transA", 0) == 0 && role(node, 1) == Role::kConstant;
    if (node.op == "Softmax" || node.op == "LogSoftmax") {
      const std::int64_t axis = node.get_or<std::int64_t>("axis", graph_.opset < 13 ? 1 : -1);
      return axis > 0 || axis == -1;
    }
    if (node.op == "Slice") return above_0(list(node, "axes", 3));
    if (node.op == "LayerNormalization" || node.op == "LpNormalization") {
      const auto axis = node.get_or<std::int64_t>("axis", -1);
      return axis > 0 || axis == -1;
    }
    if (node.op == "Squeeze" || node.op == "Unsqueeze" || node.op.starts_with("Reduce"))
      return above_0(list(node, "axes", 1));
    return false;
  }

  Result<Role> concat(const Node& node) const {
    const std::int64_t axis = node.get_or<std::int64_t>("axis", 0);
    const Role first = role(node, 0);
    const bool rest_constant =
        std::ranges::all_of(node.inputs.begin() + 1, node.inputs.end(),
                            [&](const std::string& n) { return role(n) == Role::kConstant; });
    if (axis == 0 && rest_constant && (first == Role::kBatchSize || first == Role::kShape))
      return Role::kShape;
    const bool all_batched = std::ranges::all_of(
        node.inputs, [&](const std::string& name) { return role(name) == Role::kBatched; });
    if (axis > 0 && all_batched) return Role::kBatched;
    return refuse(node);
  }

  /// A computed shape that starts with the batch size stays; in a constant one, a leading 1 becomes
  /// ONNX's 0: "as in the input".
  Result<Role> reshape(Node& node) {
    if (node.inputs.size() != 2 || role(node, 0) != Role::kBatched) return refuse(node);
    if (role(node, 1) == Role::kShape) return Role::kBatched;
    const Ints* constant = role(node, 1) == Role::kConstant ? integers(node.inputs[1]) : nullptr;
    if (constant == nullptr || constant->empty() || node.get_or<std::int64_t>("allowzero", 0) != 0)
      return refuse(node);
    if (constant->front() == 0) return Role::kBatched;
    if (constant->front() != 1) return refuse(node);
    Ints freed = *constant;
    freed[0] = 0;
    node.inputs[1] = add_constant(node.inputs[1] + "_free_batch", std::move(freed));
    return Role::kBatched;
  }

  /// Samples stay apart where their number is neither scaled nor fixed.
  Result<Role> resize(const Node& node) const {
    if (role(node, 0) != Role::kBatched) return refuse(node);
    if (node.find("axes") != nullptr) {
      const bool above_0 = std::ranges::all_of(node.get_or<Ints>("axes", {}),
                                               [](std::int64_t axis) { return axis > 0; });
      return above_0 ? Result<Role>(Role::kBatched) : refuse(node);
    }
    const ResizeInputs places = resize_inputs(node, graph_.opset);
    if (places.sizes && role(node, *places.sizes) == Role::kShape) return Role::kBatched;
    auto scales = node.get_or<std::vector<float>>("scales", {});
    const Tensor* tensor = places.scales ? constant(node.inputs[*places.scales]) : nullptr;
    if (tensor != nullptr)
      if (const auto* given = std::get_if<std::vector<float>>(&tensor->values)) scales = *given;
    return !scales.empty() && scales[0] == 1 ? Result<Role>(Role::kBatched) : refuse(node);
  }

  /// A constant of its own, because another node may read the old one.
  std::string add_constant(std::string name, Ints values) {
    if (graph_.initializer(name) == nullptr) {
      const auto count = static_cast<std::int64_t>(values.size());
      graph_.initializers.push_back({.name = name, .shape = {count}, .values = std::move(values)});
    }
    return name;
  }

  Graph graph_;
  std::unordered_map<std::string, Role> roles_;
};

/// Drops constants that no node and no output reads any more.
void drop_unread(Graph& graph) {
  const auto read = [&](const Tensor& tensor) {
    for (const Node& node : graph.nodes)
      if (std::ranges::find(node.inputs, tensor.name) != node.inputs.end()) return true;
    return std::ranges::find(graph.outputs, tensor.name, &ValueInfo::name) != graph.outputs.end();
  };
  std::erase_if(graph.initializers, [&](const Tensor& tensor) { return !read(tensor); });
}

}  // namespace

Result<Graph> free_batch(Graph graph) {
  VISAVIS_CHECK(validate(graph));
  VISAVIS_TRY(freed, BatchFreer(std::move(graph)).run());
  drop_unread(freed);
  VISAVIS_CHECK(validate(freed));  // the new constants' names may clash with the graph's
  return freed;
}

}  // namespace visavis::graph
