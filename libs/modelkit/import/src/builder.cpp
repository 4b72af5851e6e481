#include "builder.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>

namespace visavis::modelkit {

std::string Builder::input(const std::string& name, const Shape& shape) {
  graph_.inputs.push_back({.name = name, .shape = shape});
  return name;
}

void Builder::output(const std::string& name, const Shape& shape) {
  graph_.outputs.push_back({.name = name, .shape = shape});
}

std::string Builder::node(const char* type, const std::string& name,
                          std::vector<std::string> inputs, Attributes attributes) {
  graph_.nodes.push_back({.op = type,
                          .name = name,
                          .inputs = std::move(inputs),
                          .outputs = {name},
                          .attributes = std::move(attributes)});
  return name;
}

std::string Builder::constant(Constant constant) {
  std::string name = constant.name;
  graph_.initializers.push_back({.name = std::move(constant.name),
                                 .shape = std::move(constant.shape),
                                 .values = std::move(constant.values)});
  return name;
}

std::string Builder::integers(const std::string& name, Shape values) {
  const auto count = static_cast<std::int64_t>(values.size());
  graph_.initializers.push_back({.name = name, .shape = {count}, .values = std::move(values)});
  return name;
}

std::string Builder::convolution(const std::string& name, const std::string& x, Constant weights,
                                 Constant bias, const ConvolutionShape& shape) {
  const Shape kernel = {weights.shape[2], weights.shape[3]};
  const std::string w = constant(std::move(weights));
  const std::string b = constant(std::move(bias));
  return node("Conv", name, {x, w, b},
              {{"dilations", Shape{shape.dilation_h, shape.dilation_w}},
               {"group", shape.groups},
               {"kernel_shape", kernel},
               {"pads", Shape{shape.pad_top, shape.pad_left, shape.pad_bottom, shape.pad_right}},
               {"strides", Shape{shape.stride_h, shape.stride_w}}});
}

std::string Builder::batch_normalization(const std::string& name, const std::string& x,
                                         BatchNormalization given, float epsilon) {
  std::vector<std::string> inputs = {x};
  for (Constant* each : {&given.scale, &given.shift, &given.mean, &given.variance})
    inputs.push_back(constant(std::move(*each)));
  return node("BatchNormalization", name, std::move(inputs), {{"epsilon", epsilon}});
}

std::string Builder::prelu(const std::string& name, const std::string& x, Constant slopes) {
  return node("PRelu", name, {x, constant(std::move(slopes))}, {});
}

std::string Builder::relu(const std::string& name, const std::string& x) {
  return node("Relu", name, {x}, {});
}

std::string Builder::relu6(const std::string& name, const std::string& x) {
  const std::string low = constant({.name = name + ".low", .shape = {}, .values = {0}});
  const std::string high = constant({.name = name + ".high", .shape = {}, .values = {6}});
  return node("Clip", name, {x, low, high}, {});
}

std::string Builder::max_pool_ceil(const std::string& name, const std::string& x, std::int64_t side,
                                   std::int64_t stride) {
  return node("MaxPool", name, {x},
              {{"ceil_mode", std::int64_t{1}},
               {"kernel_shape", Shape{side, side}},
               {"strides", Shape{stride, stride}}});
}

std::string Builder::max_pool(const std::string& name, const std::string& x, std::int64_t side,
                              std::int64_t stride) {
  return node("MaxPool", name, {x},
              {{"kernel_shape", Shape{side, side}}, {"strides", Shape{stride, stride}}});
}

std::string Builder::average_pool(const std::string& name, const std::string& x, std::int64_t side,
                                  std::int64_t stride) {
  return node("AveragePool", name, {x},
              {{"kernel_shape", Shape{side, side}}, {"strides", Shape{stride, stride}}});
}

std::string Builder::global_average_pool(const std::string& name, const std::string& x) {
  return node("GlobalAveragePool", name, {x}, {});
}

std::string Builder::pad_end(const std::string& name, const std::string& x, const Shape& zeros) {
  Shape pads(zeros.size(), 0);
  pads.insert(pads.end(), zeros.begin(), zeros.end());
  return node("Pad", name, {x, integers(name + ".pads", std::move(pads))}, {});
}

std::string Builder::product(const std::string& name, const std::string& x, Constant weights) {
  return node("MatMul", name, {x, constant(std::move(weights))}, {});
}

std::string Builder::dense(const std::string& name, const std::string& x, Constant weights,
                           Constant bias) {
  const std::string w = constant(std::move(weights));
  const std::string b = constant(std::move(bias));
  return node("Gemm", name, {x, w, b}, {{"transB", std::int64_t{1}}});
}

std::string Builder::add(const std::string& name, const std::string& a, const std::string& b) {
  return node("Add", name, {a, b}, {});
}

std::string Builder::concat(const std::string& name, const std::vector<std::string>& parts) {
  return node("Concat", name, parts, {{"axis", std::int64_t{1}}});
}

/// From operators that every engine has.
std::string Builder::unit_rows(const std::string& name, const std::string& x, std::int64_t width) {
  const std::string squares = node("Mul", name + ".squares", {x, x}, {});
  const std::string mean = node("ReduceMean", name + ".mean", {squares},
                                {{"axes", Shape{1}}, {"keepdims", std::int64_t{1}}});
  const std::string sum = node(
      "Mul", name + ".sum",
      {mean,
       constant({.name = name + ".width", .shape = {1}, .values = {static_cast<float>(width)}})},
      {});
  const std::string length = node("Sqrt", name + ".length", {sum}, {});
  const std::string bounded =
      node("Clip", name + ".bounded",
           {length, constant({.name = name + ".least", .shape = {}, .values = {1e-12F}})}, {});
  return node("Div", name, {x, bounded}, {});
}

std::string Builder::transpose(const std::string& name, const std::string& x,
                               const Shape& permutation) {
  return node("Transpose", name, {x}, {{"perm", permutation}});
}

std::string Builder::flatten(const std::string& name, const std::string& x) {
  return node("Flatten", name, {x}, {{"axis", std::int64_t{1}}});
}

std::string Builder::softmax(const std::string& name, const std::string& x) {
  return node("Softmax", name, {x}, {{"axis", std::int64_t{1}}});
}

Result<std::vector<std::byte>> Builder::finish() const {
  return graph::write_onnx(graph::flush_subnormals(graph_));
}

}  // namespace visavis::modelkit
