#include <onnx.pb.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "onnx_numbers.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/onnx.hpp"

namespace visavis::graph {
namespace {

constexpr std::int64_t kIrVersion = 8;  // understood by every runtime since 2021

std::int32_t number_of(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return kOnnxFloat;
    case ElementType::kFloat16:
      return kOnnxFloat16;
    case ElementType::kUint8:
      return kOnnxUint8;
    case ElementType::kInt8:
      return kOnnxInt8;
    case ElementType::kInt32:
      return kOnnxInt32;
    case ElementType::kInt64:
      return kOnnxInt64;
  }
  return kOnnxFloat;
}

onnx::TensorProto proto_of(const Tensor& tensor) {
  onnx::TensorProto proto;
  if (!tensor.name.empty()) proto.set_name(tensor.name);
  proto.mutable_dims()->Add(tensor.shape.begin(), tensor.shape.end());
  proto.set_data_type(number_of(tensor.type()));
  std::visit(
      [&](const auto& values) {
        const auto bytes = std::as_bytes(std::span(values));
        proto.set_raw_data(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      },
      tensor.values);
  return proto;
}

struct AttributeWriter {
  onnx::AttributeProto& proto;

  void operator()(float value) const {
    proto.set_type(kAttributeFloat);
    proto.set_f(value);
  }
  void operator()(std::int64_t value) const {
    proto.set_type(kAttributeInt);
    proto.set_i(value);
  }
  void operator()(const std::string& value) const {
    proto.set_type(kAttributeString);
    proto.set_s(value);
  }
  void operator()(const std::vector<float>& values) const {
    proto.set_type(kAttributeFloats);
    proto.mutable_floats()->Add(values.begin(), values.end());
  }
  void operator()(const std::vector<std::int64_t>& values) const {
    proto.set_type(kAttributeInts);
    proto.mutable_ints()->Add(values.begin(), values.end());
  }
  void operator()(const std::vector<std::string>& values) const {
    proto.set_type(kAttributeStrings);
    for (const std::string& value : values) proto.add_strings(value);
  }
  void operator()(const Tensor& value) const {
    proto.set_type(kAttributeTensor);
    *proto.mutable_t() = proto_of(value);
  }
};

void write_node(const Node& node, onnx::NodeProto& proto) {
  for (const std::string& input : node.inputs) proto.add_input(input);
  for (const std::string& output : node.outputs) proto.add_output(output);
  if (!node.name.empty()) proto.set_name(node.name);
  proto.set_op_type(node.op);
  for (const auto& [name, value] : node.attributes) {
    onnx::AttributeProto& attribute = *proto.add_attribute();
    attribute.set_name(name);
    std::visit(AttributeWriter{attribute}, value);
  }
}

void write_value(const ValueInfo& value, onnx::ValueInfoProto& proto) {
  proto.set_name(value.name);
  onnx::TypeProto::Tensor& tensor = *proto.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(number_of(value.type));
  onnx::TensorShapeProto& shape = *tensor.mutable_shape();
  for (const std::int64_t n : value.shape) {
    auto& dim = *shape.add_dim();
    if (n >= 0) dim.set_dim_value(n);
  }
}

}  // namespace

Result<std::vector<std::byte>> write_onnx(const Graph& graph) {
  VISAVIS_CHECK(validate(graph));
  onnx::ModelProto model;
  model.set_ir_version(kIrVersion);
  model.set_producer_name("visavis");
  model.add_opset_import()->set_version(graph.opset);
  onnx::GraphProto& proto = *model.mutable_graph();
  proto.set_name(graph.name.empty() ? "graph" : graph.name);  // the format requires a name
  for (const Node& node : graph.nodes) write_node(node, *proto.add_node());
  for (const Tensor& tensor : graph.initializers) *proto.add_initializer() = proto_of(tensor);
  for (const ValueInfo& input : graph.inputs) write_value(input, *proto.add_input());
  for (const ValueInfo& output : graph.outputs) write_value(output, *proto.add_output());

  const std::size_t size = model.ByteSizeLong();
  if (size > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return fail(ErrorCode::kInvalidArgument, "an ONNX file cannot be larger than 2 GiB");
  std::vector<std::byte> bytes(size);
  if (!model.SerializeToArray(bytes.data(), static_cast<int>(size)))
    return fail(ErrorCode::kInternal, "the ONNX model could not be written");
  return bytes;
}

}  // namespace visavis::graph
