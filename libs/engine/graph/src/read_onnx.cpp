#include <onnx.pb.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <expected>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "onnx_numbers.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/onnx.hpp"

namespace visavis::graph {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed ONNX model: " + std::string(what));
}

std::unexpected<Error> unsupported(std::string_view what) {
  return fail(ErrorCode::kUnsupported, "this ONNX model needs " + std::string(what));
}

Result<ElementType> type_of(std::int32_t number) {
  switch (number) {
    case kOnnxFloat:
      return ElementType::kFloat32;
    case kOnnxFloat16:
      return ElementType::kFloat16;
    case kOnnxUint8:
      return ElementType::kUint8;
    case kOnnxInt8:
      return ElementType::kInt8;
    case kOnnxInt32:
      return ElementType::kInt32;
    case kOnnxInt64:
      return ElementType::kInt64;
    default:
      return unsupported("the element type number " + std::to_string(number));
  }
}

/// @param listed  the typed field, which older writers use instead of raw_data.
template <class T, class Listed>
Result<std::vector<T>> values_of(const onnx::TensorProto& proto, const Listed& listed,
                                 std::size_t count) {
  // The size is compared before anything is allocated: a shape may claim what the file does not
  // hold.
  if (proto.has_raw_data()) {
    const std::string& raw = proto.raw_data();
    if (raw.size() != count * sizeof(T)) return malformed("a tensor's data has the wrong size");
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), raw.data(), raw.size());
    return values;
  }
  if (static_cast<std::size_t>(listed.size()) != count)
    return malformed("a tensor's data has the wrong size");
  std::vector<T> values;
  values.reserve(count);
  for (const auto value : listed) {
    if constexpr (std::is_integral_v<T>)
      if (!std::in_range<T>(value)) return malformed("a tensor's value is out of its type's range");
    values.push_back(static_cast<T>(value));
  }
  return values;
}

Result<Tensor> tensor_of(const onnx::TensorProto& proto) {
  if (proto.data_location() == kExternal || proto.external_data_size() > 0)
    return malformed("its weights lie in another file");
  Tensor tensor{
      .name = proto.name(), .shape = {proto.dims().begin(), proto.dims().end()}, .values = {}};
  const auto count = element_count(tensor.shape);
  if (!count) return malformed(count.error().message);
  VISAVIS_TRY(type, type_of(proto.data_type()));
  switch (type) {
    case ElementType::kFloat32: {
      VISAVIS_TRY(values, values_of<float>(proto, proto.float_data(), *count));
      tensor.values = std::move(values);
      return tensor;
    }
    case ElementType::kInt64: {
      VISAVIS_TRY(values, values_of<std::int64_t>(proto, proto.int64_data(), *count));
      tensor.values = std::move(values);
      return tensor;
    }
    case ElementType::kInt32: {
      VISAVIS_TRY(values, values_of<std::int32_t>(proto, proto.int32_data(), *count));
      tensor.values = std::move(values);
      return tensor;
    }
    case ElementType::kInt8: {
      VISAVIS_TRY(values, values_of<std::int8_t>(proto, proto.int32_data(), *count));
      tensor.values = std::move(values);
      return tensor;
    }
    case ElementType::kUint8: {
      VISAVIS_TRY(values, values_of<std::uint8_t>(proto, proto.int32_data(), *count));
      tensor.values = std::move(values);
      return tensor;
    }
    case ElementType::kFloat16: {
      VISAVIS_TRY(bits, values_of<std::uint16_t>(proto, proto.int32_data(), *count));
      std::vector<Half> halves(bits.size());
      std::ranges::transform(bits, halves.begin(), [](std::uint16_t one) { return Half{one}; });
      tensor.values = std::move(halves);
      return tensor;
    }
  }
  return unsupported("an unknown element type");
}

Result<Attribute> attribute_of(const onnx::AttributeProto& proto) {
  switch (proto.type()) {
    case kAttributeFloat:
      return Attribute(proto.f());
    case kAttributeInt:
      return Attribute(std::int64_t{proto.i()});
    case kAttributeString:
      return Attribute(proto.s());
    case kAttributeTensor: {
      VISAVIS_TRY(tensor, tensor_of(proto.t()));
      tensor.name.clear();
      return Attribute(std::move(tensor));
    }
    case kAttributeFloats:
      return Attribute(std::vector<float>(proto.floats().begin(), proto.floats().end()));
    case kAttributeInts:
      return Attribute(std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end()));
    case kAttributeStrings:
      return Attribute(std::vector<std::string>(proto.strings().begin(), proto.strings().end()));
    default:
      return unsupported("a subgraph, a sparse tensor or another attribute of unknown type");
  }
}

bool is_default_domain(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

Result<Node> node_of(const onnx::NodeProto& proto) {
  if (!is_default_domain(proto.domain()))
    return unsupported("the operator " + proto.op_type() + " of the domain " + proto.domain());
  Node node{.op = proto.op_type(),
            .name = proto.name(),
            .inputs = {proto.input().begin(), proto.input().end()},
            .outputs = {proto.output().begin(), proto.output().end()},
            .attributes = {}};
  for (const onnx::AttributeProto& attribute : proto.attribute()) {
    if (node.find(attribute.name()) != nullptr) return malformed("an attribute is set twice");
    VISAVIS_TRY(value, attribute_of(attribute));
    node.attributes.emplace_back(attribute.name(), std::move(value));
  }
  return node;
}

Result<ValueInfo> value_of(const onnx::ValueInfoProto& proto) {
  if (!proto.type().has_tensor_type()) return unsupported("an input or output that is no tensor");
  const onnx::TypeProto::Tensor& tensor = proto.type().tensor_type();
  if (!tensor.has_shape()) return unsupported("an input or output of unknown rank");
  VISAVIS_TRY(type, type_of(tensor.elem_type()));
  ValueInfo value{.name = proto.name(), .type = type, .shape = {}};
  // PyTorch's exporter once wrote a free dimension as zero.
  for (const auto& dim : tensor.shape().dim())
    value.shape.push_back(dim.has_dim_value() && dim.dim_value() != 0 ? dim.dim_value() : -1);
  return value;
}

Result<std::int64_t> opset_of(const onnx::ModelProto& model) {
  for (const onnx::OperatorSetIdProto& set : model.opset_import())
    if (is_default_domain(set.domain())) return std::int64_t{set.version()};
  return malformed("it names no operator set");
}

Result<Graph> graph_of(const onnx::ModelProto& model) {
  if (!model.has_graph()) return malformed("it holds no graph");
  if (model.functions_size() > 0) return unsupported("functions of its own");
  const onnx::GraphProto& proto = model.graph();
  if (proto.sparse_initializer_size() > 0) return unsupported("sparse tensors");
  VISAVIS_TRY(opset, opset_of(model));
  Graph graph;
  graph.name = proto.name();
  graph.opset = opset;
  std::unordered_set<std::string_view> weights;
  for (const onnx::TensorProto& tensor : proto.initializer()) {
    VISAVIS_TRY(read, tensor_of(tensor));
    graph.initializers.push_back(std::move(read));
    weights.insert(tensor.name());
  }
  for (const onnx::ValueInfoProto& input : proto.input()) {
    if (weights.contains(input.name())) continue;  // required before IR version 4
    VISAVIS_TRY(read, value_of(input));
    graph.inputs.push_back(std::move(read));
  }
  for (const onnx::NodeProto& node : proto.node()) {
    VISAVIS_TRY(read, node_of(node));
    graph.nodes.push_back(std::move(read));
  }
  for (const onnx::ValueInfoProto& output : proto.output()) {
    VISAVIS_TRY(read, value_of(output));
    graph.outputs.push_back(std::move(read));
  }
  if (const auto valid = validate(graph); !valid) return malformed(valid.error().message);
  return graph;
}

}  // namespace

Result<Graph> read_onnx(std::span<const std::byte> file) {
  if (file.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return malformed("it is larger than 2 GiB");
  try {
    onnx::ModelProto model;
    if (!model.ParseFromArray(file.data(), static_cast<int>(file.size())))
      return malformed("the bytes are damaged or of another format");
    return graph_of(model);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kResourceExhausted,
                std::string("the ONNX model could not be read: ") + error.what());
  }
}

}  // namespace visavis::graph
