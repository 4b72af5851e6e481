/// The table of ONNX operators that Caffe has layers for, and what their rules share.

#include "caffe_operators.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "caffe_writer.hpp"
#include "survey.hpp"

namespace visavis::modelkit {

struct CaffeLowering::Rule {
  std::string_view op;
  Done (CaffeLowering::*add)(const Node&);
};

const std::vector<CaffeLowering::Rule>& CaffeLowering::rules() {
  static const std::vector<Rule> all = {
      {"Abs", &CaffeLowering::plain},
      {"Add", &CaffeLowering::binary},
      {"AveragePool", &CaffeLowering::pool},
      {"BatchNormalization", &CaffeLowering::batch_norm},
      {"Clip", &CaffeLowering::clip},
      {"Concat", &CaffeLowering::concat},
      {"Conv", &CaffeLowering::convolution},
      {"ConvTranspose", &CaffeLowering::transposed},
      {"Div", &CaffeLowering::binary},
      {"Dropout", &CaffeLowering::alias},
      {"Elu", &CaffeLowering::plain},
      {"Exp", &CaffeLowering::plain},
      {"Flatten", &CaffeLowering::reshape},
      {"Gemm", &CaffeLowering::dense},
      {"GlobalAveragePool", &CaffeLowering::global_pool},
      {"GlobalMaxPool", &CaffeLowering::global_pool},
      {"HardSigmoid", &CaffeLowering::hard_sigmoid},
      {"HardSwish", &CaffeLowering::hard_sigmoid},
      {"Identity", &CaffeLowering::alias},
      {"LeakyRelu", &CaffeLowering::plain},
      {"Log", &CaffeLowering::plain},
      {"MatMul", &CaffeLowering::dense},
      {"Max", &CaffeLowering::binary},
      {"MaxPool", &CaffeLowering::pool},
      {"Mul", &CaffeLowering::binary},
      {"Neg", &CaffeLowering::plain},
      {"PRelu", &CaffeLowering::prelu},
      {"Pad", &CaffeLowering::pad},
      {"Pow", &CaffeLowering::binary},
      {"ReduceMean", &CaffeLowering::reduce},
      {"Relu", &CaffeLowering::plain},
      {"Reshape", &CaffeLowering::reshape},
      {"Sigmoid", &CaffeLowering::plain},
      {"Slice", &CaffeLowering::slice},
      {"Softmax", &CaffeLowering::softmax},
      {"Split", &CaffeLowering::split},
      {"Sqrt", &CaffeLowering::plain},
      {"Squeeze", &CaffeLowering::reshape},
      {"Sub", &CaffeLowering::binary},
      {"Tanh", &CaffeLowering::plain},
      {"Transpose", &CaffeLowering::transpose},
      {"Unsqueeze", &CaffeLowering::reshape},
  };
  return all;
}

std::set<std::string_view> caffe_operators() {
  std::set<std::string_view> out;
  for (const CaffeLowering::Rule& rule : CaffeLowering::rules()) out.insert(rule.op);
  return out;
}

Result<void> CaffeLowering::add(const Node& node) {
  const auto rule = std::ranges::find(rules(), node.op, &Rule::op);
  if (rule == rules().end()) return refuse(node, "no layer");
  if (survey_.is_constant(node.inputs.front()) && node.op != "Sub" && node.op != "Div" &&
      node.op != "Add" && node.op != "Mul" && node.op != "Max")
    return refuse(node, "of a constant");
  return (this->*rule->add)(node);
}

std::string CaffeLowering::top(const std::string& value) const {
  return late_.contains(value) ? value + ":value" : value;
}

std::string CaffeLowering::bottom(const Node& node, std::size_t input) const {
  const auto found = aliases_.find(node.inputs[input]);
  return found == aliases_.end() ? top(node.inputs[input]) : found->second;
}

std::string CaffeLowering::between(const Node& node) {
  return node.outputs[0] + ":" + std::to_string(++count_);
}

std::string CaffeLowering::layer(const std::string& type, const std::string& bottom,
                                 const std::string& top, const std::string& parameters,
                                 Fields fields, std::vector<CaffeTensor> blobs) {
  writer_.layer({.type = type,
                 .name = top,
                 .bottoms = {bottom},
                 .tops = {top},
                 .parameters = parameters,
                 .fields = std::move(fields),
                 .blobs = std::move(blobs)});
  return top;
}

void CaffeLowering::add_late_output(const std::string& name) {
  const auto found = aliases_.find(name);
  layer("Split", found == aliases_.end() ? top(name) : found->second, name);
}

std::string CaffeLowering::power(const std::string& x, const std::string& top, float exponent,
                                 float scale, float shift) {
  return layer(
      "Power", x, top, "power_param",
      {{"power", shortest(exponent)}, {"scale", shortest(scale)}, {"shift", shortest(shift)}});
}

std::string CaffeLowering::at_least(const Node& node, const std::string& x, const std::string& top,
                                    float low) {
  if (low == 0) return layer("ReLU", x, top);
  const std::string above = power(x, between(node), 1, 1, -low);
  return power(layer("ReLU", above, between(node)), top, 1, 1, low);
}

std::string CaffeLowering::at_most(const Node& node, const std::string& x, const std::string& top,
                                   float high) {
  const std::string below = power(x, between(node), 1, -1, high);
  return power(layer("ReLU", below, between(node)), top, 1, -1, high);
}

std::string CaffeLowering::scale(const std::string& x, const std::string& top, std::size_t axis,
                                 std::vector<std::int64_t> shape, std::vector<float> factors,
                                 std::vector<float> shifts) {
  Fields fields = {{"axis", std::to_string(axis)}, {"num_axes", std::to_string(shape.size())}};
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = shape, .values = std::move(factors)});
  if (!shifts.empty()) {
    fields.emplace_back("bias_term", "true");
    blobs.push_back({.shape = std::move(shape), .values = std::move(shifts)});
  }
  return layer("Scale", x, top, "scale_param", std::move(fields), std::move(blobs));
}

std::string CaffeLowering::cut(const Node& node, const std::string& x, const std::string& top,
                               std::size_t axis, std::int64_t size, std::int64_t from,
                               std::int64_t to) {
  // OpenCV takes a layer's name for that of its first blob.
  const std::string part = from > 0 ? between(node) : top;
  CaffeWriter::Layer slice{.type = "Slice",
                           .name = part,
                           .bottoms = {x},
                           .tops = {},
                           .parameters = "slice_param",
                           .fields = {{"axis", std::to_string(axis)}}};
  std::vector<std::string> rest;
  if (from > 0) {
    slice.fields.emplace_back("slice_point", text(from));
    rest.push_back(between(node));
    slice.tops.push_back(rest.back());
  }
  slice.tops.push_back(part);
  if (to < size) {
    slice.fields.emplace_back("slice_point", text(to));
    rest.push_back(between(node));
    slice.tops.push_back(rest.back());
  }
  writer_.layer(std::move(slice));
  writer_.layer({.type = "Silence", .name = between(node), .bottoms = std::move(rest), .tops = {}});
  if (part != top) layer("Split", part, top);
  return top;
}

std::string CaffeLowering::cut_all(const Node& node, const std::string& x, const std::string& top,
                                   const Shape& size, const Shape& from, const Shape& to) {
  std::vector<std::size_t> axes;
  for (std::size_t axis = 0; axis < size.size(); ++axis)
    if (from[axis] > 0 || to[axis] < size[axis]) axes.push_back(axis);
  if (axes.empty()) return layer("Split", x, top);
  std::string value = x;
  for (const std::size_t axis : axes)
    value = cut(node, value, axis == axes.back() ? top : between(node), axis, size[axis],
                from[axis], to[axis]);
  return value;
}

Result<void> CaffeLowering::alias(const Node& node) {
  if (survey_.is_output(node.outputs[0]) && !late_.contains(node.outputs[0]))
    layer("Split", bottom(node, 0), node.outputs[0]);
  else
    aliases_[node.outputs[0]] = bottom(node, 0);
  return {};
}

}  // namespace visavis::modelkit
