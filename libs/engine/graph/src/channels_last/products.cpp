// Gemm and MatMul.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lowering.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"

namespace visavis::graph::channels_last {
namespace {

/// x · wᵀ + b of rows; w: out, in.
std::string dense(Lowering& lower, const std::string& x, Tensor weights, std::vector<float> bias,
                  std::vector<float> scales) {
  Shape made = lower.made(x);
  made.back() = weights.shape[0];
  const auto outputs = static_cast<std::int64_t>(bias.size());
  const std::string w = lower.add(std::move(weights));
  const std::string b = lower.add_floats({outputs}, std::move(bias));
  Attributes attributes;
  if (!scales.empty()) attributes.emplace_back("weight_scales", std::move(scales));
  return lower.emit("FullyConnected", {x, w, b}, std::move(made), std::move(attributes));
}

/// A constant matrix of floats as out × in, or nothing.
Result<Tensor> matrix(Lowering& lower, const Node& node, bool is_out_in) {
  const Tensor* found = lower.constant(node.inputs[1]);
  if (found == nullptr || found->type() != ElementType::kFloat32 || found->shape.size() != 2)
    return unsupported(node, "a matrix that is computed");
  return is_out_in ? *found : permuted(*found, Ints{1, 0});
}

}  // namespace

Result<void> gemm(Lowering& lower, const Node& node) {
  const bool is_out_in = node.get_or<std::int64_t>("transB", 0) != 0;
  VISAVIS_TRY(weights, matrix(lower, node, is_out_in));
  const auto alpha = node.get_or<float>("alpha", 1);
  for (float& value : std::get<std::vector<float>>(weights.values)) value *= alpha;
  std::string x = lower.first_of(node.inputs[0]);
  if (node.get_or<std::int64_t>("transA", 0) != 0) x = lower.transpose(x, {1, 0});
  const auto outputs = static_cast<std::size_t>(weights.shape[0]);
  std::vector<float> bias(outputs, 0.F);
  std::string matrix_bias;
  if (Lowering::has(node, 2)) {
    VISAVIS_TRY(values, lower.floats(node, 2));
    const Shape& shape = lower.shape(node.inputs[2]);
    for (float& value : values) value *= node.get_or<float>("beta", 1);
    if (values.size() == 1) {
      bias.assign(outputs, values[0]);
    } else if (values.size() == outputs && shape.back() == static_cast<std::int64_t>(outputs)) {
      bias = std::move(values);
    } else {
      matrix_bias = lower.add_floats(shape, std::move(values));
    }
  }
  std::vector<float> scales =
      lower.weight_scales(node.inputs[1], outputs, is_out_in ? std::size_t{0} : 1);
  for (float& scale : scales) scale *= std::abs(alpha);
  std::string y = dense(lower, x, std::move(weights), std::move(bias), std::move(scales));
  if (!matrix_bias.empty()) y = lower.emit("Add", {y, matrix_bias}, lower.made(y));
  lower.keep(node.outputs[0], y, false);
  return {};
}

Result<void> mat_mul(Lowering& lower, const Node& node) {
  const std::size_t rank = lower.rank(node.inputs[0]);
  const std::string x = lower.first_of(node.inputs[0]);
  const Shape& made = lower.shape(node.outputs[0]);
  if (lower.constant(node.inputs[1]) != nullptr && lower.rank(node.inputs[1]) == 2 && rank >= 2) {
    VISAVIS_TRY(weights, matrix(lower, node, false));
    const std::vector<float> bias(static_cast<std::size_t>(weights.shape[0]), 0.F);
    std::int64_t rows = 1;
    for (std::size_t i = 0; i + 1 < rank; ++i) rows *= lower.made(x)[i];
    const std::string flat = lower.reshape(x, {rows, lower.made(x).back()});
    std::vector<float> scales = lower.weight_scales(node.inputs[1], bias.size(), 1);
    const std::string y = dense(lower, flat, std::move(weights), bias, std::move(scales));
    lower.keep(node.outputs[0], lower.reshape(y, made), false);
    return {};
  }
  if (rank < 2 || rank != lower.rank(node.inputs[1]))
    return unsupported(node, "factors of different rank");
  const std::string y = lower.first_of(node.inputs[1]);
  lower.keep(node.outputs[0], lower.emit("MatMul", {x, y}, made), false);
  return {};
}

}  // namespace visavis::graph::channels_last
