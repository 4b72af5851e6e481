#include "operators.hpp"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/graph/graph.hpp>

#include "tflite_generated.h"

namespace visavis::tflite {
namespace {

using Op = schema::BuiltinOperator;
using Type = schema::BuiltinOptions;
using Ints = std::vector<std::int64_t>;

constexpr auto kCodes = std::to_array<std::pair<std::string_view, Code>>(
    {{"Conv", {Op::CONV_2D, 1, 3}},
     {"DepthwiseConv", {Op::DEPTHWISE_CONV_2D, 1, 3}},
     {"TransposeConv", {Op::TRANSPOSE_CONV, 1, 2}},
     {"FullyConnected", {Op::FULLY_CONNECTED, 1, 4}},
     {"MaxPool", {Op::MAX_POOL_2D, 1, 2}},
     {"AveragePool", {Op::AVERAGE_POOL_2D, 1, 2}},
     {"MatMul", {Op::BATCH_MATMUL, 1, 2}},
     {"Add", {Op::ADD, 1, 2}},
     {"Sub", {Op::SUB, 1, 2}},
     {"Mul", {Op::MUL, 1, 2}},
     {"Div", {Op::DIV, 1, 1}},
     {"Pow", {Op::POW, 1, 1}},
     {"Maximum", {Op::MAXIMUM, 1, 2}},
     {"Minimum", {Op::MINIMUM, 1, 2}},
     {"Relu", {Op::RELU, 1, 2}},
     {"Relu6", {Op::RELU6, 1, 2}},
     {"LeakyRelu", {Op::LEAKY_RELU, 1, 2}},
     {"PRelu", {Op::PRELU, 1, 1}},
     {"Elu", {Op::ELU, 1, 1}},
     {"HardSwish", {Op::HARD_SWISH, 1, 1}},
     {"Sigmoid", {Op::LOGISTIC, 1, 2}},
     {"Tanh", {Op::TANH, 1, 2}},
     {"Exp", {Op::EXP, 1, 1}},
     {"Log", {Op::LOG, 1, 1}},
     {"Neg", {Op::NEG, 1, 1}},
     {"Abs", {Op::ABS, 1, 1}},
     {"Sqrt", {Op::SQRT, 1, 1}},
     {"Round", {Op::ROUND, 1, 1}},
     {"Softmax", {Op::SOFTMAX, 1, 2}},
     {"Mean", {Op::MEAN, 1, 2}},
     {"Max", {Op::REDUCE_MAX, 1, 2}},
     {"Reshape", {Op::RESHAPE, 1, 1}},
     {"ResizeBilinear", {Op::RESIZE_BILINEAR, 1, 2}},
     {"ResizeNearest", {Op::RESIZE_NEAREST_NEIGHBOR, 1, 2}},
     {"Transpose", {Op::TRANSPOSE, 1, 2}},
     {"Pad", {Op::PAD, 1, 2}},
     {"PadValue", {Op::PADV2, 1, 2}},
     {"Concat", {Op::CONCATENATION, 1, 2}},
     {"Slice", {Op::SLICE, 1, 2}},
     {"StridedSlice", {Op::STRIDED_SLICE, 1, 2}},
     {"Gather", {Op::GATHER, 1, 2}},
     {"QuantizeLinear", {Op::QUANTIZE, 1, 1}},
     {"DequantizeLinear", {Op::DEQUANTIZE, 1, 2}}});

schema::Padding padding_of(const graph::Node& node) {
  return node.get_or<std::string>("padding", "VALID") == "SAME" ? schema::Padding::SAME
                                                                : schema::Padding::VALID;
}

/// Height and width.
std::pair<int, int> sides(const graph::Node& node, std::string_view attribute) {
  const Ints values = node.get_or<Ints>(attribute, {1, 1});
  return {static_cast<int>(values[0]), static_cast<int>(values[1])};
}

schema::Activation activation_of(const graph::Node& node) {
  const auto name = node.get_or<std::string>("activation", "");
  if (name == "Relu") return schema::Activation::RELU;
  return name == "Relu6" ? schema::Activation::RELU6 : schema::Activation::NONE;
}

int number(const graph::Node& node, std::string_view attribute) {
  return static_cast<int>(node.get_or<std::int64_t>(attribute, 0));
}

}  // namespace

const Code* code_of(std::string_view op) noexcept {
  const auto* found = std::ranges::find(kCodes, op, &std::pair<std::string_view, Code>::first);
  return found == kCodes.end() ? nullptr : &found->second;
}

int version_of(const graph::Node& node, bool is_int8) noexcept {
  const Code& code = *code_of(node.op);
  constexpr int kPlacesPixels = 3;
  const bool half = number(node, "half_pixel_centers") != 0;
  const bool corners = number(node, "align_corners") != 0;
  if (code.op == Op::RESIZE_BILINEAR && half) return kPlacesPixels;
  if (code.op == Op::RESIZE_NEAREST_NEIGHBOR && (half || corners)) return kPlacesPixels;
  return is_int8 ? code.int8_version : code.version;
}

Options options_of(flatbuffers::FlatBufferBuilder& builder, const graph::Node& node) {
  const auto [stride_h, stride_w] = sides(node, "strides");
  const schema::Activation activation = activation_of(node);
  if (node.op == "Conv" || node.op == "DepthwiseConv") {
    const auto [dilation_h, dilation_w] = sides(node, "dilations");
    if (node.op == "Conv")
      return {Type::Conv2DOptions,
              schema::CreateConv2DOptions(builder, padding_of(node), stride_w, stride_h, activation,
                                          dilation_w, dilation_h)
                  .Union()};
    return {Type::DepthwiseConv2DOptions,
            schema::CreateDepthwiseConv2DOptions(builder, padding_of(node), stride_w, stride_h,
                                                 number(node, "depth_multiplier"), activation,
                                                 dilation_w, dilation_h)
                .Union()};
  }
  if (node.op == "TransposeConv")
    return {Type::TransposeConvOptions,
            schema::CreateTransposeConvOptions(builder, padding_of(node), stride_w, stride_h,
                                               activation)
                .Union()};
  if (node.op == "MaxPool" || node.op == "AveragePool") {
    const auto [height, width] = sides(node, "kernel_shape");
    return {Type::Pool2DOptions, schema::CreatePool2DOptions(builder, padding_of(node), stride_w,
                                                             stride_h, width, height, activation)
                                     .Union()};
  }
  if (node.op == "FullyConnected")
    return {Type::FullyConnectedOptions,
            schema::CreateFullyConnectedOptions(builder, activation).Union()};
  if (node.op == "MatMul")
    return {Type::BatchMatMulOptions, schema::CreateBatchMatMulOptions(builder).Union()};
  if (node.op == "Softmax")
    return {Type::SoftmaxOptions, schema::CreateSoftmaxOptions(builder, 1.F).Union()};
  if (node.op == "LeakyRelu")
    return {Type::LeakyReluOptions,
            schema::CreateLeakyReluOptions(builder, node.get_or<float>("alpha", 0)).Union()};
  if (node.op == "Concat")
    return {Type::ConcatenationOptions, schema::CreateConcatenationOptions(
                                            builder, number(node, "axis"), schema::Activation::NONE)
                                            .Union()};
  if (node.op == "Gather")
    return {Type::GatherOptions,
            schema::CreateGatherOptions(builder, number(node, "axis")).Union()};
  if (node.op == "Mean" || node.op == "Max")
    return {Type::ReducerOptions,
            schema::CreateReducerOptions(builder, number(node, "keepdims") != 0).Union()};
  if (node.op == "ResizeBilinear")
    return {Type::ResizeBilinearOptions,
            schema::CreateResizeBilinearOptions(builder, 0, 0, number(node, "align_corners") != 0,
                                                number(node, "half_pixel_centers") != 0)
                .Union()};
  if (node.op == "ResizeNearest")
    return {Type::ResizeNearestNeighborOptions,
            schema::CreateResizeNearestNeighborOptions(builder, number(node, "align_corners") != 0,
                                                       number(node, "half_pixel_centers") != 0)
                .Union()};
  if (node.op == "StridedSlice")
    return {Type::StridedSliceOptions,
            schema::CreateStridedSliceOptions(builder, number(node, "begin_mask"),
                                              number(node, "end_mask"))
                .Union()};
  if (node.op == "Add")
    return {Type::AddOptions, schema::CreateAddOptions(builder, activation).Union()};
  if (node.op == "Sub")
    return {Type::SubOptions, schema::CreateSubOptions(builder, activation).Union()};
  if (node.op == "Mul")
    return {Type::MulOptions, schema::CreateMulOptions(builder, activation).Union()};
  if (node.op == "Div")
    return {Type::DivOptions, schema::CreateDivOptions(builder, activation).Union()};
  return {};
}

}  // namespace visavis::tflite
