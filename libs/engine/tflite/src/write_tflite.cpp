#include <flatbuffers/flatbuffers.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/channels_last.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>

#include "activations.hpp"
#include "int8.hpp"
#include "operators.hpp"
#include "tflite_generated.h"
#include "visavis/tflite/tflite.hpp"

namespace visavis::tflite {
namespace {

using graph::Tensor;

constexpr std::size_t kMost = (std::size_t{1} << 31U) - (std::size_t{1} << 20U);

std::span<const std::uint8_t> bytes_of(const Tensor& tensor) {
  return std::visit(
      [](const auto& values) {
        const auto bytes = std::as_bytes(std::span(values));
        return std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      },
      tensor.values);
}

/// Height or width may be anything.
bool has_any_size(const graph::ValueInfo& input) {
  return input.shape.size() == 4 && (input.shape[1] < 0 || input.shape[2] < 0);
}

class Writer {
 public:
  Writer(const Typed& network, const WriteOptions& options)
      : network_(network),
        options_(options),
        any_size_(std::ranges::any_of(network.graph.inputs, has_any_size)) {}

  Result<std::vector<std::byte>> run() {
    VISAVIS_CHECK(check());
    // The first buffer is empty by convention: it is that of values that are computed.
    buffers_.push_back(schema::CreateBuffer(builder_));
    for (const graph::ValueInfo& input : network_.graph.inputs) value(input.name);
    for (const Tensor& tensor : network_.graph.initializers) constant(tensor);
    for (const graph::Node& node : network_.graph.nodes) operation(node);
    return finish();
  }

 private:
  [[nodiscard]] Result<void> check() const {
    std::set<std::string> unknown;
    for (const graph::Node& node : network_.graph.nodes)
      if (code_of(node.op) == nullptr) unknown.insert(node.op);
    if (!unknown.empty()) {
      std::string text;
      for (const std::string& op : unknown) text += (text.empty() ? "" : ", ") + op;
      return fail(ErrorCode::kUnsupported, "TensorFlow Lite has no " + text);
    }
    std::size_t size = 0;
    for (const Tensor& tensor : network_.graph.initializers) size += bytes_of(tensor).size();
    if (size > kMost)
      return fail(ErrorCode::kInvalidArgument, "it is above the 2 GiB that the format allows");
    for (const graph::ValueInfo& input : network_.graph.inputs)
      if (input.type != graph::ElementType::kFloat32)
        return fail(ErrorCode::kUnsupported, "an input is not of float32");
    return {};
  }

  /// @param signature  the shape with -1 for what is free, of what is computed from inputs
  int tensor(const std::string& name, const graph::Shape& shape, schema::TensorType type,
             std::uint32_t buffer, const Quantization* steps,
             const std::vector<std::int32_t>* signature = nullptr) {
    const std::vector<std::int32_t> sides(shape.begin(), shape.end());
    flatbuffers::Offset<schema::QuantizationParameters> quantization;
    if (steps != nullptr)
      quantization = schema::CreateQuantizationParametersDirect(
          builder_, nullptr, nullptr, &steps->scales, &steps->zeros,
          schema::QuantizationDetails::NONE, 0, steps->axis);
    tensors_.push_back(schema::CreateTensorDirect(builder_, &sides, type, buffer, name.c_str(),
                                                  quantization, false, 0, signature));
    const int index = static_cast<int>(tensors_.size()) - 1;
    index_[name] = index;
    return index;
  }

  int value(const std::string& name) {
    const auto steps = network_.int8.find(name);
    const bool is_int8 = steps != network_.int8.end();
    const graph::Shape& shape = network_.shapes.at(name);
    std::vector<std::int32_t> signature(shape.begin(), shape.end());
    if (!signature.empty()) signature[0] = -1;
    if (any_size_ && signature.size() == 4) signature[1] = signature[2] = -1;
    return tensor(name, shape, is_int8 ? schema::TensorType::INT8 : schema::TensorType::FLOAT32, 0,
                  is_int8 ? &steps->second : nullptr, &signature);
  }

  void constant(const Tensor& held) {
    const Quantization* steps = nullptr;
    if (const auto found = network_.int8.find(held.name); found != network_.int8.end())
      steps = &found->second;
    if (const auto found = network_.biases.find(held.name); found != network_.biases.end())
      steps = &found->second;
    if (const auto* floats = std::get_if<std::vector<float>>(&held.values);
        floats != nullptr && options_.halves && floats->size() >= graph::kLeastHalves)
      if (const auto halves = graph::exact_halves(*floats)) return halved(held, *halves);
    tensor(held.name, held.shape, type_of(held), buffer(bytes_of(held)), steps);
  }

  /// XNNPACK and the library's own kernels make such a constant float once, when they are prepared.
  void halved(const Tensor& held, std::vector<graph::Half> values) {
    constexpr int kReadsHalves = 3;  // DEQUANTIZE's version (TensorFlow Lite's op_version.cc)
    const Tensor half{.name = held.name + ".f16", .shape = held.shape, .values = std::move(values)};
    const std::vector inputs{
        tensor(half.name, half.shape, type_of(half), buffer(bytes_of(half)), nullptr)};
    const std::vector outputs{
        tensor(held.name, held.shape, schema::TensorType::FLOAT32, 0, nullptr)};
    operators_.push_back(schema::CreateOperatorDirect(
        builder_, code(schema::BuiltinOperator::DEQUANTIZE, kReadsHalves), &inputs, &outputs,
        schema::BuiltinOptions::DequantizeOptions,
        schema::CreateDequantizeOptions(builder_).Union()));
  }

  std::uint32_t buffer(std::span<const std::uint8_t> bytes) {
    builder_.ForceVectorAlignment(bytes.size(), 1, 16);
    const auto data = builder_.CreateVector(bytes.data(), bytes.size());
    buffers_.push_back(schema::CreateBuffer(builder_, data));
    return static_cast<std::uint32_t>(buffers_.size() - 1);
  }

  static schema::TensorType type_of(const Tensor& tensor) {
    switch (tensor.type()) {
      case graph::ElementType::kInt8:
        return schema::TensorType::INT8;
      case graph::ElementType::kUint8:
        return schema::TensorType::UINT8;
      case graph::ElementType::kInt32:
        return schema::TensorType::INT32;
      case graph::ElementType::kInt64:
        return schema::TensorType::INT64;
      case graph::ElementType::kFloat16:
        return schema::TensorType::FLOAT16;
      case graph::ElementType::kFloat32:
        break;
    }
    return schema::TensorType::FLOAT32;
  }

  void operation(const graph::Node& node) {
    std::vector<std::int32_t> inputs;
    for (const std::string& input : node.inputs) inputs.push_back(index_.at(input));
    if (node.op == "TransposeConv") inputs = {result_shape(node), inputs[1], inputs[0]};
    const bool pads_value = node.op == "Pad" && node.get_or<float>("value", 0) != 0;
    if (pads_value) inputs.push_back(padding(node));
    std::vector<std::int32_t> outputs;
    for (const std::string& output : node.outputs) outputs.push_back(value(output));
    graph::Node complete = node;
    if (pads_value) complete.op = "PadValue";
    if (node.op == "DepthwiseConv")
      complete.attributes.emplace_back(
          "depth_multiplier",
          network_.shapes.at(node.outputs[0])[3] / network_.shapes.at(node.inputs[0])[3]);
    const Options options = options_of(builder_, complete);
    operators_.push_back(schema::CreateOperatorDirect(builder_, code(complete), &inputs, &outputs,
                                                      options.type, options.table));
  }

  /// A list of integers that is known.
  int integers(const std::string& name, const graph::Shape& shape,
               const std::vector<std::int32_t>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    return tensor(name, shape, schema::TensorType::INT32,
                  buffer({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}),
                  nullptr);
  }

  /// Integers that the run makes of others.
  int computed(schema::BuiltinOperator op, const std::string& name, const graph::Shape& shape,
               const std::vector<std::int32_t>& inputs, Options options) {
    const std::vector<std::int32_t> outputs{
        tensor(name, shape, schema::TensorType::INT32, 0, nullptr)};
    operators_.push_back(schema::CreateOperatorDirect(builder_, code(op, 1), &inputs, &outputs,
                                                      options.type, options.table));
    return outputs[0];
  }

  /// [samples, height, width, channels] of what a TRANSPOSE_CONV makes: as many samples as come in.
  int result_shape(const graph::Node& node) {
    using Op = schema::BuiltinOperator;
    using Type = schema::BuiltinOptions;
    const std::string& name = node.outputs[0];
    const graph::Shape& made = network_.shapes.at(name);
    const int all =
        computed(Op::SHAPE, name + ".given", {4}, {index_.at(node.inputs[0])},
                 {Type::ShapeOptions,
                  schema::CreateShapeOptions(builder_, schema::TensorType::INT32).Union()});
    const int first = integers(name + ".first", {1}, {0});
    const int one = integers(name + ".one", {1}, {1});
    const int samples =
        computed(Op::STRIDED_SLICE, name + ".samples", {}, {all, first, one, one},
                 {Type::StridedSliceOptions,
                  schema::CreateStridedSliceOptions(builder_, 0, 0, 0, 0, 1).Union()});
    std::vector<std::int32_t> parts = {samples};
    for (std::size_t i = 1; i < made.size(); ++i)
      parts.push_back(
          integers(name + ".side" + std::to_string(i), {}, {static_cast<std::int32_t>(made[i])}));
    return computed(Op::PACK, name + ".shape", {4}, parts,
                    {Type::PackOptions, schema::CreatePackOptions(builder_, 4, 0).Union()});
  }

  /// What PADV2 puts there.
  int padding(const graph::Node& node) {
    const auto number = node.get_or<float>("value", 0);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&number);
    return tensor(node.outputs[0] + ".value", {}, schema::TensorType::FLOAT32,
                  buffer({bytes, sizeof number}), nullptr);
  }

  std::uint32_t code(const graph::Node& node) {
    return code(code_of(node.op)->op, version_of(node, network_.int8.contains(node.inputs[0])));
  }

  std::uint32_t code(schema::BuiltinOperator op, int version) {
    const auto [found, is_new] = code_index_.try_emplace({static_cast<std::int32_t>(op), version},
                                                         static_cast<std::uint32_t>(codes_.size()));
    if (is_new) {
      // Old readers know only the field of one byte.
      constexpr std::int32_t kInOneByte = 127;
      const auto old =
          static_cast<std::int8_t>(std::min(static_cast<std::int32_t>(op), kInOneByte));
      codes_.push_back(schema::CreateOperatorCode(builder_, old, 0, version, op));
    }
    return found->second;
  }

  Result<std::vector<std::byte>> finish() {
    std::vector<std::int32_t> inputs;
    std::vector<std::int32_t> outputs;
    std::vector<flatbuffers::Offset<schema::TensorMap>> input_names;
    std::vector<flatbuffers::Offset<schema::TensorMap>> output_names;
    const auto declare = [&](const std::vector<graph::ValueInfo>& values, auto& places,
                             auto& names) {
      for (const graph::ValueInfo& info : values) {
        places.push_back(index_.at(info.name));
        names.push_back(schema::CreateTensorMapDirect(builder_, info.name.c_str(),
                                                      static_cast<std::uint32_t>(places.back())));
      }
    };
    declare(network_.graph.inputs, inputs, input_names);
    declare(network_.graph.outputs, outputs, output_names);
    const std::vector subgraphs{schema::CreateSubGraphDirect(
        builder_, &tensors_, &inputs, &outputs, &operators_, network_.graph.name.c_str())};
    const std::vector signatures{
        schema::CreateSignatureDefDirect(builder_, &input_names, &output_names, "serving_default")};
    schema::FinishModelBuffer(
        builder_, schema::CreateModelDirect(builder_, 3, &codes_, &subgraphs, "visavis", &buffers_,
                                            nullptr, nullptr, &signatures));
    const auto bytes = std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }

  const Typed& network_;
  WriteOptions options_;
  bool any_size_;
  flatbuffers::FlatBufferBuilder builder_{1 << 20};
  std::vector<flatbuffers::Offset<schema::Buffer>> buffers_;
  std::vector<flatbuffers::Offset<schema::Tensor>> tensors_;
  std::vector<flatbuffers::Offset<schema::OperatorCode>> codes_;
  std::vector<flatbuffers::Offset<schema::Operator>> operators_;
  std::map<std::string, int, std::less<>> index_;
  std::map<std::pair<std::int32_t, int>, std::uint32_t> code_index_;
};

}  // namespace

Result<std::vector<std::byte>> write_tflite(const graph::ChannelsLast& network,
                                            const WriteOptions& options) {
  VISAVIS_TRY(typed, to_int8(fuse_activations(network)));
  return Writer(typed, options).run();
}

}  // namespace visavis::tflite
