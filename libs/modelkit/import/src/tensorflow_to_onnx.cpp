#include "tensorflow_to_onnx.hpp"

#include <tensorflow.pb.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "bundle.hpp"
#include "channels_first.hpp"
#include "refusals.hpp"
#include "tensorflow.hpp"
#include "tensorflow_graph.hpp"

namespace visavis::modelkit {
namespace {

using Id = ChannelsFirst::Id;
using Window = ChannelsFirst::Window;
using Order = std::vector<std::size_t>;

/// In numbers that describe shapes: the batch, and what is not known before the network runs.
constexpr std::int64_t kBatchSize = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kUnknownSize = kBatchSize + 1;

/// Numbers that a constant may hold beyond those that lie in the file, all together.
constexpr std::size_t kMostStretched = std::size_t{1} << 24;
/// Numbers of shapes.
constexpr std::size_t kMostIntegers = 4096;

/// Integers and booleans: axes, sizes, shapes.
struct Integers {
  Shape shape;
  std::vector<std::int64_t> values;
};

/// What a resource stands for.
struct Variable {
  std::string name;
};

using Value = std::variant<std::monostate, Id, Integers, Variable>;

std::unexpected<Error> needs(const std::string& what) {
  return fail(ErrorCode::kUnsupported, what);
}

bool is_float(std::int32_t type) {
  const auto known = static_cast<TensorflowType>(type);
  return known == TensorflowType::kFloat || known == TensorflowType::kDouble ||
         known == TensorflowType::kHalf;
}

bool is_integer(std::int32_t type) {
  const auto known = static_cast<TensorflowType>(type);
  return known == TensorflowType::kInt32 || known == TensorflowType::kInt64 ||
         known == TensorflowType::kBool;
}

/// The values of a list, the last of them as often as it takes.
template <class T, class List, class Convert>
std::vector<T> filled(const List& list, std::size_t count, const Convert& convert) {
  std::vector<T> out;
  out.reserve(count);
  for (const auto& each : list) {
    if (out.size() == count) break;
    out.push_back(convert(each));
  }
  out.resize(count, out.empty() ? T{} : out.back());
  return out;
}

template <class T, class Raw, class Convert>
std::vector<T> copied(const std::string& bytes, const Convert& convert) {
  std::vector<T> out(bytes.size() / sizeof(Raw));
  for (std::size_t i = 0; i < out.size(); ++i) {
    Raw raw{};
    std::memcpy(&raw, bytes.data() + i * sizeof(Raw), sizeof raw);
    out[i] = convert(raw);
  }
  return out;
}

/// One operator with what it reads.
struct Call {
  const TensorflowGraph::Node& node;
  std::vector<Value> inputs;

  [[nodiscard]] const tensorflow::AttrValue* find(std::string_view name) const {
    return node.def == nullptr ? nullptr : attribute(*node.def, name);
  }
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise) const {
    const auto* found = find(name);
    return found == nullptr ? std::string(otherwise) : found->s();
  }
  [[nodiscard]] bool flag(std::string_view name, bool otherwise = false) const {
    const auto* found = find(name);
    return found == nullptr ? otherwise : found->b();
  }
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise) const {
    const auto* found = find(name);
    return found == nullptr ? otherwise : found->i();
  }
  [[nodiscard]] float real(std::string_view name, float otherwise) const {
    const auto* found = find(name);
    return found == nullptr ? otherwise : found->f();
  }
  [[nodiscard]] Shape list(std::string_view name) const {
    const auto* found = find(name);
    return found == nullptr ? Shape{} : Shape(found->list().i().begin(), found->list().i().end());
  }
  [[nodiscard]] std::int32_t type(std::string_view name) const {
    const auto* found = find(name);
    return found == nullptr ? 0 : found->type();
  }
  [[nodiscard]] const std::string& name() const { return node.name; }

  [[nodiscard]] Result<Id> floats(std::size_t i) const {
    if (i >= inputs.size()) return needs("more inputs");
    if (const Id* id = std::get_if<Id>(&inputs[i])) return *id;
    return needs("float32 numbers as its input " + std::to_string(i));
  }
  [[nodiscard]] Result<Integers> integers(std::size_t i) const {
    if (i >= inputs.size()) return needs("more inputs");
    if (const Integers* found = std::get_if<Integers>(&inputs[i])) return *found;
    return needs("integers that are known as its input " + std::to_string(i));
  }
  /// Integers without the batch or unknown sizes among them.
  [[nodiscard]] Result<std::vector<std::int64_t>> numbers(std::size_t i) const {
    VISAVIS_TRY(found, integers(i));
    for (const std::int64_t n : found.values)
      if (n == kBatchSize || n == kUnknownSize) return needs("numbers that do not depend on sizes");
    return found.values;
  }
  [[nodiscard]] Result<std::int64_t> number(std::size_t i) const {
    VISAVIS_TRY(found, numbers(i));
    if (found.size() != 1) return needs("one number as its input " + std::to_string(i));
    return found[0];
  }
  /// Whether all inputs are numbers that describe shapes.
  [[nodiscard]] bool is_of_integers() const {
    return !inputs.empty() && std::ranges::all_of(inputs, [](const Value& value) {
      return std::holds_alternative<Integers>(value);
    });
  }
};

/// Of two sizes, one of which may be the batch.
std::int64_t combined(std::string_view op, std::int64_t a, std::int64_t b) {
  const auto is_size = [](std::int64_t n) { return n == kBatchSize || n == kUnknownSize; };
  if (op == "Mul" && b == 1) return a;
  if (op == "Mul" && a == 1) return b;
  if (is_size(a) || is_size(b)) return kUnknownSize;
  constexpr std::int64_t kMost = std::int64_t{1} << 31U;
  if (std::max(std::abs(a), std::abs(b)) > kMost) return kUnknownSize;
  if (op == "Mul") return a * b;
  if (op == "Sub") return a - b;
  if (op == "Maximum") return std::max(a, b);
  if (op == "Minimum") return std::min(a, b);
  if (op == "FloorDiv" || op == "RealDiv") {
    if (b == 0) return kUnknownSize;
    const std::int64_t whole = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? whole - 1 : whole;
  }
  return a + b;
}

class Converter {
 public:
  Converter(const TensorflowGraph& graph, const std::map<std::string, TensorflowInput>& inputs,
            const Bundle* variables)
      : graph_(graph), inputs_(inputs), variables_(variables), values_(graph.nodes().size()) {}

  Result<std::vector<std::byte>> run(std::span<const std::string> outputs) && {
    for (const std::size_t index : graph_.order()) VISAVIS_CHECK(convert(index));
    if (const std::string list = refusals_.text(); !list.empty())
      return fail(ErrorCode::kUnsupported, "the TensorFlow importer does not know " + list);
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      const auto value = value_at(graph_.outputs()[i]);
      const Id* id = value ? std::get_if<Id>(&*value) : nullptr;
      if (id == nullptr)
        return fail(ErrorCode::kUnsupported, "the TensorFlow importer wants outputs of float32");
      if (const auto made = network_.output(outputs[i], *id); !made)
        return fail(made.error().code, "the TensorFlow importer wants " + made.error().message);
    }
    return std::move(network_).finish_onnx();
  }

 private:
  using Handler = Result<Value> (Converter::*)(const Call&);
  /// Of an operator with several outputs.
  using Splitter = Result<std::vector<Value>> (Converter::*)(const Call&);

  struct Rule {
    std::string_view op;
    std::variant<Handler, Splitter> run;
  };

  static const Rule* rule_of(std::string_view op);

  [[nodiscard]] std::optional<Value> value_at(const TensorflowGraph::Port& port) const {
    const auto& outputs = values_[port.node];
    if (port.output >= outputs.size() ||
        std::holds_alternative<std::monostate>(outputs[port.output]))
      return std::nullopt;
    return outputs[port.output];
  }

  /// Errors of memory and of damaged numbers end the import; what is not understood is collected.
  Result<void> convert(std::size_t index) {
    const TensorflowGraph::Node& node = graph_.nodes()[index];
    auto& outputs = values_[index];
    if (node.dead) return {};
    if (node.op == "_Call") {
      for (const TensorflowGraph::Port& port : node.inputs)
        outputs.push_back(value_at(port).value_or(Value{}));
      return {};
    }
    Call call{.node = node, .inputs = {}};
    bool known = true;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const bool merges = node.op == "Merge" || node.op == "RefMerge";
      if (merges && i != node.alive) continue;
      const auto value = value_at(node.inputs[i]);
      known = known && value.has_value();
      call.inputs.push_back(value.value_or(Value{}));
    }
    const Rule* rule = rule_of(node.op);
    if (rule == nullptr) {
      refusals_.unknown(node.op);
      return {};
    }
    if (!known) return {};  // because of something before it that is not known
    auto result = run(*rule, call);
    if (!result && result.error().code != ErrorCode::kUnsupported)
      return std::unexpected(std::move(result).error());
    if (!result) {
      refusals_.refused(node.op, node.name, result.error().message);
      return {};
    }
    outputs = *std::move(result);
    // A Switch hands on at the side that lives.
    if (is_switch(node.op)) outputs.insert(outputs.begin(), node.alive, Value{});
    return {};
  }

  Result<std::vector<Value>> run(const Rule& rule, const Call& call) {
    if (const Splitter* several = std::get_if<Splitter>(&rule.run)) return (this->**several)(call);
    VISAVIS_TRY(value, (this->*std::get<Handler>(rule.run))(call));
    return std::vector<Value>{std::move(value)};
  }

  static bool is_switch(std::string_view op) { return op == "Switch" || op == "RefSwitch"; }

  // What stands in the file.

  Result<Value> input(const Call& call) {
    const auto found = inputs_.find(call.name());
    const TensorflowInput given =
        found != inputs_.end() ? found->second : TensorflowInput{.name = call.name(), .shape = {}};
    return picture(given);
  }

  Result<Value> picture(const TensorflowInput& given) {
    Shape shape = given.shape;
    if (shape.empty()) shape.assign(4, -1);  // what it does not say, the first layer does
    VISAVIS_TRY(id, network_.input(given.name, shape));
    return id;
  }

  Result<Value> placeholder(const Call& call) {
    const std::int32_t type = call.type("dtype");
    if (static_cast<TensorflowType>(type) == TensorflowType::kBool)
      return Integers{.shape = {}, .values = {0}};
    if (is_integer(type)) return Integers{.shape = {}, .values = {kUnknownSize}};
    if (static_cast<TensorflowType>(type) != TensorflowType::kFloat)
      return needs("an input of float32");
    return picture({.name = call.name(), .shape = shape_of(call.find("shape"))});
  }

  Result<Value> placeholder_with_default(const Call& call) {
    const std::int32_t type = call.type("dtype");
    if (static_cast<TensorflowType>(type) == TensorflowType::kBool)
      return Integers{.shape = {}, .values = {0}};
    const Shape shape = shape_of(call.find("shape"));
    if (static_cast<TensorflowType>(type) == TensorflowType::kFloat && shape.size() > 1)
      return picture({.name = call.name(), .shape = shape});
    return hand_on(call);
  }

  Result<Value> hand_on(const Call& call) {
    if (call.inputs.empty()) return needs("an input");
    return call.inputs[0];
  }

  /// A cast of integers stays integers: they describe shapes.
  Result<Value> cast(const Call& call) {
    if (std::holds_alternative<Id>(call.inputs.at(0)) && !is_float(call.type("DstT")))
      return needs("float32 as its result");
    if (call.is_of_integers() && !is_integer(call.type("DstT"))) {
      VISAVIS_TRY(values, call.numbers(0));
      std::vector<float> out(values.begin(), values.end());
      VISAVIS_TRY(id, network_.constant({.name = call.name(),
                                         .shape = std::get<Integers>(call.inputs[0]).shape,
                                         .values = std::move(out)}));
      return id;
    }
    return hand_on(call);
  }

  Result<Value> constant(const Call& call) {
    const auto* attribute = call.find("value");
    if (attribute == nullptr) return needs("a value");
    const tensorflow::TensorProto& tensor = attribute->tensor();
    const auto wrong = [](const std::string& what) {
      return fail(ErrorCode::kDecodeFailed,
                  "this is no well-formed TensorFlow graph: a constant " + what);
    };
    Shape shape;
    for (const auto& dim : tensor.tensor_shape().dim()) shape.push_back(dim.size());
    const auto count = graph::element_count(shape);
    if (!count) return wrong("is too large: " + count.error().message);
    const std::int32_t type = tensor.dtype();
    if (!is_float(type) && !is_integer(type)) return Variable{};  // text, which is not needed
    if (tensor.tensor_content().empty()) {
      stretched_ += *count;
      if (stretched_ > kMostStretched + total_given(tensor))
        return fail(ErrorCode::kResourceExhausted,
                    "the constants of this TensorFlow graph are larger than its file");
    }
    if (is_integer(type)) {
      if (*count > kMostIntegers) return needs("fewer integers");
      VISAVIS_TRY(values, integers_of(tensor, *count));
      if (values.size() != *count) return wrong("has another size than its shape");
      return Integers{.shape = std::move(shape), .values = std::move(values)};
    }
    std::vector<float> values = floats_of(tensor, *count);
    if (values.size() != *count) return wrong("has another size than its shape");
    VISAVIS_TRY(id,
                network_.constant(
                    {.name = call.name(), .shape = std::move(shape), .values = std::move(values)}));
    return id;
  }

  static std::size_t total_given(const tensorflow::TensorProto& tensor) {
    return static_cast<std::size_t>(tensor.float_val_size()) +
           static_cast<std::size_t>(tensor.double_val_size());
  }

  static std::vector<float> floats_of(const tensorflow::TensorProto& tensor, std::size_t count) {
    const auto half = [](auto bits) { return from_half(static_cast<std::uint16_t>(bits)); };
    const auto as_float = [](auto value) { return static_cast<float>(value); };
    const std::string& bytes = tensor.tensor_content();
    switch (static_cast<TensorflowType>(tensor.dtype())) {
      case TensorflowType::kHalf:
        return bytes.empty() ? filled<float>(tensor.half_val(), count, half)
                             : copied<float, std::uint16_t>(bytes, half);
      case TensorflowType::kDouble:
        return bytes.empty() ? filled<float>(tensor.double_val(), count, as_float)
                             : copied<float, double>(bytes, as_float);
      default:
        return bytes.empty() ? filled<float>(tensor.float_val(), count, as_float)
                             : copied<float, float>(bytes, as_float);
    }
  }

  static Result<std::vector<std::int64_t>> integers_of(const tensorflow::TensorProto& tensor,
                                                       std::size_t count) {
    const auto wide = [](auto value) { return static_cast<std::int64_t>(value); };
    const std::string& bytes = tensor.tensor_content();
    std::vector<std::int64_t> out;
    switch (static_cast<TensorflowType>(tensor.dtype())) {
      case TensorflowType::kInt64:
        out = bytes.empty() ? filled<std::int64_t>(tensor.int64_val(), count, wide)
                            : copied<std::int64_t, std::int64_t>(bytes, wide);
        break;
      case TensorflowType::kBool:
        out = bytes.empty() ? filled<std::int64_t>(tensor.bool_val(), count, wide)
                            : copied<std::int64_t, std::int8_t>(bytes, wide);
        break;
      default:
        out = bytes.empty() ? filled<std::int64_t>(tensor.int_val(), count, wide)
                            : copied<std::int64_t, std::int32_t>(bytes, wide);
    }
    for (const std::int64_t n : out)
      if (n == kBatchSize || n == kUnknownSize) return needs("integers within bounds");
    return out;
  }

  Result<Value> variable(const Call& call) { return numbers_of(call.name()); }

  Result<Value> handle(const Call& call) {
    const std::string shared = call.text("shared_name", "");
    return Variable{.name = shared.empty() ? std::string(call.node.def->name()) : shared};
  }

  Result<Value> read_variable(const Call& call) {
    const Variable* resource =
        call.inputs.empty() ? nullptr : std::get_if<Variable>(&call.inputs[0]);
    if (resource == nullptr) return needs("a variable");
    const auto found = read_.find(resource->name);
    if (found != read_.end()) return found->second;
    VISAVIS_TRY(value, numbers_of(resource->name));
    read_.emplace(resource->name, value);
    return value;
  }

  Result<Value> numbers_of(const std::string& name) {
    if (variables_ == nullptr) return needs("a checkpoint or a SavedModel, for it is a variable");
    const std::string* key = variables_->key_of(name);
    if (key == nullptr) return needs("a variable that the checkpoint has");
    VISAVIS_TRY(numbers, variables_->floats(*key));
    numbers.name = name;
    VISAVIS_TRY(id, network_.constant(std::move(numbers)));
    return id;
  }

  // Layers.

  /// Axes as the operator has them: whether channels come first, and how to turn them.
  struct Format {
    bool channels_first = false;
    std::size_t height = 1;
    std::size_t width = 2;
  };
  static Result<Format> format_of(const Call& call) {
    const std::string format = call.text("data_format", "NHWC");
    if (format == "NHWC") return Format{};
    if (format == "NCHW") return Format{.channels_first = true, .height = 2, .width = 3};
    return needs("pictures as NHWC or NCHW");
  }

  Result<Id> turned(Id x, const Format& format) {
    return format.channels_first ? network_.transpose(x, {0, 2, 3, 1}) : Result<Id>(x);
  }
  Result<Value> turned_back(Id x, const Format& format) {
    if (!format.channels_first) return x;
    VISAVIS_TRY(turned, network_.transpose(x, {0, 3, 1, 2}));
    return turned;
  }

  static Result<Window> window_of(const Call& call, const Format& format) {
    const auto steps = [&](std::string_view name) -> Result<std::pair<std::int64_t, std::int64_t>> {
      const Shape list = call.list(name);
      if (list.empty()) return std::pair<std::int64_t, std::int64_t>(1, 1);
      if (list.size() != 4) return needs(std::string(name) + " for four axes");
      for (std::size_t i = 0; i < 4; ++i)
        if (i != format.height && i != format.width && list[i] != 1)
          return needs(std::string(name) + " of height and width only");
      return std::pair(list[format.height], list[format.width]);
    };
    Window window;
    VISAVIS_TRY(strides, steps("strides"));
    VISAVIS_TRY(dilations, steps("dilations"));
    VISAVIS_TRY(kernel, steps("ksize"));
    std::tie(window.stride_h, window.stride_w) = strides;
    std::tie(window.dilation_h, window.dilation_w) = dilations;
    std::tie(window.kernel_h, window.kernel_w) = kernel;
    const std::string padding = call.text("padding", "");
    if (padding == "SAME") window.padding = ChannelsFirst::Padding::kSame;
    if (padding == "EXPLICIT") {
      const Shape pads = call.list("explicit_paddings");
      if (pads.size() != 8) return needs("paddings for four axes");
      window.padding = ChannelsFirst::Padding::kExplicit;
      window.top = pads[2 * format.height];
      window.bottom = pads[2 * format.height + 1];
      window.left = pads[2 * format.width];
      window.right = pads[2 * format.width + 1];
    } else if (padding != "SAME" && padding != "VALID") {
      return needs("padding that is SAME, VALID or EXPLICIT");
    }
    return window;
  }

  Result<Constant> weights(const Call& call, std::size_t i) {
    VISAVIS_TRY(id, call.floats(i));
    const Constant* found = network_.constant_of(id);
    if (found == nullptr) return needs("weights that are constant");
    return *found;
  }

  Result<Value> convolution(const Call& call) {
    VISAVIS_TRY(format, format_of(call));
    VISAVIS_TRY(window, window_of(call, format));
    VISAVIS_TRY(given, call.floats(0));
    VISAVIS_TRY(kernel, weights(call, 1));
    if (kernel.shape.size() != 4) return needs("a kernel of four dimensions");
    VISAVIS_TRY(x, turned(given, format));
    // TensorFlow's groups follow from the channels (of pictures and of the kernel).
    const Shape& shape = network_.shape(x);
    const std::int64_t channels = shape.size() == 4 ? shape[3] : -1;
    const std::int64_t in = kernel.shape[2];
    const std::int64_t groups =
        channels > 0 && in > 0 && channels % in == 0 ? channels / in : std::int64_t{1};
    VISAVIS_TRY(moved, permuted(kernel, {3, 2, 0, 1}));
    VISAVIS_TRY(y, network_.convolution(call.name(), x, std::move(moved), {}, groups, window));
    return turned_back(y, format);
  }

  /// [height, width, in, multiplier]: output in · multiplier + m is of channel in.
  Result<Value> depthwise(const Call& call) {
    VISAVIS_TRY(format, format_of(call));
    VISAVIS_TRY(window, window_of(call, format));
    VISAVIS_TRY(given, call.floats(0));
    VISAVIS_TRY(kernel, weights(call, 1));
    if (kernel.shape.size() != 4) return needs("a kernel of four dimensions");
    VISAVIS_TRY(x, turned(given, format));
    VISAVIS_TRY(moved, permuted(kernel, {2, 3, 0, 1}));
    const std::int64_t groups = moved.shape[0];
    moved.shape = {moved.shape[0] * moved.shape[1], 1, moved.shape[2], moved.shape[3]};
    VISAVIS_TRY(y, network_.convolution(call.name(), x, std::move(moved), {}, groups, window));
    return turned_back(y, format);
  }

  Result<Value> bias_add(const Call& call) {
    VISAVIS_TRY(format, format_of(call));
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(bias, call.floats(1));
    if (format.channels_first && network_.shape(bias).size() == 1) {
      VISAVIS_TRY(raised,
                  network_.reshape(call.name() + ".bias", bias, {network_.shape(bias)[0], 1, 1}));
      bias = raised;
    }
    VISAVIS_TRY(sum, network_.binary("Add", call.name(), x, bias));
    return sum;
  }

  Result<Value> fused_batch_norm(const Call& call) {
    if (call.flag("is_training", true)) return needs("to be outside of training");
    VISAVIS_TRY(format, format_of(call));
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(scale, weights(call, 1));
    VISAVIS_TRY(shift, weights(call, 2));
    VISAVIS_TRY(mean, weights(call, 3));
    VISAVIS_TRY(variance, weights(call, 4));
    const std::size_t rank = network_.shape(x).size();
    const std::size_t axis = format.channels_first ? 1 : rank - 1;
    VISAVIS_TRY(y, network_.batch_normalization(call.name(), x,
                                                {.scale = std::move(scale),
                                                 .shift = std::move(shift),
                                                 .mean = std::move(mean),
                                                 .variance = std::move(variance)},
                                                double{call.real("epsilon", 1e-4F)}, axis));
    return y;
  }

  Result<Value> pool(const Call& call) {
    VISAVIS_TRY(format, format_of(call));
    VISAVIS_TRY(window, window_of(call, format));
    VISAVIS_TRY(given, call.floats(0));
    VISAVIS_TRY(x, turned(given, format));
    VISAVIS_TRY(y, call.node.op == "MaxPool" ? network_.max_pool(call.name(), x, window)
                                             : network_.average_pool(call.name(), x, window));
    return turned_back(y, format);
  }

  Result<Value> product(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(by, call.floats(1));
    if (call.flag("transpose_a") || call.flag("adj_x"))
      return needs("a first matrix that is not transposed");
    if (call.flag("transpose_b") || call.flag("adj_y")) {
      VISAVIS_TRY(turned, network_.transpose(by, {1, 0}));
      by = turned;
    }
    VISAVIS_TRY(y, network_.product(call.name(), x, by));
    return y;
  }

  // Arithmetic.

  Result<Value> unary(const Call& call) {
    struct Entry {
      std::string_view tensorflow;
      std::string_view onnx;
    };
    static constexpr auto kNames = std::to_array<Entry>({{"Abs", "Abs"},
                                                         {"Elu", "Elu"},
                                                         {"Exp", "Exp"},
                                                         {"Log", "Log"},
                                                         {"Neg", "Neg"},
                                                         {"Relu", "Relu"},
                                                         {"Sigmoid", "Sigmoid"},
                                                         {"Sqrt", "Sqrt"},
                                                         {"Tanh", "Tanh"}});
    const auto* name = std::ranges::find(kNames, call.node.op, &Entry::tensorflow);
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(y, network_.unary(name->onnx, call.name(), x));
    return y;
  }

  Result<Value> relu6(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(y, network_.clip(call.name(), x, 0.F, 6.F));
    return y;
  }

  Result<Value> leaky_relu(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(y, network_.leaky_relu(call.name(), x, call.real("alpha", .2F)));
    return y;
  }

  Result<Value> square(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(y, network_.binary("Mul", call.name(), x, x));
    return y;
  }

  Result<Value> squared_difference(const Call& call) {
    VISAVIS_TRY(a, call.floats(0));
    VISAVIS_TRY(b, call.floats(1));
    VISAVIS_TRY(d, network_.binary("Sub", call.name() + ".difference", a, b));
    VISAVIS_TRY(y, network_.binary("Mul", call.name(), d, d));
    return y;
  }

  Result<Value> reciprocal_root(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(root, network_.unary("Sqrt", call.name() + ".root", x));
    VISAVIS_TRY(one,
                network_.constant({.name = call.name() + ".one", .shape = {}, .values = {1.F}}));
    VISAVIS_TRY(y, network_.binary("Div", call.name(), one, root));
    return y;
  }

  Result<Value> binary(const Call& call) {
    if (call.is_of_integers()) return integer_arithmetic(call);
    struct Entry {
      std::string_view tensorflow;
      std::string_view onnx;
    };
    static constexpr auto kNames = std::to_array<Entry>({{"Add", "Add"},
                                                         {"AddV2", "Add"},
                                                         {"Div", "Div"},
                                                         {"Maximum", "Max"},
                                                         {"Minimum", "Min"},
                                                         {"Mul", "Mul"},
                                                         {"Pow", "Pow"},
                                                         {"RealDiv", "Div"},
                                                         {"Sub", "Sub"}});
    const auto* name = std::ranges::find(kNames, call.node.op, &Entry::tensorflow);
    if (name == kNames.end()) return needs("integers");
    VISAVIS_TRY(a, call.floats(0));
    VISAVIS_TRY(b, call.floats(1));
    VISAVIS_TRY(y, network_.binary(name->onnx, call.name(), a, b));
    return y;
  }

  static Result<Value> integer_arithmetic(const Call& call) {
    if (call.inputs.size() != 2) return needs("two inputs");
    Integers a = std::get<Integers>(call.inputs[0]);
    Integers b = std::get<Integers>(call.inputs[1]);
    if (a.values.size() == 1 && b.values.size() > 1) {
      a.values.assign(b.values.size(), a.values[0]);
      a.shape = b.shape;
    }
    if (b.values.size() == 1) b.values.assign(a.values.size(), b.values[0]);
    if (a.values.size() != b.values.size()) return needs("sizes that go together");
    for (std::size_t i = 0; i < a.values.size(); ++i)
      a.values[i] = combined(call.node.op, a.values[i], b.values[i]);
    return a;
  }

  Result<Value> add_n(const Call& call) {
    VISAVIS_TRY(sum, call.floats(0));
    for (std::size_t i = 1; i < call.inputs.size(); ++i) {
      VISAVIS_TRY(next, call.floats(i));
      const bool last = i + 1 == call.inputs.size();
      VISAVIS_TRY(y, network_.binary("Add", last ? call.name() : call.name() + ".sum", sum, next));
      sum = y;
    }
    return sum;
  }

  Result<Value> reduce(const Call& call) {
    if (call.is_of_integers()) return integer_product(call);
    if (call.node.op == "Prod") return needs("integers");
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(axes, call.numbers(1));
    const bool keeps = call.flag("keep_dims");
    VISAVIS_TRY(y, call.node.op == "Mean"  ? network_.mean(call.name(), x, axes, keeps)
                   : call.node.op == "Max" ? network_.largest(call.name(), x, axes, keeps)
                                           : network_.sum(call.name(), x, axes, keeps));
    return y;
  }

  /// Of sizes.
  static Result<Value> integer_product(const Call& call) {
    VISAVIS_TRY(sizes, call.integers(0));
    if (call.node.op != "Prod" || sizes.shape.size() > 1) return needs("float32 numbers");
    std::int64_t all = 1;
    for (const std::int64_t n : sizes.values) all = combined("Mul", all, n);
    return Integers{.shape = call.flag("keep_dims") ? Shape{1} : Shape{}, .values = {all}};
  }

  Result<Value> softmax(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(y, network_.softmax(call.name(), x, -1));
    return y;
  }

  // Axes and sizes.

  /// Of sizes one behind the other, also where each is a number of its own.
  static Result<Value> joined(std::span<const Value> parts) {
    Integers out{.shape = {0}, .values = {}};
    for (const Value& part : parts) {
      const auto& given = std::get<Integers>(part);
      if (given.shape.size() > 1) return needs("lists of sizes");
      out.values.insert(out.values.end(), given.values.begin(), given.values.end());
      if (out.values.size() > kMostIntegers) return needs("fewer sizes");
    }
    out.shape[0] = static_cast<std::int64_t>(out.values.size());
    return out;
  }

  Result<Value> pack(const Call& call) {
    if (!call.is_of_integers()) return needs("sizes that are known");
    for (const Value& part : call.inputs)
      if (!std::get<Integers>(part).shape.empty()) return needs("single numbers");
    return joined(call.inputs);
  }

  Result<Value> concat(const Call& call) {
    const bool axis_first = call.node.op == "Concat";
    if (call.inputs.size() < 2) return needs("parts and an axis");
    const std::size_t last = call.inputs.size() - 1;
    VISAVIS_TRY(axis, call.number(axis_first ? 0 : last));
    const auto parts = std::span(call.inputs).subspan(axis_first ? 1 : 0, last);
    if (call.is_of_integers()) return joined(parts);
    std::vector<Id> ids;
    for (std::size_t i = 0; i < last; ++i) {
      VISAVIS_TRY(id, call.floats(axis_first ? i + 1 : i));
      ids.push_back(id);
    }
    VISAVIS_TRY(y, network_.concat(call.name(), ids, axis));
    return y;
  }

  Result<Value> shape(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    const Shape& shape = network_.shape(x);
    Integers out{.shape = {static_cast<std::int64_t>(shape.size())}, .values = {}};
    for (std::size_t i = 0; i < shape.size(); ++i)
      out.values.push_back(shape[i] >= 0 ? shape[i] : i == 0 ? kBatchSize : kUnknownSize);
    return out;
  }

  /// Of a list of sizes.
  Result<Value> strided_slice(const Call& call) {
    if (!call.inputs.empty() && std::holds_alternative<Id>(call.inputs[0]))
      return strided_slice_of_floats(call);
    VISAVIS_TRY(sizes, call.integers(0));
    VISAVIS_TRY(begin, call.number(1));
    VISAVIS_TRY(end, call.number(2));
    VISAVIS_TRY(step, call.number(3));
    if (sizes.shape.size() != 1 || step == 0 || call.integer("ellipsis_mask", 0) != 0 ||
        call.integer("new_axis_mask", 0) != 0)
      return needs("a list of sizes");
    const auto count = static_cast<std::int64_t>(sizes.values.size());
    const bool shrinks = call.integer("shrink_axis_mask", 0) != 0;
    const auto place = [&](std::int64_t at) { return at < 0 ? at + count : at; };
    if (shrinks) {
      if (begin < -count || begin >= count) return needs("a size that is there");
      return Integers{.shape = {},
                      .values = {sizes.values[static_cast<std::size_t>(place(begin))]}};
    }
    if (step != 1) return needs("steps of 1");
    const std::int64_t first =
        call.integer("begin_mask", 0) != 0 ? 0 : std::clamp<std::int64_t>(place(begin), 0, count);
    const std::int64_t last = call.integer("end_mask", 0) != 0
                                  ? count
                                  : std::clamp<std::int64_t>(place(end), first, count);
    return part_of(sizes, first, std::max(last, first));
  }

  /// With steps of 1, from and to where the masks say.
  Result<Value> strided_slice_of_floats(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(begin, call.numbers(1));
    VISAVIS_TRY(end, call.numbers(2));
    VISAVIS_TRY(steps, call.numbers(3));
    const Shape& shape = network_.shape(x);
    if (begin.size() > shape.size() || end.size() != begin.size() || steps.size() != begin.size() ||
        call.integer("ellipsis_mask", 0) != 0 || call.integer("new_axis_mask", 0) != 0 ||
        call.integer("shrink_axis_mask", 0) != 0 ||
        std::ranges::any_of(steps, [](std::int64_t step) { return step != 1; }))
      return needs("steps of 1 along axes that it keeps");
    Shape first(shape.size(), 0);
    Shape count(shape.size(), -1);
    for (std::size_t i = 0; i < begin.size(); ++i) {
      const bool from_start = (call.integer("begin_mask", 0) >> i & 1) != 0;
      const bool to_end = (call.integer("end_mask", 0) >> i & 1) != 0;
      if ((!from_start && begin[i] < 0) || (!to_end && (end[i] < 0 || shape[i] < 0)))
        return needs("places that are counted from the start");
      if (!from_start) first[i] = begin[i];
      if (!to_end) count[i] = std::max<std::int64_t>(std::min(end[i], shape[i]) - first[i], 0);
    }
    VISAVIS_TRY(y, network_.slice(call.name(), x, first, count));
    return y;
  }

  static Value part_of(const Integers& sizes, std::int64_t first, std::int64_t last) {
    return Integers{.shape = {last - first},
                    .values = {sizes.values.begin() + first, sizes.values.begin() + last}};
  }

  /// Of a list of sizes, too.
  Result<Value> slice(const Call& call) {
    if (!call.inputs.empty() && std::holds_alternative<Id>(call.inputs[0])) {
      VISAVIS_TRY(x, call.floats(0));
      VISAVIS_TRY(from, call.numbers(1));
      VISAVIS_TRY(count, call.numbers(2));
      VISAVIS_TRY(y, network_.slice(call.name(), x, from, count));
      return y;
    }
    VISAVIS_TRY(sizes, call.integers(0));
    VISAVIS_TRY(begin, call.number(1));
    VISAVIS_TRY(size, call.number(2));
    const auto count = static_cast<std::int64_t>(sizes.values.size());
    if (sizes.shape.size() != 1 || begin < 0 || begin > count || size < -1 ||
        (size >= 0 && size > count - begin))
      return needs("a list of sizes");
    return part_of(sizes, begin, size < 0 ? count : begin + size);
  }

  /// Along an axis, so many each.
  Result<std::vector<Value>> parts_of(const Call& call, std::size_t x, std::int64_t axis,
                                      const std::vector<std::int64_t>& sizes) {
    VISAVIS_TRY(from, call.floats(x));
    const Shape shape = network_.shape(from);
    const auto rank = static_cast<std::int64_t>(shape.size());
    if (axis < -rank || axis >= rank) return needs("an axis that its input has");
    const auto along = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
    Shape begin(shape.size(), 0);
    Shape size(shape.size(), -1);
    std::vector<Value> out;
    for (const std::int64_t n : sizes) {
      if (n < 0 || n > shape[along] - begin[along]) return needs("parts that its input has");
      size[along] = n;
      VISAVIS_TRY(part, network_.slice(call.name(), from, begin, size));
      out.emplace_back(part);
      begin[along] += n;
    }
    if (begin[along] != shape[along]) return needs("parts that are all of its input");
    return out;
  }

  /// How many outputs a node may have: as many as numbers that describe shapes.
  static Result<std::int64_t> count_of(const Call& call, std::string_view attribute) {
    const std::int64_t count = call.integer(attribute, 0);
    if (count < 1 || count > static_cast<std::int64_t>(kMostIntegers)) return needs("fewer parts");
    return count;
  }

  Result<std::vector<Value>> split(const Call& call) {
    VISAVIS_TRY(axis, call.number(0));
    VISAVIS_TRY(count, count_of(call, "num_split"));
    VISAVIS_TRY(x, call.floats(1));
    const Shape& shape = network_.shape(x);
    const auto rank = static_cast<std::int64_t>(shape.size());
    if (axis < -rank || axis >= rank) return needs("an axis that its input has");
    const std::int64_t all = shape[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)];
    if (all < 0 || all % count != 0) return needs("parts of one size");
    return parts_of(call, 1, axis,
                    std::vector<std::int64_t>(static_cast<std::size_t>(count), all / count));
  }

  /// One of the sizes may be -1: what is left.
  Result<std::vector<Value>> split_by_sizes(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(sizes, call.numbers(1));
    VISAVIS_TRY(axis, call.number(2));
    const Shape& shape = network_.shape(x);
    const auto rank = static_cast<std::int64_t>(shape.size());
    if (axis < -rank || axis >= rank) return needs("an axis that its input has");
    std::int64_t left = shape[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)];
    for (const std::int64_t n : sizes)
      if (n > 0) left -= std::min(n, graph::kMaxElements);
    if (const auto open = std::ranges::find(sizes, -1); open != sizes.end()) *open = left;
    return parts_of(call, 0, axis, sizes);
  }

  /// Of a list of sizes, too.
  Result<std::vector<Value>> unpack(const Call& call) {
    VISAVIS_TRY(count, count_of(call, "num"));
    std::int64_t axis = call.integer("axis", 0);
    if (call.is_of_integers()) {
      const auto& sizes = std::get<Integers>(call.inputs[0]);
      if (sizes.shape.size() != 1 || static_cast<std::int64_t>(sizes.values.size()) != count)
        return needs("a list of so many sizes");
      std::vector<Value> out;
      for (const std::int64_t n : sizes.values)
        out.emplace_back(Integers{.shape = {}, .values = {n}});
      return out;
    }
    VISAVIS_TRY(parts, parts_of(call, 0, axis,
                                std::vector<std::int64_t>(static_cast<std::size_t>(count), 1)));
    for (Value& part : parts) {
      Shape shape = sizes_of(std::get<Id>(part));
      shape.erase(shape.begin() +
                  (axis < 0 ? axis + static_cast<std::int64_t>(shape.size()) : axis));
      VISAVIS_TRY(row, network_.reshape(call.name(), std::get<Id>(part), std::move(shape)));
      part = row;
    }
    return parts;
  }

  Result<Value> range(const Call& call) {
    VISAVIS_TRY(start, call.number(0));
    VISAVIS_TRY(limit, call.number(1));
    VISAVIS_TRY(step, call.number(2));
    constexpr std::int64_t kMost = std::int64_t{1} << 31U;
    if (step == 0 || std::max({std::abs(start), std::abs(limit), std::abs(step)}) > kMost)
      return needs("a step that is not 0, and numbers below 2^31");
    Integers out;
    for (std::int64_t n = start; step > 0 ? n < limit : n > limit; n += step) {
      if (out.values.size() >= kMostIntegers) return needs("fewer integers");
      out.values.push_back(n);
    }
    out.shape = {static_cast<std::int64_t>(out.values.size())};
    return out;
  }

  Result<Value> gather(const Call& call) {
    VISAVIS_TRY(sizes, call.integers(0));
    VISAVIS_TRY(places, call.integers(1));
    Integers out{.shape = places.shape, .values = {}};
    for (const std::int64_t at : places.values) {
      if (at < 0 || at >= static_cast<std::int64_t>(sizes.values.size()))
        return needs("a list of sizes");
      out.values.push_back(sizes.values[static_cast<std::size_t>(at)]);
    }
    return out;
  }

  Result<Value> reshape(const Call& call) {
    VISAVIS_TRY(wanted, call.integers(1));
    Shape shape = wanted.values;
    if (const auto* sizes =
            call.inputs.empty() ? nullptr : std::get_if<Integers>(&call.inputs[0])) {
      if (shape.size() > 1) return needs("a list of sizes");
      Integers out = *sizes;
      out.shape = shape.empty() ? Shape{} : Shape{static_cast<std::int64_t>(out.values.size())};
      return out;
    }
    VISAVIS_TRY(x, call.floats(0));
    for (std::int64_t& n : shape) {
      if (n == kBatchSize) n = ChannelsFirst::kBatch;
      if (n == kUnknownSize) n = -1;
    }
    VISAVIS_TRY(y, network_.reshape(call.name(), x, std::move(shape)));
    return y;
  }

  /// The shape of a value as a Reshape takes it.
  [[nodiscard]] Shape sizes_of(Id x) const {
    Shape shape = network_.shape(x);
    if (!shape.empty() && shape[0] < 0) shape[0] = ChannelsFirst::kBatch;
    return shape;
  }

  Result<Value> squeeze(const Call& call) {
    if (call.is_of_integers()) {
      Integers out = std::get<Integers>(call.inputs[0]);
      if (out.values.size() == 1) out.shape = {};
      return out;
    }
    VISAVIS_TRY(x, call.floats(0));
    const Shape shape = sizes_of(x);
    const Shape axes = call.list("squeeze_dims");
    const auto rank = static_cast<std::int64_t>(shape.size());
    Shape out;
    for (std::int64_t axis = 0; axis < rank; ++axis) {
      const std::int64_t n = shape[static_cast<std::size_t>(axis)];
      const bool named = std::ranges::any_of(
          axes, [&](std::int64_t given) { return given == axis || given + rank == axis; });
      if (axes.empty() ? n == 1 : named) continue;
      out.push_back(n);
    }
    VISAVIS_TRY(y, network_.reshape(call.name(), x, std::move(out)));
    return y;
  }

  Result<Value> expand_dims(const Call& call) {
    VISAVIS_TRY(axis, call.number(1));
    if (const auto* sizes = std::get_if<Integers>(&call.inputs[0])) {
      if (!sizes->shape.empty()) return needs("a single number");
      return Integers{.shape = {1}, .values = sizes->values};
    }
    VISAVIS_TRY(x, call.floats(0));
    Shape shape = sizes_of(x);
    const auto rank = static_cast<std::int64_t>(shape.size());
    if (axis < 0) axis += rank + 1;
    if (axis < 0 || axis > rank) return needs("an axis that its input has");
    shape.insert(shape.begin() + axis, 1);
    VISAVIS_TRY(y, network_.reshape(call.name(), x, std::move(shape)));
    return y;
  }

  Result<Value> transpose(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(axes, call.numbers(1));
    Order order;
    for (const std::int64_t axis : axes) {
      if (axis < 0) return needs("axes from 0 on");
      order.push_back(static_cast<std::size_t>(axis));
    }
    VISAVIS_TRY(y, network_.transpose(x, order));
    return y;
  }

  Result<Value> pad(const Call& call) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(pads, call.numbers(1));
    float value = 0;
    if (call.node.op == "PadV2") {
      VISAVIS_TRY(given, weights(call, 2));
      if (given.values.size() != 1) return needs("one number to pad with");
      value = given.values[0];
    }
    Shape before;
    Shape behind;
    for (std::size_t i = 0; i < pads.size(); ++i) (i % 2 == 0 ? before : behind).push_back(pads[i]);
    VISAVIS_TRY(y, network_.pad(call.name(), x, before, behind, value));
    return y;
  }

  const TensorflowGraph& graph_;
  const std::map<std::string, TensorflowInput>& inputs_;
  const Bundle* variables_;
  ChannelsFirst network_{"tensorflow"};
  std::vector<std::vector<Value>> values_;  ///< Of each node's outputs.
  std::map<std::string, Value> read_;       ///< Variables.
  Refusals refusals_;
  std::size_t stretched_ = 0;
};

const Converter::Rule* Converter::rule_of(std::string_view op) {
  static constexpr auto kRules =
      std::to_array<Rule>({{"_Argument", &Converter::hand_on},
                           {"_Input", &Converter::input},
                           {"Abs", &Converter::unary},
                           {"Add", &Converter::binary},
                           {"AddN", &Converter::add_n},
                           {"AddV2", &Converter::binary},
                           {"AvgPool", &Converter::pool},
                           {"BatchMatMul", &Converter::product},
                           {"BatchMatMulV2", &Converter::product},
                           {"BiasAdd", &Converter::bias_add},
                           {"Cast", &Converter::cast},
                           {"CheckNumerics", &Converter::hand_on},
                           {"Concat", &Converter::concat},
                           {"ConcatV2", &Converter::concat},
                           {"Const", &Converter::constant},
                           {"Conv2D", &Converter::convolution},
                           {"DepthwiseConv2dNative", &Converter::depthwise},
                           {"Div", &Converter::binary},
                           {"Elu", &Converter::unary},
                           {"EnsureShape", &Converter::hand_on},
                           {"Exp", &Converter::unary},
                           {"ExpandDims", &Converter::expand_dims},
                           {"FloorDiv", &Converter::binary},
                           {"FusedBatchNorm", &Converter::fused_batch_norm},
                           {"FusedBatchNormV2", &Converter::fused_batch_norm},
                           {"FusedBatchNormV3", &Converter::fused_batch_norm},
                           {"Gather", &Converter::gather},
                           {"GatherV2", &Converter::gather},
                           {"Identity", &Converter::hand_on},
                           {"LeakyRelu", &Converter::leaky_relu},
                           {"Log", &Converter::unary},
                           {"MatMul", &Converter::product},
                           {"Max", &Converter::reduce},
                           {"MaxPool", &Converter::pool},
                           {"Maximum", &Converter::binary},
                           {"Mean", &Converter::reduce},
                           {"Merge", &Converter::hand_on},
                           {"Minimum", &Converter::binary},
                           {"Mul", &Converter::binary},
                           {"Neg", &Converter::unary},
                           {"Pack", &Converter::pack},
                           {"Pad", &Converter::pad},
                           {"PadV2", &Converter::pad},
                           {"Placeholder", &Converter::placeholder},
                           {"PlaceholderV2", &Converter::placeholder},
                           {"PlaceholderWithDefault", &Converter::placeholder_with_default},
                           {"Pow", &Converter::binary},
                           {"PreventGradient", &Converter::hand_on},
                           {"Prod", &Converter::reduce},
                           {"Range", &Converter::range},
                           {"ReadVariableOp", &Converter::read_variable},
                           {"RealDiv", &Converter::binary},
                           {"RefIdentity", &Converter::hand_on},
                           {"RefMerge", &Converter::hand_on},
                           {"RefSwitch", &Converter::hand_on},
                           {"Relu", &Converter::unary},
                           {"Relu6", &Converter::relu6},
                           {"Reshape", &Converter::reshape},
                           {"Rsqrt", &Converter::reciprocal_root},
                           {"Shape", &Converter::shape},
                           {"Sigmoid", &Converter::unary},
                           {"Slice", &Converter::slice},
                           {"Snapshot", &Converter::hand_on},
                           {"Softmax", &Converter::softmax},
                           {"Split", &Converter::split},
                           {"SplitV", &Converter::split_by_sizes},
                           {"Sqrt", &Converter::unary},
                           {"Square", &Converter::square},
                           {"SquaredDifference", &Converter::squared_difference},
                           {"Squeeze", &Converter::squeeze},
                           {"StopGradient", &Converter::hand_on},
                           {"StridedSlice", &Converter::strided_slice},
                           {"Sub", &Converter::binary},
                           {"Sum", &Converter::reduce},
                           {"Switch", &Converter::hand_on},
                           {"Tanh", &Converter::unary},
                           {"Transpose", &Converter::transpose},
                           {"Unpack", &Converter::unpack},
                           {"VarHandleOp", &Converter::handle},
                           {"Variable", &Converter::variable},
                           {"VariableV2", &Converter::variable}});
  const auto* found = std::ranges::find(kRules, op, &Rule::op);
  return found == kRules.end() ? nullptr : found;
}

}  // namespace

Shape shape_of(const tensorflow::AttrValue* attribute) {
  Shape out;
  if (attribute == nullptr || attribute->shape().unknown_rank()) return out;
  for (const auto& dim : attribute->shape().dim()) out.push_back(dim.size() < 0 ? -1 : dim.size());
  return out;
}

Result<std::vector<std::byte>> tensorflow_to_onnx(
    const TensorflowGraph& graph, const std::map<std::string, TensorflowInput>& inputs,
    std::span<const std::string> outputs, const Bundle* variables) {
  return Converter(graph, inputs, variables).run(outputs);
}

}  // namespace visavis::modelkit
