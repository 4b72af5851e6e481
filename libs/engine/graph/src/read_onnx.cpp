#include <onnx.pb.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <expected>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "external_data.hpp"
#include "onnx_numbers.hpp"
#include "onnx_parts.hpp"
#include "output_ranks.hpp"
#include "schema.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/onnx.hpp"

namespace visavis::graph {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed ONNX model: " + std::string(what));
}

/// What the model needs; `Reader::needs` says it together with the rest.
std::unexpected<Error> unsupported(std::string_view what) {
  return fail(ErrorCode::kUnsupported, std::string(what));
}

/// A name from a file, short and without control characters.
std::string printable(std::string_view name) {
  constexpr std::size_t kMost = 100;
  std::string out(name.substr(0, kMost));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out;
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

std::unexpected<Error> wrong_size(const onnx::TensorProto& proto, std::size_t held,
                                  std::size_t wanted) {
  return malformed("the data of the tensor \"" + printable(proto.name()) +
                   "\" has the wrong size: " + std::to_string(held) +
                   " bytes, and its shape says " + std::to_string(wanted));
}

/// @param listed  the typed field, which older writers use instead of raw_data.
template <class T, class Listed>
Result<std::vector<T>> values_of(const onnx::TensorProto& proto, const Listed& listed,
                                 std::size_t count, ExternalData& outside) {
  const auto copied = [count](const void* from) {
    std::vector<T> values(count);
    if (count > 0) std::memcpy(values.data(), from, count * sizeof(T));
    return values;
  };
  // The size is compared before anything is allocated: a shape may claim what the file does not
  // hold.
  if (is_external(proto)) {
    if (proto.has_raw_data() || !listed.empty())
      return malformed("the tensor \"" + printable(proto.name()) +
                       "\" lies in another file and in the model, too");
    VISAVIS_TRY(bytes, outside.bytes_of(proto, count * sizeof(T)));
    return copied(bytes.data());
  }
  if (proto.has_raw_data()) {
    const std::string& raw = proto.raw_data();
    if (raw.size() != count * sizeof(T)) return wrong_size(proto, raw.size(), count * sizeof(T));
    return copied(raw.data());
  }
  const auto held = static_cast<std::size_t>(listed.size());
  if (held != count) return wrong_size(proto, held * sizeof(T), count * sizeof(T));
  std::vector<T> values;
  values.reserve(count);
  for (const auto value : listed) {
    if constexpr (std::is_integral_v<T>)
      if (!std::in_range<T>(value)) return malformed("a tensor's value is out of its type's range");
    values.push_back(static_cast<T>(value));
  }
  return values;
}

Result<Tensor> tensor_of(const onnx::TensorProto& proto, ExternalData& outside) {
  Tensor tensor{
      .name = proto.name(), .shape = {proto.dims().begin(), proto.dims().end()}, .values = {}};
  const auto count = element_count(tensor.shape);
  if (!count) return malformed("\"" + printable(proto.name()) + "\": " + count.error().message);
  VISAVIS_TRY(type, type_of(proto.data_type()));
  const auto filled = [&](auto values) -> Result<Tensor> {
    if (!values) return std::unexpected(std::move(values).error());
    tensor.values = *std::move(values);
    return std::move(tensor);
  };
  switch (type) {
    case ElementType::kFloat32:
      return filled(values_of<float>(proto, proto.float_data(), *count, outside));
    case ElementType::kInt64:
      return filled(values_of<std::int64_t>(proto, proto.int64_data(), *count, outside));
    case ElementType::kInt32:
      return filled(values_of<std::int32_t>(proto, proto.int32_data(), *count, outside));
    case ElementType::kInt8:
      return filled(values_of<std::int8_t>(proto, proto.int32_data(), *count, outside));
    case ElementType::kUint8:
      return filled(values_of<std::uint8_t>(proto, proto.int32_data(), *count, outside));
    case ElementType::kFloat16: {
      VISAVIS_TRY(bits, values_of<std::uint16_t>(proto, proto.int32_data(), *count, outside));
      std::vector<Half> halves(bits.size());
      std::ranges::transform(bits, halves.begin(), [](std::uint16_t one) { return Half{one}; });
      tensor.values = std::move(halves);
      return tensor;
    }
  }
  return unsupported("an unknown element type");
}

Result<Attribute> attribute_of(const onnx::AttributeProto& proto, ExternalData& outside) {
  switch (proto.type()) {
    case kAttributeFloat:
      return Attribute(proto.f());
    case kAttributeInt:
      return Attribute(std::int64_t{proto.i()});
    case kAttributeString:
      return Attribute(proto.s());
    case kAttributeTensor: {
      VISAVIS_TRY(tensor, tensor_of(proto.t(), outside));
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

Result<Node> node_of(const onnx::NodeProto& proto, std::int64_t opset, ExternalData& outside) {
  if (!is_default_domain(proto.domain()))
    return unsupported("the operator " + printable(proto.op_type()) + " of the domain " +
                       printable(proto.domain()));
  Node node{.op = proto.op_type(),
            .name = proto.name(),
            .inputs = {proto.input().begin(), proto.input().end()},
            .outputs = {proto.output().begin(), proto.output().end()},
            .attributes = {}};
  std::unordered_set<std::string_view> names;
  for (const onnx::AttributeProto& attribute : proto.attribute()) {
    if (!names.insert(attribute.name()).second) return malformed("an attribute is set twice");
    auto value = attribute_of(attribute, outside);
    if (!value && value.error().code == ErrorCode::kUnsupported)
      return unsupported("the operator " + printable(proto.op_type()) + " with " +
                         value.error().message);
    if (!value) return std::unexpected(std::move(value).error());
    node.attributes.emplace_back(attribute.name(), *std::move(value));
  }
  if (const std::string defect = defect_of(node, opset); !defect.empty())
    return malformed("of a node of " + printable(node.op) + " " + defect);
  return node;
}

/// Only what runs has to say its shape when it begins.
Result<ValueInfo> value_of(const onnx::ValueInfoProto& proto, bool is_input) {
  if (!proto.type().has_tensor_type()) return unsupported("an input or output that is no tensor");
  const onnx::TypeProto::Tensor& tensor = proto.type().tensor_type();
  if (is_input && !tensor.has_shape())
    return unsupported("an input of unknown rank, " + printable(proto.name()));
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

/// Whether operators stand in another order than they can run in, or in none.
Result<void> check_order(const Graph& graph) {
  std::unordered_map<std::string_view, std::size_t> made_by;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    for (const std::string& output : graph.nodes[i].outputs) made_by.emplace(output, i);
  std::vector<std::size_t> waits_for(graph.nodes.size(), 0);
  std::vector<std::vector<std::size_t>> readers(graph.nodes.size());
  bool is_ordered = true;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    for (const std::string& input : graph.nodes[i].inputs) {
      const auto maker = made_by.find(input);
      if (input.empty() || maker == made_by.end()) continue;
      is_ordered = is_ordered && maker->second < i;
      readers[maker->second].push_back(i);
      ++waits_for[i];
    }
  if (is_ordered) return {};
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < waits_for.size(); ++i)
    if (waits_for[i] == 0) ready.push_back(i);
  for (std::size_t next = 0; next < ready.size(); ++next)
    for (const std::size_t reader : readers[ready[next]])
      if (--waits_for[reader] == 0) ready.push_back(reader);
  if (ready.size() == graph.nodes.size())
    return malformed("its operators do not stand in the order in which they can run");
  const auto stuck = std::ranges::find_if(waits_for, [](std::size_t n) { return n > 0; });
  const Node& node = graph.nodes[static_cast<std::size_t>(stuck - waits_for.begin())];
  return malformed("its operators read each other in a circle, before or at " + printable(node.op) +
                   " \"" + printable(node.outputs.front()) + "\"");
}

/// Reads a graph to its end, and says all at once what is not known.
class Reader {
 public:
  explicit Reader(std::span<const OnnxData> beside) : outside_(beside) {}

  Result<Graph> run(const onnx::ModelProto& model) && {
    if (!model.has_graph()) return malformed("it holds no graph");
    const onnx::GraphProto& proto = model.graph();
    VISAVIS_TRY(opset, opset_of(model));
    if (opset > kMaxOpset)
      need("operator set " + std::to_string(opset) + " (up to " + std::to_string(kMaxOpset) +
           " are known)");
    if (model.functions_size() > 0) need("functions of its own");
    if (proto.sparse_initializer_size() > 0) need("sparse tensors");
    graph_.name = proto.name();
    graph_.opset = opset;
    VISAVIS_CHECK(read(proto));
    if (!needs_.empty()) return unsupported(needs());
    VISAVIS_CHECK(check_order(graph_));
    if (const auto valid = validate(graph_); !valid) return malformed(valid.error().message);
    auto ranked = with_output_ranks(std::move(graph_), unranked_);
    if (!ranked && ranked.error().code == ErrorCode::kUnsupported)
      return unsupported("this ONNX model needs " + ranked.error().message);
    return ranked;
  }

 private:
  Result<void> read(const onnx::GraphProto& proto) {
    std::unordered_set<std::string_view> weights;
    for (const onnx::TensorProto& tensor : proto.initializer()) {
      VISAVIS_CHECK(add(graph_.initializers, tensor_of(tensor, outside_)));
      weights.insert(tensor.name());
    }
    for (const onnx::ValueInfoProto& input : proto.input())
      if (!weights.contains(input.name()))  // required before IR version 4
        VISAVIS_CHECK(add(graph_.inputs, value_of(input, true)));
    for (const onnx::NodeProto& node : proto.node())
      VISAVIS_CHECK(add(graph_.nodes, node_of(node, graph_.opset, outside_)));
    for (const onnx::ValueInfoProto& output : proto.output()) {
      if (!output.type().tensor_type().has_shape()) unranked_.insert(output.name());
      VISAVIS_CHECK(add(graph_.outputs, value_of(output, false)));
    }
    return {};
  }

  void need(const std::string& what) { ++needs_[what]; }

  /// What is not known is left out and remembered.
  template <class T>
  Result<void> add(std::vector<T>& all, Result<T> read) {
    if (read) {
      all.push_back(*std::move(read));
      return {};
    }
    if (read.error().code != ErrorCode::kUnsupported)
      return std::unexpected(std::move(read).error());
    need(read.error().message);
    return {};
  }

  [[nodiscard]] std::string needs() const {
    constexpr std::size_t kMostNamed = 40;
    std::string out = "this ONNX model needs ";
    std::size_t named = 0;
    for (const auto& [what, count] : needs_) {
      if (named == kMostNamed)
        return out + "; and " + std::to_string(needs_.size() - named) + " more";
      out += (named++ == 0 ? "" : "; ") + what +
             (count > 1 ? " (" + std::to_string(count) + " times)" : "");
    }
    return out;
  }

  Graph graph_;
  ExternalData outside_;
  std::unordered_set<std::string> unranked_;  ///< Outputs whose shapes the file leaves out.
  std::map<std::string, std::size_t> needs_;  ///< And how often.
};

/// @return nothing for bytes that are no protocol buffer of this form, or one of too many parts
std::optional<onnx::ModelProto> parsed(std::span<const std::byte> file) {
  onnx::ModelProto model;
  if (has_too_many_parts(file)) return std::nullopt;
  if (!model.ParseFromArray(file.data(), static_cast<int>(file.size()))) return std::nullopt;
  return model;
}

bool is_too_large(std::span<const std::byte> file) {
  return file.size() > static_cast<std::size_t>(std::numeric_limits<int>::max());
}

std::unexpected<Error> could_not_be_read(const std::exception& error) {
  return fail(ErrorCode::kResourceExhausted,
              std::string("the ONNX model could not be read: ") + error.what());
}

/// Where weights may lie: in the graph, and in what Constants hold.
void for_each_tensor(const onnx::GraphProto& graph, const auto& visit) {
  for (const onnx::TensorProto& tensor : graph.initializer()) visit(tensor);
  for (const onnx::NodeProto& node : graph.node())
    for (const onnx::AttributeProto& attribute : node.attribute())
      if (attribute.has_t()) visit(attribute.t());
}

}  // namespace

Result<Graph> read_onnx(std::span<const std::byte> file, std::span<const OnnxData> beside) {
  if (is_too_large(file)) return malformed("it is larger than 2 GiB");
  if (has_too_many_parts(file))
    return fail(ErrorCode::kResourceExhausted,
                "the ONNX model has too many nodes, weights or attributes");
  try {
    const auto model = parsed(file);
    if (!model) return malformed("the bytes are damaged or of another format");
    return Reader(beside).run(*model);
  } catch (const std::exception& error) {
    return could_not_be_read(error);
  }
}

Result<std::vector<std::string>> external_files(std::span<const std::byte> file) {
  constexpr std::size_t kMostFiles = 10'000;
  std::vector<std::string> names;
  if (is_too_large(file)) return names;
  try {
    const auto model = parsed(file);
    if (!model || !model->has_graph()) return names;
    std::unordered_set<std::string> seen;
    Result<void> result;
    for_each_tensor(model->graph(), [&](const onnx::TensorProto& tensor) {
      if (!result || !is_external(tensor)) return;
      auto name = location_of(tensor);
      if (!name) {
        result = std::unexpected(std::move(name).error());
      } else if (seen.insert(*name).second) {
        names.push_back(*std::move(name));
      }
    });
    if (!result) return std::unexpected(std::move(result).error());
    if (names.size() > kMostFiles)
      return fail(ErrorCode::kUnsupported,
                  "this ONNX model keeps its weights in more than 10,000 files");
    return names;
  } catch (const std::exception& error) {
    return could_not_be_read(error);
  }
}

bool looks_like_onnx(std::span<const std::byte> file) {
  if (is_too_large(file)) return false;
  try {
    const auto model = parsed(file);
    return model && model->has_graph() && model->opset_import_size() > 0;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace visavis::graph
