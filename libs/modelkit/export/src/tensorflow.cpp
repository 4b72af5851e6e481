#include "tensorflow.hpp"

#include <tensorflow.pb.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/channels_last.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/import/import.hpp>

#include "channels_last.hpp"
#include "survey.hpp"

namespace visavis::modelkit {
namespace {

using Ints = std::vector<std::int64_t>;
using Floats = std::vector<float>;

// Numbers of element types and of the graph's version: TensorFlow 2.4's types.proto and version.h.
constexpr std::int32_t kFloat = 1;
constexpr std::int32_t kInt32 = 3;
constexpr std::int32_t kHalf = 19;
constexpr std::int32_t kGraphVersion = 561;
constexpr std::string_view kTensorflowVersion = "2.4.0";

/// Of one message, with room for the rest of it.
constexpr std::size_t kMost = (std::size_t{1} << 31U) - (std::size_t{1} << 24U);
/// Numbers of a kernel that is written out with zeros between channels.
constexpr std::size_t kMostSpread = std::size_t{1} << 24U;

/// Operators that differ in their name at most.
constexpr auto kSame = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"Abs", "Abs"},
     {"Add", "AddV2"},
     {"Div", "RealDiv"},
     {"Elu", "Elu"},
     {"Exp", "Exp"},
     {"LeakyRelu", "LeakyRelu"},
     {"Log", "Log"},
     {"MatMul", "BatchMatMulV2"},
     {"Max", "Max"},
     {"Maximum", "Maximum"},
     {"Mean", "Mean"},
     {"Minimum", "Minimum"},
     {"Mul", "Mul"},
     {"Neg", "Neg"},
     {"Pow", "Pow"},
     {"Relu", "Relu"},
     {"Relu6", "Relu6"},
     {"Reshape", "Reshape"},
     {"ResizeBilinear", "ResizeBilinear"},
     {"ResizeNearest", "ResizeNearestNeighbor"},
     {"Sigmoid", "Sigmoid"},
     {"Slice", "Slice"},
     {"Softmax", "Softmax"},
     {"Sqrt", "Sqrt"},
     {"StridedSlice", "StridedSlice"},
     {"Sub", "Sub"},
     {"Tanh", "Tanh"},
     {"Transpose", "Transpose"}});
/// Those that become several, or have other constants.
constexpr auto kOthers = std::to_array<std::string_view>(
    {"AveragePool", "Concat", "Conv", "DepthwiseConv", "FullyConnected", "Gather", "HardSwish",
     "MaxPool", "PRelu", "Pad", "TransposeConv"});

const std::string_view* name_of(std::string_view op) {
  const auto* found =
      std::ranges::find(kSame, op, &std::pair<std::string_view, std::string_view>::first);
  return found == kSame.end() ? nullptr : &found->second;
}

/// A node that grows.
class NodeWriter {
 public:
  NodeWriter(tensorflow::NodeDef& node, std::string_view op, std::string_view name,
             std::span<const std::string> inputs)
      : node_(&node) {
    node.set_op(std::string(op));
    node.set_name(std::string(name));
    for (const std::string& input : inputs) node.add_input(input);
  }

  NodeWriter& type(std::string_view key, std::int32_t type) {
    add(key).set_type(type);
    return *this;
  }
  NodeWriter& text(std::string_view key, std::string_view text) {
    add(key).set_s(std::string(text));
    return *this;
  }
  NodeWriter& number(std::string_view key, std::int64_t number) {
    add(key).set_i(number);
    return *this;
  }
  NodeWriter& real(std::string_view key, float number) {
    add(key).set_f(number);
    return *this;
  }
  NodeWriter& flag(std::string_view key, bool flag) {
    add(key).set_b(flag);
    return *this;
  }
  NodeWriter& list(std::string_view key, const Ints& numbers) {
    auto& list = *add(key).mutable_list();
    for (const std::int64_t n : numbers) list.add_i(n);
    return *this;
  }
  NodeWriter& shape(std::string_view key, const graph::Shape& shape) {
    auto& written = *add(key).mutable_shape();
    for (const std::int64_t n : shape) written.add_dim()->set_size(n);
    return *this;
  }
  NodeWriter& value(std::int32_t type, const graph::Shape& shape,
                    std::span<const std::byte> bytes) {
    auto& tensor = *add("value").mutable_tensor();
    tensor.set_dtype(type);
    auto& written = *tensor.mutable_tensor_shape();
    for (const std::int64_t n : shape) written.add_dim()->set_size(n);
    tensor.set_tensor_content(
        std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    return *this;
  }

 private:
  tensorflow::AttrValue& add(std::string_view key) {
    tensorflow::Attribute& attribute = *node_->add_attr();
    attribute.set_key(std::string(key));
    return *attribute.mutable_value();
  }

  tensorflow::NodeDef* node_;
};

/// TensorFlow's names: letters, digits and some signs, the first no sign.
std::string plain(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  std::string out(name);
  for (char& c : out)
    if (!is_letter(c) && c != '.' && c != '-' && c != '/' && c != '_') c = '_';
  if (out.empty() || (!is_letter(out.front()) && out.front() != '.')) out.insert(0, "n");
  return out;
}

class Writer {
 public:
  /// @param in_halves  whether constants that lose nothing by it are written in 16 bits
  Writer(const graph::ChannelsLast& network, bool in_halves)
      : network_(network), in_halves_(in_halves) {
    for (const graph::Tensor& tensor : network_.graph.initializers)
      constants_.emplace(tensor.name, &tensor);
    // What is seen from outside has its name first.
    for (const graph::ValueInfo& input : network_.graph.inputs)
      names_[input.name] = fresh(input.name);
    for (const graph::ValueInfo& output : network_.graph.outputs)
      results_.push_back(fresh(output.name));
  }

  Result<tensorflow::GraphDef> run() && {
    VISAVIS_CHECK(check());
    for (const graph::ValueInfo& input : network_.graph.inputs)
      node("Placeholder", names_[input.name], {}).type("dtype", kFloat).shape("shape", free(input));
    for (const graph::Node& each : network_.graph.nodes) VISAVIS_CHECK(write(each));
    for (std::size_t i = 0; i < results_.size(); ++i)
      node("Identity", results_[i], {value(network_.graph.outputs[i].name)}).type("T", kFloat);
    graph_.mutable_versions()->set_producer(kGraphVersion);
    return std::move(graph_);
  }

  /// The names of the nodes that stand for the network's inputs and outputs.
  [[nodiscard]] std::vector<std::string> input_names() const {
    std::vector<std::string> out;
    for (const graph::ValueInfo& input : network_.graph.inputs)
      out.push_back(names_.at(input.name));
    return out;
  }
  [[nodiscard]] const std::vector<std::string>& output_names() const { return results_; }

  /// With a free batch.
  static graph::Shape free(const graph::ValueInfo& value) {
    graph::Shape shape = value.shape;
    if (!shape.empty()) shape[0] = -1;
    return shape;
  }

 private:
  Result<void> check() const {
    std::set<std::string> unknown;
    for (const graph::Node& each : network_.graph.nodes)
      if (name_of(each.op) == nullptr && std::ranges::find(kOthers, each.op) == kOthers.end())
        unknown.insert(each.op);
    if (!unknown.empty())
      return fail(ErrorCode::kUnsupported, "it is not written for TensorFlow: " + joined(unknown));
    std::size_t size = 0;
    for (const graph::Tensor& tensor : network_.graph.initializers)
      size += tensor.size() * sizeof(float);
    if (size > kMost)
      return fail(ErrorCode::kInvalidArgument, "it is above the 2 GiB that the format allows");
    for (const graph::ValueInfo& input : network_.graph.inputs)
      if (input.type != graph::ElementType::kFloat32)
        return fail(ErrorCode::kUnsupported, "an input is not of float32");
    return {};
  }

  std::string fresh(std::string_view name) {
    const std::string wanted = plain(name);
    std::string made = wanted;
    for (int i = 1; !taken_.insert(made).second; ++i) made = wanted + "_" + std::to_string(i);
    return made;
  }

  NodeWriter node(std::string_view op, std::string_view name,
                  std::initializer_list<std::string> inputs) {
    return {*graph_.add_node(), op, name, std::span(inputs.begin(), inputs.size())};
  }

  std::string constant(std::string_view name, std::int32_t type, const graph::Shape& shape,
                       std::span<const std::byte> bytes) {
    std::string made = fresh(name);
    node("Const", made, {}).type("dtype", type).value(type, shape, bytes);
    return made;
  }
  std::string floats(std::string_view name, const graph::Shape& shape, const Floats& values) {
    if (in_halves_ && values.size() >= graph::kLeastHalves)
      if (const auto halves = graph::exact_halves(values)) return widened(name, shape, *halves);
    return constant(name, kFloat, shape, std::as_bytes(std::span(values)));
  }
  std::string widened(std::string_view name, const graph::Shape& shape,
                      const std::vector<graph::Half>& values) {
    std::string made = fresh(name);
    const std::string half =
        constant(made + "/half", kHalf, shape, std::as_bytes(std::span(values)));
    node("Cast", made, {half}).type("SrcT", kHalf).type("DstT", kFloat);
    return made;
  }
  std::string whole(std::string_view name, std::int32_t value) {
    return constant(name, kInt32, {}, std::as_bytes(std::span(&value, 1)));
  }

  /// The node of a value, written now if it is a constant.
  std::string value(const std::string& name) {
    if (const auto found = names_.find(name); found != names_.end()) return found->second;
    const graph::Tensor& tensor = *constants_.at(name);
    const std::string made =
        std::visit([&](const auto& held) { return constant_of(tensor, held); }, tensor.values);
    names_[name] = made;
    return made;
  }
  template <class T>
  std::string constant_of(const graph::Tensor& tensor, const std::vector<T>& held) {
    if constexpr (std::is_same_v<T, float>) {
      return floats(tensor.name, tensor.shape, held);
    } else if constexpr (std::is_same_v<T, graph::Half>) {
      return constant(tensor.name, kHalf, tensor.shape, std::as_bytes(std::span(held)));
    } else {
      std::vector<std::int32_t> narrow;
      for (const T n : held) narrow.push_back(static_cast<std::int32_t>(n));
      return constant(tensor.name, kInt32, tensor.shape, std::as_bytes(std::span(narrow)));
    }
  }

  const Floats& weights(const graph::Node& given, std::size_t i) const {
    static const Floats none;
    const auto found = constants_.find(given.inputs[i]);
    const auto* values =
        found == constants_.end() ? nullptr : std::get_if<Floats>(&found->second->values);
    return values == nullptr ? none : *values;
  }
  const graph::Shape& shape(const graph::Node& given, std::size_t i) const {
    const auto found = constants_.find(given.inputs[i]);
    return found == constants_.end() ? network_.shapes.at(given.inputs[i]) : found->second->shape;
  }

  Result<void> write(const graph::Node& given) {
    const std::string name = fresh(given.outputs[0]);
    if (given.op == "Conv" || given.op == "DepthwiseConv") {
      VISAVIS_CHECK(convolution(given, name));
    } else if (given.op == "Gather") {
      const auto axis = static_cast<std::int32_t>(given.get_or<std::int64_t>("axis", 0));
      node("GatherV2", name,
           {value(given.inputs[0]), value(given.inputs[1]), whole(name + "/axis", axis)})
          .type("Tparams", kFloat)
          .type("Tindices", kInt32)
          .type("Taxis", kInt32)
          .number("batch_dims", 0);
    } else if (given.op == "TransposeConv") {
      transposed(given, name);
    } else if (given.op == "FullyConnected") {
      dense(given, name);
    } else if (given.op == "MaxPool" || given.op == "AveragePool") {
      pool(given, name);
    } else if (given.op == "PRelu") {
      prelu(given, name);
    } else if (given.op == "HardSwish") {
      hard_swish(given, name);
    } else if (given.op == "Concat") {
      concat(given, name);
    } else if (given.op == "Pad") {
      const std::string by = floats(name + "/value", {}, {given.get_or<float>("value", 0)});
      node("PadV2", name, {value(given.inputs[0]), value(given.inputs[1]), by})
          .type("T", kFloat)
          .type("Tpaddings", kInt32);
    } else {
      same(given, name);
    }
    names_[given.outputs[0]] = name;
    return {};
  }

  void same(const graph::Node& given, const std::string& name) {
    std::vector<std::string> inputs;
    for (const std::string& input : given.inputs) inputs.push_back(value(input));
    NodeWriter made(*graph_.add_node(), *name_of(given.op), name, inputs);
    made.type("T", kFloat);
    if (given.op == "LeakyRelu") made.real("alpha", given.get_or<float>("alpha", 0));
    if (given.op == "Mean" || given.op == "Max")
      made.type("Tidx", kInt32).flag("keep_dims", given.get_or<std::int64_t>("keepdims", 0) != 0);
    if (given.op == "Reshape") made.type("Tshape", kInt32);
    if (given.op == "Transpose") made.type("Tperm", kInt32);
    if (given.op == "Slice") made.type("Index", kInt32);
    if (given.op == "ResizeBilinear" || given.op == "ResizeNearest")
      for (const char* key : {"align_corners", "half_pixel_centers"})
        made.flag(key, given.get_or<std::int64_t>(key, 0) != 0);
    if (given.op == "StridedSlice")
      made.type("Index", kInt32)
          .number("begin_mask", given.get_or<std::int64_t>("begin_mask", 0))
          .number("end_mask", given.get_or<std::int64_t>("end_mask", 0))
          .number("ellipsis_mask", 0)
          .number("new_axis_mask", 0)
          .number("shrink_axis_mask", 0);
  }

  /// Of height and width, as a list for all four axes.
  static Ints four(const graph::Node& given, std::string_view attribute) {
    const Ints two = given.get_or<Ints>(attribute, {1, 1});
    return {1, two[0], two[1], 1};
  }

  static void windows(NodeWriter& made, const graph::Node& given) {
    made.type("T", kFloat)
        .list("strides", four(given, "strides"))
        .text("padding", given.get_or<std::string>("padding", "VALID"))
        .text("data_format", "NHWC");
  }

  void bias(const graph::Node& given, const std::string& name, const std::string& x) {
    node("BiasAdd", name, {x, value(given.inputs[2])})
        .type("T", kFloat)
        .text("data_format", "NHWC");
  }

  /// [out, height, width, in] to [height, width, in, out].
  Result<void> convolution(const graph::Node& given, const std::string& name) {
    const graph::Shape from = shape(given, 1);
    const Floats& old = weights(given, 1);
    const auto height = static_cast<std::size_t>(from[1]);
    const auto width = static_cast<std::size_t>(from[2]);
    const bool by_channel = given.op == "DepthwiseConv";
    const std::size_t out = static_cast<std::size_t>(by_channel ? from[3] : from[0]);
    const auto in = static_cast<std::size_t>(shape(given, 0)[3]);
    const Ints strides = four(given, "strides");
    const Ints dilations = four(given, "dilations");
    // TensorFlow's processors have neither other strides nor dilations for depthwise kernels.
    const bool spread = by_channel && (strides[1] != strides[2] || dilations != Ints{1, 1, 1, 1});
    const std::size_t area = height * width;
    if (spread && area * in > kMostSpread / out)
      return fail(ErrorCode::kUnsupported,
                  "TensorFlow has no depthwise convolution with such strides or dilations");
    graph::Shape to = {from[1], from[2], static_cast<std::int64_t>(in),
                       static_cast<std::int64_t>(out)};
    Floats turned;
    if (by_channel && !spread) {
      to[3] = static_cast<std::int64_t>(out / in);
      turned = old;
    } else if (by_channel) {
      turned.resize(area * in * out);
      for (std::size_t p = 0; p < area; ++p)
        for (std::size_t o = 0; o < out; ++o)
          turned[(p * in + o / (out / in)) * out + o] = old[p * out + o];
    } else {
      turned.resize(area * in * out);
      for (std::size_t o = 0; o < out; ++o)
        for (std::size_t k = 0; k < area * in; ++k) turned[k * out + o] = old[o * area * in + k];
    }
    const std::string kernel = floats(name + "/kernel", to, turned);
    const std::string product = fresh(name + "/product");
    NodeWriter made = node(by_channel && !spread ? "DepthwiseConv2dNative" : "Conv2D", product,
                           {value(given.inputs[0]), kernel});
    windows(made, given);
    made.list("dilations", dilations);
    bias(given, name, product);
    return {};
  }

  /// [samples, height, width, channels] of the result, as many samples as x has.
  std::string result_shape(const std::string& name, const std::string& x,
                           const graph::Shape& made) {
    const auto list = [&](const char* part, std::int32_t number) {
      return constant(name + part, kInt32, {1}, std::as_bytes(std::span(&number, 1)));
    };
    const std::string all = fresh(name + "/given");
    node("Shape", all, {x}).type("T", kFloat).type("out_type", kInt32);
    const std::string first = list("/first", 0);
    const std::string behind = list("/behind", 1);
    const std::string step = list("/step", 1);
    const std::string samples = fresh(name + "/samples");
    node("StridedSlice", samples, {all, first, behind, step})
        .type("T", kInt32)
        .type("Index", kInt32)
        .number("begin_mask", 0)
        .number("end_mask", 0)
        .number("ellipsis_mask", 0)
        .number("new_axis_mask", 0)
        .number("shrink_axis_mask", 1);
    const std::string height = whole(name + "/height", static_cast<std::int32_t>(made[1]));
    const std::string width = whole(name + "/width", static_cast<std::int32_t>(made[2]));
    const std::string channels = whole(name + "/channels", static_cast<std::int32_t>(made[3]));
    std::string shape = fresh(name + "/shape");
    node("Pack", shape, {samples, height, width, channels})
        .number("N", 4)
        .type("T", kInt32)
        .number("axis", 0);
    return shape;
  }

  /// [out, height, width, in] to [height, width, out, in].
  void transposed(const graph::Node& given, const std::string& name) {
    const graph::Shape from = shape(given, 1);
    const Floats& old = weights(given, 1);
    const auto out = static_cast<std::size_t>(from[0]);
    const auto area = static_cast<std::size_t>(from[1] * from[2]);
    const auto in = static_cast<std::size_t>(from[3]);
    Floats turned(old.size());
    for (std::size_t o = 0; o < out; ++o)
      for (std::size_t p = 0; p < area; ++p)
        std::copy_n(old.begin() + static_cast<std::ptrdiff_t>((o * area + p) * in), in,
                    turned.begin() + static_cast<std::ptrdiff_t>((p * out + o) * in));
    const std::string x = value(given.inputs[0]);
    const std::string kernel =
        floats(name + "/kernel", {from[1], from[2], from[0], from[3]}, turned);
    const std::string sizes = result_shape(name, x, network_.shapes.at(given.outputs[0]));
    NodeWriter made = node("Conv2DBackpropInput", name, {sizes, kernel, x});
    windows(made, given);
    made.list("dilations", {1, 1, 1, 1});
  }

  void dense(const graph::Node& given, const std::string& name) {
    const std::string product = fresh(name + "/product");
    node("MatMul", product, {value(given.inputs[0]), value(given.inputs[1])})
        .type("T", kFloat)
        .flag("transpose_a", false)
        .flag("transpose_b", true);
    bias(given, name, product);
  }

  void pool(const graph::Node& given, const std::string& name) {
    NodeWriter made =
        node(given.op == "MaxPool" ? "MaxPool" : "AvgPool", name, {value(given.inputs[0])});
    windows(made, given);
    made.list("ksize", four(given, "kernel_shape"));
  }

  std::string unary(std::string_view op, const std::string& name, const std::string& x) {
    std::string made = fresh(name);
    node(op, made, {x}).type("T", kFloat);
    return made;
  }
  void binary(std::string_view op, const std::string& name, const std::string& a,
              const std::string& b) {
    node(op, name, {a, b}).type("T", kFloat);
  }

  /// relu(x) − slopes · relu(−x)
  void prelu(const graph::Node& given, const std::string& name) {
    const std::string x = value(given.inputs[0]);
    const std::string positive = unary("Relu", name + "/positive", x);
    const std::string negative =
        unary("Relu", name + "/negative", unary("Neg", name + "/turned", x));
    const std::string scaled = fresh(name + "/scaled");
    binary("Mul", scaled, negative, value(given.inputs[1]));
    binary("Sub", name, positive, scaled);
  }

  /// x · relu6(x + 3) / 6
  void hard_swish(const graph::Node& given, const std::string& name) {
    const std::string x = value(given.inputs[0]);
    const std::string shifted = fresh(name + "/shifted");
    binary("AddV2", shifted, x, floats(name + "/three", {}, {3}));
    const std::string gate = fresh(name + "/gate");
    binary("Mul", gate, unary("Relu6", name + "/clipped", shifted),
           floats(name + "/sixth", {}, {1.F / 6}));
    binary("Mul", name, x, gate);
  }

  void concat(const graph::Node& given, const std::string& name) {
    std::vector<std::string> inputs;
    for (const std::string& input : given.inputs) inputs.push_back(value(input));
    const auto count = static_cast<std::int64_t>(inputs.size());
    const auto axis = static_cast<std::int32_t>(given.get_or<std::int64_t>("axis", 0));
    inputs.push_back(whole(name + "/axis", axis));
    NodeWriter(*graph_.add_node(), "ConcatV2", name, inputs)
        .number("N", count)
        .type("T", kFloat)
        .type("Tidx", kInt32);
  }

  const graph::ChannelsLast& network_;
  bool in_halves_;
  tensorflow::GraphDef graph_;
  std::map<std::string, const graph::Tensor*, std::less<>> constants_;
  std::map<std::string, std::string, std::less<>> names_;  ///< Value -> node.
  std::vector<std::string> results_;
  std::set<std::string, std::less<>> taken_;
};

template <class Message>
std::vector<std::byte> bytes_of(const Message& message) {
  const std::string text = message.SerializeAsString();
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void declare(tensorflow::SignatureTensor& entry, const graph::ValueInfo& value,
             const std::string& node) {
  entry.set_key(value.name);
  tensorflow::TensorInfo& info = *entry.mutable_value();
  info.set_name(node + ":0");
  info.set_dtype(kFloat);
  for (const std::int64_t n : Writer::free(value))
    info.mutable_tensor_shape()->add_dim()->set_size(n);
}

/// What no output needs would look like one.
Result<graph::ChannelsLast> lowered(const graph::Graph& graph) {
  VISAVIS_TRY(network, channels_last_of(graph));
  network.graph = graph::remove_unused(std::move(network.graph));
  return network;
}

/// Shapes of outputs are known where those of the source are.
graph::ValueInfo output_of(const graph::ChannelsLast& network, const graph::Graph& source,
                           std::size_t i) {
  graph::ValueInfo output = network.graph.outputs[i];
  const graph::Shape& declared = source.outputs[i].shape;
  const bool is_open = std::ranges::any_of(declared.begin() + (declared.empty() ? 0 : 1),
                                           declared.end(), [](std::int64_t n) { return n < 0; });
  if (is_open)
    for (std::int64_t& n : output.shape) n = -1;
  return output;
}

}  // namespace

Result<std::vector<Part>> export_saved_model(const graph::Graph& graph, const std::string&) {
  VISAVIS_TRY(network, lowered(graph));
  Writer writer(network, graph::has_halves(graph));
  const std::vector<std::string> inputs = writer.input_names();
  const std::vector<std::string> outputs = writer.output_names();
  VISAVIS_TRY(written, std::move(writer).run());
  tensorflow::SavedModel model;
  model.set_saved_model_schema_version(1);
  tensorflow::MetaGraphDef& meta = *model.add_meta_graphs();
  meta.mutable_meta_info_def()->add_tags("serve");
  meta.mutable_meta_info_def()->set_tensorflow_version(std::string(kTensorflowVersion));
  meta.mutable_graph_def()->Swap(&written);
  tensorflow::Signature& signature = *meta.add_signature_def();
  signature.set_key("serving_default");
  signature.mutable_value()->set_method_name("tensorflow/serving/predict");
  for (std::size_t i = 0; i < inputs.size(); ++i)
    declare(*signature.mutable_value()->add_inputs(), network.graph.inputs[i], inputs[i]);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    declare(*signature.mutable_value()->add_outputs(), output_of(network, graph, i), outputs[i]);
  std::vector<Part> parts;
  parts.push_back({.name = "saved_model.pb", .bytes = bytes_of(model)});
  return parts;
}

Result<std::vector<Part>> export_frozen_graph(const graph::Graph& graph, const std::string& stem) {
  VISAVIS_TRY(network, lowered(graph));
  VISAVIS_TRY(written, Writer(network, graph::has_halves(graph)).run());
  std::vector<Part> parts;
  parts.push_back({.name = stem + ".pb", .bytes = bytes_of(written)});
  return parts;
}

}  // namespace visavis::modelkit
