#include "openvino_to_onnx.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>

#include "arithmetic.hpp"
#include "builder.hpp"
#include "channels_first.hpp"
#include "fold_layers.hpp"
#include "fresh_names.hpp"
#include "openvino.hpp"
#include "refusals.hpp"

namespace visavis::modelkit {
namespace {

/// In numbers that describe shapes: what is not known before the network runs, and of that the
/// number of samples.
constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kSamples = kUnknown + 1;

bool is_open(std::int64_t n) { return n == kUnknown || n == kSamples; }

/// Of numbers that are computed from others here; larger ones are refused.
constexpr std::int64_t kMostNumber = std::int64_t{1} << 31U;
/// Of numbers that describe shapes, in one list.
constexpr std::size_t kMostIntegers = 4096;
/// Numbers computed beforehand, all together.
constexpr std::size_t kMostFolded = std::size_t{1} << 26U;

/// What the network computes.
struct Computed {
  std::string name;      ///< In the ONNX graph.
  Shape shape;           ///< As the file states it; -1 marks what is not known.
  bool whole = false;    ///< Whole numbers, as a FakeQuantize makes them.
  bool batched = false;  ///< Its first axis is that of the network's one input, of free size.
};

struct Integers {
  Shape shape;
  std::vector<std::int64_t> values;
};

using Numbers = std::shared_ptr<const Constant>;
using Value = std::variant<std::monostate, Computed, Numbers, Integers>;
using Values = std::vector<Value>;
using Attributes = std::vector<std::pair<std::string, graph::Attribute>>;

std::unexpected<Error> needs(const std::string& what) {
  return fail(ErrorCode::kUnsupported, what);
}

std::unexpected<Error> malformed(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed OpenVINO IR: " + what);
}

template <class T>
std::optional<T> number_in(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(' ') - first + 1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "1, 2"
std::optional<Shape> list_in(std::string_view text) {
  Shape out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const auto number = number_in<std::int64_t>(text.substr(0, comma));
    if (!number || std::abs(*number) > kMostNumber) return std::nullopt;
    out.push_back(*number);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

struct ElementType {
  std::string_view name;
  std::size_t size;
  float (*as_float)(const std::byte*);           ///< Null for whole numbers.
  std::int64_t (*as_integer)(const std::byte*);  ///< Null for numbers with a fraction.
};

template <class T>
T raw(const std::byte* at) {
  T value{};
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <class T>
float as_float(const std::byte* at) {
  return static_cast<float>(raw<T>(at));
}
template <class T>
std::int64_t as_integer(const std::byte* at) {
  return static_cast<std::int64_t>(raw<T>(at));
}
float from_bfloat(const std::byte* at) {
  const std::uint32_t bits = std::uint32_t{raw<std::uint16_t>(at)} << 16U;
  return std::bit_cast<float>(bits);
}
float from_half_at(const std::byte* at) { return from_half(raw<std::uint16_t>(at)); }

constexpr auto kTypes =
    std::to_array<ElementType>({{"f32", 4, as_float<float>, nullptr},
                                {"f64", 8, as_float<double>, nullptr},
                                {"f16", 2, from_half_at, nullptr},
                                {"bf16", 2, from_bfloat, nullptr},
                                {"i64", 8, nullptr, as_integer<std::int64_t>},
                                {"i32", 4, nullptr, as_integer<std::int32_t>},
                                {"i16", 2, nullptr, as_integer<std::int16_t>},
                                {"i8", 1, nullptr, as_integer<std::int8_t>},
                                {"u32", 4, nullptr, as_integer<std::uint32_t>},
                                {"u16", 2, nullptr, as_integer<std::uint16_t>},
                                {"u8", 1, nullptr, as_integer<std::uint8_t>},
                                {"boolean", 1, nullptr, as_integer<std::uint8_t>}});

const ElementType* type_of(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &ElementType::name);
  return found == kTypes.end() ? nullptr : found;
}

/// Of two shapes, as NumPy stretches them.
std::optional<Shape> stretched(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return std::nullopt;
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

/// Where number i of a result lies in an operand that is stretched to it.
std::size_t place_in(const Shape& operand, const Shape& result, std::size_t i) {
  std::size_t at = 0;
  std::size_t step = 1;
  for (std::size_t k = 0; k < result.size(); ++k) {
    const auto size = static_cast<std::size_t>(result[result.size() - 1 - k]);
    const std::size_t index = i % size;
    i /= size;
    if (k >= operand.size()) continue;
    const auto its = static_cast<std::size_t>(operand[operand.size() - 1 - k]);
    if (its != 1) at += index * step;
    step *= its;
  }
  return at;
}

std::int64_t combined(std::string_view op, std::int64_t a, std::int64_t b) {
  if (op == "Mul" && b == 1) return a;
  if (op == "Mul" && a == 1) return b;
  if (is_open(a) || is_open(b)) return kUnknown;
  if (std::max(std::abs(a), std::abs(b)) > kMostNumber) return kUnknown;
  if (op == "Mul") return a * b;
  if (op == "Sub") return a - b;
  if (op == "Max") return std::max(a, b);
  if (op == "Min") return std::min(a, b);
  if (op == "Div") {
    if (b == 0) return kUnknown;
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
  }
  return op == "Add" ? a + b : kUnknown;
}

/// One layer with what it reads.
struct Call {
  const IrLayer& layer;
  std::size_t index;
  Values inputs;

  [[nodiscard]] std::string_view text(std::string_view key, std::string_view otherwise) const {
    return layer.text(key, otherwise);
  }
  [[nodiscard]] bool flag(std::string_view key, bool otherwise) const {
    const std::string_view value = text(key, otherwise ? "true" : "false");
    return value == "true" || value == "1";
  }
  [[nodiscard]] Result<double> real(std::string_view key) const {
    const auto value = number_in<double>(text(key, ""));
    if (!value) return needs("a number " + std::string(key));
    return *value;
  }
  [[nodiscard]] Result<std::int64_t> integer(std::string_view key,
                                             std::string_view otherwise) const {
    const auto value = number_in<std::int64_t>(text(key, otherwise));
    if (!value || std::abs(*value) > kMostNumber)
      return needs("a whole number " + std::string(key));
    return *value;
  }
  [[nodiscard]] Result<Shape> list(std::string_view key) const {
    auto value = list_in(text(key, ""));
    if (!value) return needs("whole numbers " + std::string(key));
    return *std::move(value);
  }
  [[nodiscard]] bool has(std::size_t i) const { return i < inputs.size(); }
  [[nodiscard]] const Computed* computed(std::size_t i) const {
    return has(i) ? std::get_if<Computed>(&inputs[i]) : nullptr;
  }
  [[nodiscard]] Result<Numbers> numbers(std::size_t i) const {
    if (!has(i)) return needs("more inputs");
    if (const Numbers* found = std::get_if<Numbers>(&inputs[i])) return *found;
    return needs("constant numbers as its input " + std::to_string(i));
  }
  [[nodiscard]] Result<float> scalar(std::size_t i) const {
    VISAVIS_TRY(found, numbers(i));
    if (found->values.size() != 1)
      return needs("a single number as its input " + std::to_string(i));
    return found->values[0];
  }
  [[nodiscard]] Result<Integers> integers(std::size_t i) const {
    if (!has(i)) return needs("more inputs");
    if (const Integers* found = std::get_if<Integers>(&inputs[i])) return *found;
    return needs("whole numbers that are known as its input " + std::to_string(i));
  }
  /// None of which depends on a free size.
  [[nodiscard]] Result<Shape> known(std::size_t i) const {
    VISAVIS_TRY(found, integers(i));
    if (found.values.size() > kMostIntegers) return needs("fewer whole numbers");
    if (std::ranges::any_of(found.values, is_open))
      return needs("whole numbers that do not depend on free sizes");
    return found.values;
  }
  [[nodiscard]] Result<std::int64_t> one(std::size_t i) const {
    VISAVIS_TRY(found, known(i));
    if (found.size() != 1) return needs("one whole number as its input " + std::to_string(i));
    return found[0];
  }
  /// Whether all inputs are whole numbers that describe shapes.
  [[nodiscard]] bool is_of_integers() const {
    return !inputs.empty() && std::ranges::all_of(inputs, [](const Value& value) {
      return std::holds_alternative<Integers>(value);
    });
  }
  /// As the file states it.
  [[nodiscard]] Shape declared(std::size_t output = 0) const {
    return output < layer.outputs.size() ? layer.outputs[output].shape : Shape{};
  }
};

Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) return needs("an axis that its input has");
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

Result<Shape> axes_of(const Shape& given, std::size_t rank) {
  Shape out;
  for (const std::int64_t n : given) {
    VISAVIS_TRY(axis, axis_of(n, rank));
    out.push_back(static_cast<std::int64_t>(axis));
  }
  std::ranges::sort(out);
  if (out.empty() || std::ranges::adjacent_find(out) != out.end())
    return needs("axes that are different");
  return out;
}

class Converter {
 public:
  explicit Converter(const IrNetwork& network) : network_(network), values_(network.layers.size()) {
    graph_.name = network.name;
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      const IrLayer& layer = network.layers[i];
      for (const IrSource& source : layer.inputs) used_.emplace(source.layer, source.output);
      if (layer.type == "Const" || layer.type == "Result") continue;
      for (std::size_t k = 0; k < layer.outputs.size(); ++k)
        if (!layer.outputs[k].name.empty()) claimed_[{i, k}] = fresh(layer.outputs[k].name);
    }
  }

  Result<std::vector<std::byte>> run() && {
    for (std::size_t i = 0; i < network_.layers.size(); ++i) VISAVIS_CHECK(convert(i));
    if (const std::string list = refusals_.text(); !list.empty())
      return fail(ErrorCode::kUnsupported, "the OpenVINO importer does not know " + list);
    if (graph_.outputs.empty())
      return fail(ErrorCode::kDecodeFailed, "this is no well-formed OpenVINO IR: it has no result");
    if (const auto whole = graph::validate(graph_); !whole) return malformed(whole.error().message);
    return graph::write_onnx(graph::flush_subnormals(fold_layers(std::move(graph_))));
  }

 private:
  using Handler = Result<Values> (Converter::*)(const Call&);
  struct Rule {
    std::string_view type;
    Handler run;
  };
  static const Rule* rule_of(std::string_view type);

  Result<void> convert(std::size_t index) {
    const IrLayer& layer = network_.layers[index];
    Call call{.layer = layer, .index = index, .inputs = {}};
    bool known = true;
    for (const IrSource& source : layer.inputs) {
      const Values& from = values_[source.layer];
      const bool there = source.output < from.size() &&
                         !std::holds_alternative<std::monostate>(from[source.output]);
      known = known && there;
      call.inputs.push_back(there ? from[source.output] : Value{});
    }
    const Rule* rule = rule_of(layer.type);
    if (rule == nullptr) {
      refusals_.unknown(layer.type);
      return {};
    }
    if (!known) return {};  // because of something before it that is not known
    auto made = (this->*rule->run)(call);
    if (!made && made.error().code != ErrorCode::kUnsupported)
      return std::unexpected(std::move(made).error());
    if (made) {
      values_[index] = *std::move(made);
    } else {
      refusals_.refused(layer.type, layer.name, made.error().message);
    }
    return {};
  }

  // What is written.

  std::string fresh(const std::string& name) { return names_.give(name); }

  std::string name_of(const Call& call, std::size_t output = 0) {
    const auto found = claimed_.find({call.index, output});
    return found != claimed_.end() ? found->second : fresh(call.layer.name);
  }

  void node(std::string_view op, const std::string& name, std::vector<std::string> inputs,
            Attributes attributes = {}) {
    graph_.nodes.push_back({.op = std::string(op),
                            .name = name,
                            .inputs = std::move(inputs),
                            .outputs = {name},
                            .attributes = std::move(attributes)});
  }

  std::string initializer(const std::string& name, Shape shape, graph::Tensor::Values values) {
    std::string made = fresh(name);
    graph_.initializers.push_back(
        {.name = made, .shape = std::move(shape), .values = std::move(values)});
    return made;
  }

  std::string integers(const std::string& name, Shape values) {
    const auto count = static_cast<std::int64_t>(values.size());
    return initializer(name, {count}, std::move(values));
  }

  std::string single(const std::string& name, float value) {
    return initializer(name, {}, std::vector{value});
  }

  /// Its name in the graph, where a constant is written now.
  Result<std::string> operand(const Value& value) {
    if (const Computed* computed = std::get_if<Computed>(&value)) return computed->name;
    const Numbers* numbers = std::get_if<Numbers>(&value);
    if (numbers == nullptr) return needs("numbers with a fraction");
    std::string& written = written_[numbers->get()];
    if (written.empty()) {
      kept_.push_back(*numbers);
      written = initializer((*numbers)->name, (*numbers)->shape, (*numbers)->values);
    }
    return written;
  }

  /// One operator of one output that the file declares.
  Result<Values> made(std::string_view op, const Call& call, std::vector<std::string> inputs,
                      Attributes attributes = {}) {
    const std::string name = name_of(call);
    node(op, name, std::move(inputs), std::move(attributes));
    return Values{Computed{.name = name, .shape = call.declared(), .batched = keeps_samples(call)}};
  }

  /// Whether the first axis stays what it is. Operators that may move axes say so themselves.
  static bool keeps_samples(const Call& call) {
    static constexpr auto kMoving = std::to_array<std::string_view>(
        {"Concat", "Gather", "Pad", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceSum", "Reshape",
         "Slice", "Squeeze", "StridedSlice", "Transpose", "Unsqueeze"});
    if (std::ranges::find(kMoving, call.layer.type) != kMoving.end()) return false;
    const Computed* x = nullptr;
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      const Computed* other = call.computed(i);
      if (other != nullptr && !other->batched) return false;
      if (other != nullptr) x = other;
    }
    const Shape shape = call.declared();
    return x != nullptr && shape.size() == x->shape.size() && !shape.empty() && shape[0] < 0;
  }

  /// The same for operators that may move axes.
  static Result<Values> with_samples(Result<Values> made, bool kept) {
    if (made)
      for (Value& value : *made)
        if (Computed* computed = std::get_if<Computed>(&value)) computed->batched = kept;
    return made;
  }

  Result<Values> folded(Constant constant) {
    folded_ += constant.values.size();
    if (folded_ > kMostFolded + 2 * network_.bytes)
      return fail(ErrorCode::kResourceExhausted, "too many numbers are computed from constants");
    return Values{std::make_shared<const Constant>(std::move(constant))};
  }

  // Inputs, outputs, constants.

  Result<Values> parameter(const Call& call) {
    if (call.text("element_type", "") != "f32") return needs("an input of float32");
    if (call.layer.outputs.size() != 1) return malformed("an input without a port");
    const Shape& shape = call.layer.outputs[0].shape;
    Shape least = shape;
    for (std::int64_t& n : least) n = n < 0 ? 1 : n;
    if (shape.empty() || !graph::element_count(least))
      return needs("a shape of 1 to 8 dimensions within bounds");
    const std::string name = name_of(call);
    graph_.inputs.push_back({.name = name, .shape = shape});
    const auto inputs = std::ranges::count(network_.layers, "Parameter", &IrLayer::type);
    return Values{Computed{.name = name, .shape = shape, .batched = inputs == 1 && shape[0] < 0}};
  }

  Result<Values> result(const Call& call) {
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an output that depends on an input");
    const auto is_named = [&](const graph::ValueInfo& info) { return info.name == x->name; };
    std::string name = x->name;
    if (std::ranges::any_of(graph_.inputs, is_named) ||
        std::ranges::any_of(graph_.outputs, is_named)) {
      name = fresh(call.layer.name);
      node("Identity", name, {x->name});
    }
    graph_.outputs.push_back({.name = name, .shape = x->shape});
    return Values{};
  }

  Result<Values> constant(const Call& call) {
    const ElementType* type = type_of(call.text("element_type", ""));
    if (type == nullptr)
      return needs("numbers of another type than " + printable(call.text("element_type", "none")));
    VISAVIS_TRY(shape, call.list("shape"));
    const auto count = graph::element_count(shape);
    if (!count) return malformed("a constant is out of range: " + count.error().message);
    const std::span<const std::byte> bytes = call.layer.constant;
    if (bytes.size() != *count * type->size)
      return malformed("a constant has another size than its shape");
    read_ += *count * (type->as_float != nullptr ? sizeof(float) : sizeof(std::int64_t));
    // Constants may share their bytes, but not without end.
    if (read_ > 8 * network_.bytes + kMostFolded * sizeof(float))
      return fail(ErrorCode::kResourceExhausted,
                  "the constants of this OpenVINO IR are larger than its file");
    if (type->as_float != nullptr) {
      Constant out{.name = call.layer.name, .shape = std::move(shape), .values = {}};
      out.values.resize(*count);
      for (std::size_t i = 0; i < *count; ++i)
        out.values[i] = type->as_float(bytes.data() + i * type->size);
      return Values{std::make_shared<const Constant>(std::move(out))};
    }
    Integers out{.shape = std::move(shape), .values = {}};
    out.values.resize(*count);
    for (std::size_t i = 0; i < *count; ++i)
      out.values[i] = type->as_integer(bytes.data() + i * type->size);
    return Values{std::move(out)};
  }

  Result<Values> convert_type(const Call& call) {
    if (!call.has(0)) return needs("an input");
    const ElementType* to = type_of(call.text("destination_type", ""));
    if (to == nullptr) return needs("a type that is known");
    const bool to_floats = to->as_float != nullptr;
    if (const Integers* whole = std::get_if<Integers>(&call.inputs[0]);
        whole != nullptr && to_floats) {
      Constant out{.name = call.layer.name, .shape = whole->shape, .values = {}};
      for (const std::int64_t n : whole->values) {
        if (is_open(n)) return needs("numbers that do not depend on free sizes");
        out.values.push_back(static_cast<float>(n));
      }
      return folded(std::move(out));
    }
    const Computed* x = call.computed(0);
    if (x != nullptr && !to_floats && !x->whole)
      return needs("numbers with a fraction as its result");
    if (std::holds_alternative<Numbers>(call.inputs[0]) && !to_floats)
      return needs("numbers with a fraction as its result");
    return Values{call.inputs[0]};
  }

  // Layers.

  struct Window {
    Attributes attributes;
    bool hangs_over = false;  ///< A window may begin behind the end of the padded input.
  };

  static Result<Window> window_of(const Call& call, std::size_t axes, const Shape& kernel) {
    VISAVIS_TRY(strides, call.list("strides"));
    VISAVIS_TRY(begin, call.list("pads_begin"));
    VISAVIS_TRY(end, call.list("pads_end"));
    VISAVIS_TRY(dilations, call.list("dilations"));
    if (dilations.empty()) dilations.assign(axes, 1);
    if (strides.size() != axes || dilations.size() != axes || kernel.size() != axes)
      return needs("strides and dilations for each of its axes");
    const std::string_view padding = call.text("auto_pad", "explicit");
    Window out;
    out.attributes = {{"kernel_shape", kernel}, {"strides", strides}, {"dilations", dilations}};
    if (padding == "same_upper" || padding == "same_lower") {
      out.attributes.emplace_back(
          "auto_pad", std::string(padding == "same_upper" ? "SAME_UPPER" : "SAME_LOWER"));
      return out;
    }
    if (padding == "valid") {
      begin.assign(axes, 0);
      end = begin;
    } else if (padding != "explicit" && padding != "notset") {
      return needs("padding that is explicit, same_upper, same_lower or valid");
    }
    if (begin.size() != axes || end.size() != axes) return needs("pads for each of its axes");
    for (std::size_t i = 0; i < axes; ++i) {
      if (begin[i] < 0 || end[i] < 0 || strides[i] < 1 || dilations[i] < 1 || kernel[i] < 1)
        return needs("pads from 0 on, and strides and dilations from 1 on");
      out.hangs_over = out.hangs_over || strides[i] + end[i] > dilations[i] * (kernel[i] - 1) + 1;
    }
    begin.insert(begin.end(), end.begin(), end.end());
    out.attributes.emplace_back("pads", std::move(begin));
    return out;
  }

  Result<Values> convolved(const Call& call, Constant kernel, std::int64_t groups) {
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    if (kernel.shape.size() < 3 || kernel.shape.size() != x->shape.size())
      return needs("a kernel of as many dimensions as its input");
    VISAVIS_TRY(window, window_of(call, kernel.shape.size() - 2,
                                  {kernel.shape.begin() + 2, kernel.shape.end()}));
    window.attributes.emplace_back("group", groups);
    VISAVIS_TRY(name, operand(std::make_shared<const Constant>(std::move(kernel))));
    return made("Conv", call, {x->name, name}, std::move(window.attributes));
  }

  Result<Values> convolution(const Call& call) {
    VISAVIS_TRY(kernel, call.numbers(1));
    return convolved(call, *kernel, 1);
  }

  /// [groups, out of each, in of each, height, width]
  Result<Values> group_convolution(const Call& call) {
    VISAVIS_TRY(given, call.numbers(1));
    if (given->shape.size() < 4) return needs("a kernel with groups");
    Constant kernel = *given;
    const std::int64_t groups = kernel.shape[0];
    kernel.shape.erase(kernel.shape.begin());
    kernel.shape[0] *= groups;
    return convolved(call, std::move(kernel), groups);
  }

  Result<Values> pool(const Call& call) {
    const bool is_mean = call.layer.type == "AvgPool";
    const Computed* x = call.computed(0);
    if (x == nullptr || x->shape.size() < 3) return needs("an input that is a picture");
    if (used_.contains({call.index, 1}))
      return needs("that nobody asks where the largest numbers were");
    VISAVIS_TRY(kernel, call.list("kernel"));
    VISAVIS_TRY(window, window_of(call, x->shape.size() - 2, kernel));
    const std::string_view rounding = call.text("rounding_type", "floor");
    if (rounding != "floor" && rounding != "ceil" && rounding != "ceil_torch")
      return needs("sizes rounded by floor or ceil");
    const bool up = rounding != "floor";
    if (rounding == "ceil" && window.hangs_over)
      return needs("that no window begins behind the end of the input");
    if (up) window.attributes.emplace_back("ceil_mode", std::int64_t{1});
    if (is_mean) {
      const bool counts = !call.flag("exclude-pad", false);
      const auto* pads = find(window.attributes, "pads");
      const bool padded =
          pads == nullptr || std::ranges::any_of(std::get<Shape>(*pads), std::identity());
      if (up && counts && padded) return needs("a mean that leaves out its padding");
      if (counts) window.attributes.emplace_back("count_include_pad", std::int64_t{1});
      std::erase_if(window.attributes, [](const auto& each) { return each.first == "dilations"; });
    }
    return made(is_mean ? "AveragePool" : "MaxPool", call, {x->name}, std::move(window.attributes));
  }

  static const graph::Attribute* find(const Attributes& list, std::string_view name) {
    const auto found = std::ranges::find(
        list, name, [](const auto& each) -> std::string_view { return each.first; });
    return found == list.end() ? nullptr : &found->second;
  }

  Result<Values> batch_norm(const Call& call) {
    // The first version has the data behind scale and shift.
    const bool old = call.layer.opset == "opset1";
    const Computed* x = call.computed(old ? 2 : 0);
    if (x == nullptr || call.inputs.size() != 5) return needs("an input that is computed");
    std::vector<std::string> inputs = {x->name};
    for (const std::size_t i :
         {old ? std::size_t{0} : 1, old ? std::size_t{1} : 2, std::size_t{3}, std::size_t{4}}) {
      VISAVIS_TRY(name, operand(call.inputs[i]));
      inputs.push_back(std::move(name));
    }
    VISAVIS_TRY(epsilon, call.real("epsilon"));
    return made("BatchNormalization", call, std::move(inputs),
                {{"epsilon", static_cast<float>(epsilon)}});
  }

  Result<Values> mat_mul(const Call& call) {
    if (call.inputs.size() != 2) return needs("two inputs");
    std::array<std::string, 2> names;
    const Computed* x = call.computed(0);
    const Numbers* by = std::get_if<Numbers>(&call.inputs[1]);
    const bool turned[] = {call.flag("transpose_a", false), call.flag("transpose_b", false)};
    if (x != nullptr && by != nullptr && x->shape.size() == 2 && (*by)->shape.size() == 2 &&
        !turned[0]) {
      VISAVIS_TRY(matrix, turned[1] ? Result<Constant>(**by) : permuted(**by, {1, 0}));
      VISAVIS_TRY(name, operand(std::make_shared<const Constant>(std::move(matrix))));
      return made("Gemm", call, {x->name, name}, {{"transB", std::int64_t{1}}});
    }
    for (std::size_t i = 0; i < 2; ++i) {
      VISAVIS_TRY(name, operand(call.inputs[i]));
      names[i] = name;
      if (!turned[i]) continue;
      const std::size_t rank = rank_of(call.inputs[i]);
      if (rank < 2) return needs("matrices");
      Shape order(rank);
      std::iota(order.begin(), order.end(), 0);
      std::swap(order[rank - 1], order[rank - 2]);
      names[i] = fresh(call.layer.name + ".transposed");
      node("Transpose", names[i], {name}, {{"perm", std::move(order)}});
    }
    return made("MatMul", call, {names[0], names[1]});
  }

  static std::size_t rank_of(const Value& value) {
    if (const Computed* computed = std::get_if<Computed>(&value)) return computed->shape.size();
    if (const Numbers* numbers = std::get_if<Numbers>(&value)) return (*numbers)->shape.size();
    return 0;
  }

  // Arithmetic.

  Result<Values> unary(const Call& call) {
    struct Entry {
      std::string_view openvino;
      std::string_view onnx;
    };
    static constexpr auto kNames = std::to_array<Entry>({{"Abs", "Abs"},
                                                         {"Exp", "Exp"},
                                                         {"HSwish", "HardSwish"},
                                                         {"Log", "Log"},
                                                         {"Negative", "Neg"},
                                                         {"ReLU", "Relu"},
                                                         {"Sigmoid", "Sigmoid"},
                                                         {"Sqrt", "Sqrt"},
                                                         {"Tanh", "Tanh"}});
    const auto* name = std::ranges::find(kNames, call.layer.type, &Entry::openvino);
    if (!call.has(0)) return needs("an input");
    if (name->onnx == "HardSwish") graph_.opset = std::max<std::int64_t>(graph_.opset, 14);
    VISAVIS_TRY(x, operand(call.inputs[0]));
    return made(name->onnx, call, {x});
  }

  Result<Values> binary(const Call& call) {
    struct Entry {
      std::string_view openvino;
      std::string_view onnx;
    };
    static constexpr auto kNames = std::to_array<Entry>({{"Add", "Add"},
                                                         {"Divide", "Div"},
                                                         {"Maximum", "Max"},
                                                         {"Minimum", "Min"},
                                                         {"Multiply", "Mul"},
                                                         {"Power", "Pow"},
                                                         {"Subtract", "Sub"}});
    const auto* name = std::ranges::find(kNames, call.layer.type, &Entry::openvino);
    if (call.inputs.size() != 2) return needs("two inputs");
    if (call.text("auto_broadcast", "numpy") == "pdpd")
      return needs("operands stretched as NumPy does");
    if (call.is_of_integers()) return of_integers(name->onnx, call);
    const Numbers* a = std::get_if<Numbers>(&call.inputs[0]);
    const Numbers* b = std::get_if<Numbers>(&call.inputs[1]);
    if (a != nullptr && b != nullptr) return of_constants(name->onnx, call, **a, **b);
    std::vector<std::string> inputs;
    for (std::size_t i = 0; i < 2; ++i) {
      Value value = call.inputs[i];
      // Leading dimensions of 1 say nothing: without them it is a number per channel.
      if (const Numbers* constant = std::get_if<Numbers>(&value);
          constant != nullptr && (*constant)->shape.size() <= rank_of(call.inputs[1 - i])) {
        Constant shorter = **constant;
        const auto first = std::ranges::find_if(shorter.shape, [](auto n) { return n != 1; });
        if (first != shorter.shape.begin()) {
          shorter.shape.erase(shorter.shape.begin(), first);
          value = std::make_shared<const Constant>(std::move(shorter));
        }
      }
      VISAVIS_TRY(operand_name, operand(value));
      inputs.push_back(std::move(operand_name));
    }
    if (name->onnx == "Min") return least(call, inputs);
    return made(name->onnx, call, std::move(inputs));
  }

  /// −max(−a, −b): not every engine has Min.
  Result<Values> least(const Call& call, const std::vector<std::string>& inputs) {
    std::vector<std::string> turned;
    for (const std::string& input : inputs) {
      turned.push_back(fresh(call.layer.name + ".turned"));
      node("Neg", turned.back(), {input});
    }
    const std::string most = fresh(call.layer.name + ".most");
    node("Max", most, turned);
    return made("Neg", call, {most});
  }

  Result<Values> of_constants(std::string_view op, const Call& call, const Constant& a,
                              const Constant& b) {
    auto shape = stretched(a.shape, b.shape);
    const auto count = shape ? graph::element_count(*shape) : needs("");
    if (!count) return needs("operands whose shapes go together");
    if (*count > kMostFolded) return needs("fewer numbers that are computed from constants");
    Constant out{.name = call.layer.name, .shape = *std::move(shape), .values = {}};
    out.values.resize(*count);
    const Binary compute = binary_function(op);
    for (std::size_t i = 0; i < *count; ++i)
      out.values[i] = compute(a.values[place_in(a.shape, out.shape, i)],
                              b.values[place_in(b.shape, out.shape, i)]);
    return folded(std::move(out));
  }

  static Result<Values> of_integers(std::string_view op, const Call& call) {
    const Integers& a = std::get<Integers>(call.inputs[0]);
    const Integers& b = std::get<Integers>(call.inputs[1]);
    auto shape = stretched(a.shape, b.shape);
    const auto count = shape ? graph::element_count(*shape) : needs("");
    if (!count || *count > kMostIntegers) return needs("operands whose shapes go together");
    Integers out{.shape = *std::move(shape), .values = {}};
    for (std::size_t i = 0; i < *count; ++i)
      out.values.push_back(combined(op, a.values[place_in(a.shape, out.shape, i)],
                                    b.values[place_in(b.shape, out.shape, i)]));
    return Values{std::move(out)};
  }

  /// One slope per channel, or slopes as NumPy stretches them.
  Result<Values> prelu(const Call& call) {
    const Computed* x = call.computed(0);
    VISAVIS_TRY(given, call.numbers(1));
    if (x == nullptr) return needs("an input that is computed");
    Constant slopes = *given;
    if (slopes.shape.size() == 1 && x->shape.size() > 1 &&
        (x->shape[1] == slopes.shape[0] || x->shape[1] < 0))
      slopes.shape.resize(x->shape.size() - 1, 1);
    while (slopes.shape.size() > 1 && slopes.shape.front() == 1 &&
           slopes.shape.size() >= x->shape.size())
      slopes.shape.erase(slopes.shape.begin());
    VISAVIS_TRY(values, folded(std::move(slopes)));
    VISAVIS_TRY(name, operand(values[0]));
    return made("PRelu", call, {x->name, name});
  }

  Result<Values> clamp(const Call& call) {
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    VISAVIS_TRY(low, call.real("min"));
    VISAVIS_TRY(high, call.real("max"));
    const std::string name = call.layer.name;
    return made("Clip", call,
                {x->name, single(name + ".low", static_cast<float>(low)),
                 single(name + ".high", static_cast<float>(high))});
  }

  Result<Values> elu(const Call& call) {
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    VISAVIS_TRY(alpha, call.real("alpha"));
    return made("Elu", call, {x->name}, {{"alpha", static_cast<float>(alpha)}});
  }

  /// HSigmoid is min(max(x + 3, 0), 6) / 6; HardSigmoid has its slope and its offset as inputs.
  Result<Values> hard_sigmoid(const Call& call) {
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    float alpha = 1.F / 6;
    float beta = .5F;
    if (call.layer.type == "HardSigmoid") {
      VISAVIS_TRY(slope, call.scalar(1));
      VISAVIS_TRY(offset, call.scalar(2));
      alpha = slope;
      beta = offset;
    }
    return made("HardSigmoid", call, {x->name}, {{"alpha", alpha}, {"beta", beta}});
  }

  Result<Values> swish(const Call& call) {
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    std::string inside = x->name;
    if (call.has(1)) {
      VISAVIS_TRY(beta, call.scalar(1));
      inside = fresh(call.layer.name + ".scaled");
      node("Mul", inside, {x->name, single(call.layer.name + ".beta", beta)});
    }
    const std::string gate = fresh(call.layer.name + ".gate");
    node("Sigmoid", gate, {inside});
    return made("Mul", call, {x->name, gate});
  }

  Result<Values> squared_difference(const Call& call) {
    if (call.inputs.size() != 2) return needs("two inputs");
    VISAVIS_TRY(a, operand(call.inputs[0]));
    VISAVIS_TRY(b, operand(call.inputs[1]));
    const std::string difference = fresh(call.layer.name + ".difference");
    node("Sub", difference, {a, b});
    return made("Mul", call, {difference, difference});
  }

  Result<Values> softmax(const Call& call) {
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    VISAVIS_TRY(given, call.integer("axis", "1"));
    VISAVIS_TRY(axis, axis_of(given, x->shape.size()));
    return made("Softmax", call, {x->name}, {{"axis", static_cast<std::int64_t>(axis)}});
  }

  /// How many numbers there are along those axes.
  static Result<float> count_along(const Shape& shape, const Shape& axes) {
    std::int64_t count = 1;
    for (const std::int64_t axis : axes) {
      const std::int64_t n = shape[static_cast<std::size_t>(axis)];
      if (n < 0 || n > graph::kMaxElements / std::max<std::int64_t>(count, 1))
        return needs("sums over axes of known size");
      count *= n;
    }
    return static_cast<float>(count);
  }

  std::string mean_of(const std::string& name, const std::string& x, const Shape& axes) {
    const std::string made_name = fresh(name);
    node("ReduceMean", made_name, {x}, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
    return made_name;
  }

  std::string squares_of(const std::string& name, const std::string& x) {
    const std::string made_name = fresh(name);
    node("Mul", made_name, {x, x});
    return made_name;
  }

  /// The square of a vector's length, by means, which every engine has.
  Result<std::string> square_length(const Call& call, const Computed& x, const Shape& axes) {
    const std::string& name = call.layer.name;
    VISAVIS_TRY(count, count_along(x.shape, axes));
    const std::string mean = mean_of(name + ".mean", squares_of(name + ".squares", x.name), axes);
    std::string sum = fresh(name + ".sum");
    node("Mul", sum, {mean, single(name + ".count", count)});
    return sum;
  }

  Result<Values> reduce(const Call& call) {
    if (call.is_of_integers()) return product_of_integers(call);
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    VISAVIS_TRY(given, call.known(1));
    VISAVIS_TRY(axes, axes_of(given, x->shape.size()));
    const std::int64_t keeps = call.flag("keep_dims", false) ? 1 : 0;
    const Attributes attributes = {{"axes", axes}, {"keepdims", keeps}};
    const std::string& type = call.layer.type;
    const std::string& name = call.layer.name;
    const bool kept = x->batched && !axes.empty() && axes[0] > 0;
    if (type == "ReduceMean")
      return with_samples(made("ReduceMean", call, {x->name}, attributes), kept);
    if (type == "ReduceSum") {
      VISAVIS_TRY(count, count_along(x->shape, axes));
      const std::string mean = fresh(name + ".mean");
      node("ReduceMean", mean, {x->name}, attributes);
      return made("Mul", call, {mean, single(name + ".count", count)});
    }
    if (type == "ReduceL2" && keeps == 1) {
      VISAVIS_TRY(sum, square_length(call, *x, axes));
      return made("Sqrt", call, {sum});
    }
    if (type == "ReduceMax" && x->shape.size() == 4 && axes == Shape{2, 3} && keeps == 1)
      return made("GlobalMaxPool", call, {x->name});
    return needs("axes that it keeps, or a mean or a sum");
  }

  static Result<Values> product_of_integers(const Call& call) {
    if (call.layer.type != "ReduceProd") return needs("numbers with a fraction");
    VISAVIS_TRY(given, call.integers(0));
    std::int64_t all = 1;
    for (const std::int64_t n : given.values) all = combined("Mul", all, n);
    const bool keeps = call.flag("keep_dims", false);
    return Values{
        Integers{.shape = keeps ? Shape(given.shape.size(), 1) : Shape{}, .values = {all}}};
  }

  /// x / √(Σ x² + ε), or x / √max(Σ x², ε)
  Result<Values> normalize(const Call& call) {
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    VISAVIS_TRY(given, call.known(1));
    VISAVIS_TRY(axes, axes_of(given, x->shape.size()));
    VISAVIS_TRY(epsilon, call.real("eps"));
    const std::string_view mode = call.text("eps_mode", "");
    if (mode != "add" && mode != "max") return needs("an eps_mode that is add or max");
    const std::string& name = call.layer.name;
    VISAVIS_TRY(sum, square_length(call, *x, axes));
    const std::string bounded = fresh(name + ".bounded");
    node(mode == "add" ? "Add" : "Clip", bounded,
         {sum, single(name + ".epsilon", static_cast<float>(epsilon))});
    const std::string length = fresh(name + ".length");
    node("Sqrt", length, {bounded});
    return made("Div", call, {x->name, length});
  }

  /// (x − mean), divided by √(variance + ε) or by √variance + ε if it says so
  Result<Values> mean_variance(const Call& call) {
    const Computed* x = call.computed(0);
    if (x == nullptr || call.layer.opset == "opset1" || call.layer.opset == "opset2")
      return needs("its form of operation set 6");
    VISAVIS_TRY(given, call.known(1));
    VISAVIS_TRY(axes, axes_of(given, x->shape.size()));
    VISAVIS_TRY(epsilon, call.real("eps"));
    const std::string& name = call.layer.name;
    const std::string mean = mean_of(name + ".mean", x->name, axes);
    if (!call.flag("normalize_variance", true)) return made("Sub", call, {x->name, mean});
    const std::string centred = fresh(name + ".centred");
    node("Sub", centred, {x->name, mean});
    std::string under = mean_of(name + ".variance", squares_of(name + ".squares", centred), axes);
    // The letters are large or small, as the release that wrote it had them.
    const std::string_view mode = call.text("eps_mode", "");
    const bool inside = mode == "inside_sqrt" || mode == "INSIDE_SQRT";
    if (!inside && mode != "outside_sqrt" && mode != "OUTSIDE_SQRT")
      return needs("an eps_mode that is inside_sqrt or outside_sqrt");
    const std::string offset = single(name + ".epsilon", static_cast<float>(epsilon));
    for (const bool adds : {inside, !inside}) {
      const std::string next = fresh(name + ".deviation");
      if (adds)
        node("Add", next, {under, offset});
      else
        node("Sqrt", next, {under});
      under = next;
    }
    return made("Div", call, {centred, under});
  }

  /// Steps of 8 bits, if it is one for the whole tensor; of constants whatever it says.
  Result<Values> fake_quantize(const Call& call) {
    VISAVIS_TRY(levels, call.integer("levels", ""));
    if (levels < 2 || call.inputs.size() != 5) return needs("levels from 2 on, and four limits");
    if (const Numbers* x = std::get_if<Numbers>(&call.inputs[0]))
      return quantized_constant(call, **x, levels);
    const Computed* x = call.computed(0);
    VISAVIS_TRY(low, call.scalar(1));
    VISAVIS_TRY(high, call.scalar(2));
    VISAVIS_TRY(out_low, call.scalar(3));
    VISAVIS_TRY(out_high, call.scalar(4));
    if (x == nullptr || levels != 256 || !(low <= 0 && high >= 0 && high > low))
      return needs("256 levels around 0, the same for the whole tensor");
    const float scale = (high - low) / 255;
    const float zero = std::round(-low / scale);
    if (std::abs(zero + low / scale) > .01F) return needs("0 as one of its levels");
    const std::string& name = call.layer.name;
    const std::string unit = single(name + ".scale", scale);
    const std::string offset =
        initializer(name + ".zero", {}, std::vector{static_cast<std::uint8_t>(zero)});
    const std::string steps = fresh(name + ".steps");
    node("QuantizeLinear", steps, {x->name, unit, offset});
    const bool same = out_low == low && out_high == high;
    const std::string back = same ? name_of(call) : fresh(name + ".back");
    node("DequantizeLinear", back, {steps, unit, offset});
    const float factor = (out_high - out_low) / (high - low);
    if (same)
      return Values{
          Computed{.name = back, .shape = call.declared(), .batched = keeps_samples(call)}};
    const std::string larger = fresh(name + ".larger");
    node("Mul", larger, {back, single(name + ".factor", factor)});
    VISAVIS_TRY(moved,
                made("Add", call, {larger, single(name + ".offset", out_low - low * factor)}));
    Computed out = std::get<Computed>(moved[0]);
    out.whole = std::abs(out_high - out_low - 255) < 1e-3F;
    return Values{std::move(out)};
  }

  Result<Values> quantized_constant(const Call& call, const Constant& x, std::int64_t levels) {
    std::array<Numbers, 4> limits;
    for (std::size_t i = 0; i < 4; ++i) {
      VISAVIS_TRY(limit, call.numbers(i + 1));
      const auto shape = stretched(x.shape, limit->shape);
      if (!shape || *shape != x.shape) return needs("limits that go with its input");
      limits[i] = limit;
    }
    Constant out{.name = call.layer.name, .shape = x.shape, .values = x.values};
    const auto steps = static_cast<float>(levels - 1);
    for (std::size_t i = 0; i < out.values.size(); ++i) {
      const auto limit = [&](std::size_t k) {
        return limits[k]->values[place_in(limits[k]->shape, x.shape, i)];
      };
      float& value = out.values[i];
      if (value <= std::min(limit(0), limit(1)))
        value = limit(2);
      else if (value > std::max(limit(0), limit(1)))
        value = limit(3);
      else
        value = std::nearbyint((value - limit(0)) / (limit(1) - limit(0)) * steps) / steps *
                    (limit(3) - limit(2)) +
                limit(2);
    }
    return folded(std::move(out));
  }

  // Shapes.

  Result<Values> shape_of(const Call& call) {
    if (!call.has(0)) return needs("an input");
    Integers out;
    if (const Computed* x = call.computed(0))
      out.values = x->shape;
    else if (const Numbers* numbers = std::get_if<Numbers>(&call.inputs[0]))
      out.values = (*numbers)->shape;
    else
      out.values = std::get<Integers>(call.inputs[0]).shape;
    for (std::int64_t& n : out.values) n = n < 0 ? kUnknown : n;
    if (const Computed* x = call.computed(0); x != nullptr && x->batched) out.values[0] = kSamples;
    out.shape = {static_cast<std::int64_t>(out.values.size())};
    return Values{std::move(out)};
  }

  /// The sizes a Reshape wants, one of which at most is -1; 0 stands for what `x` has there.
  static Result<Shape> target_of(const Call& call, Shape out, bool zero_copies) {
    if (out.size() > graph::kMaxRank) return needs("a shape of at most 8 dimensions");
    const Computed* x = call.computed(0);
    for (const std::int64_t n : out)
      if (n == 0 && !zero_copies) return needs("a shape without a size of 0");
    if (!out.empty() && out[0] == kSamples && x != nullptr && x->batched) out[0] = 0;
    const auto is_free = [](std::int64_t n) { return n == -1 || is_open(n); };
    // What cannot be computed beforehand the file may state.
    if (std::ranges::count_if(out, is_free) > 1 && call.declared().size() == out.size())
      for (std::size_t i = 0; i < out.size(); ++i)
        if (is_free(out[i])) out[i] = call.declared()[i];
    if (std::ranges::count_if(out, is_free) > 1) return needs("a shape with one open dimension");
    for (std::int64_t& n : out) {
      if (is_open(n)) n = -1;
      if (n < -1 || n > graph::kMaxElements) return needs("a shape within bounds");
    }
    return out;
  }

  Result<Values> reshape(const Call& call) {
    VISAVIS_TRY(wanted, call.integers(1));
    const bool zero_copies = call.flag("special_zero", false);
    if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
      if (wanted.values.size() > 1) return needs("a list of whole numbers");
      Integers out = *list;
      out.shape =
          wanted.values.empty() ? Shape{} : Shape{static_cast<std::int64_t>(out.values.size())};
      return Values{std::move(out)};
    }
    VISAVIS_TRY(target, target_of(call, wanted.values, zero_copies));
    if (const Numbers* numbers = std::get_if<Numbers>(&call.inputs[0]))
      return reshaped(**numbers, std::move(target));
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input");
    const bool kept = x->batched && !target.empty() && target[0] == 0;
    return with_samples(
        made("Reshape", call, {x->name, integers(call.layer.name + ".shape", std::move(target))}),
        kept);
  }

  Result<Values> reshaped(const Constant& given, Shape target) {
    std::int64_t others = 1;
    for (std::size_t i = 0; i < target.size(); ++i) {
      if (target[i] == 0 && i < given.shape.size()) target[i] = given.shape[i];
      if (target[i] >= 0) others = std::min(others * target[i], graph::kMaxElements + 1);
    }
    const auto count = static_cast<std::int64_t>(given.values.size());
    for (std::int64_t& n : target)
      if (n < 0) n = others > 0 ? count / others : 0;
    const auto now = graph::element_count(target);
    if (!now || static_cast<std::int64_t>(*now) != count)
      return fail(ErrorCode::kModelMismatch, "a constant of the OpenVINO IR is given another size");
    Constant out = given;
    out.shape = std::move(target);
    return folded(std::move(out));
  }

  Result<Values> squeeze(const Call& call) { return other_rank(call, "Squeeze"); }
  Result<Values> unsqueeze(const Call& call) { return other_rank(call, "Unsqueeze"); }

  Result<Values> other_rank(const Call& call, std::string_view op) {
    if (!call.has(0)) return needs("an input");
    const bool adds = op == "Unsqueeze";
    if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
      if (list->values.size() != 1 && (adds || list->shape.size() != 1))
        return needs("a single whole number");
      Integers out = *list;
      if (adds)
        out.shape.insert(out.shape.begin(), 1);
      else if (out.values.size() == 1)
        out.shape = {};
      return Values{std::move(out)};
    }
    Shape axes;
    if (call.has(1)) {
      VISAVIS_TRY(given, call.known(1));
      VISAVIS_TRY(known, axes_of(given, rank_of(call.inputs[0]) + (adds ? given.size() : 0)));
      axes = std::move(known);
    } else if (adds) {
      return needs("axes");
    }
    if (const Numbers* numbers = std::get_if<Numbers>(&call.inputs[0])) {
      Shape shape = (*numbers)->shape;
      if (adds)
        for (const std::int64_t axis : axes) shape.insert(shape.begin() + axis, 1);
      else
        for (std::size_t i = shape.size(); i-- > 0;)
          if (shape[i] == 1 &&
              (axes.empty() || std::ranges::find(axes, static_cast<std::int64_t>(i)) != axes.end()))
            shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(i));
      return reshaped(**numbers, std::move(shape));
    }
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input");
    std::vector<std::string> inputs = {x->name};
    const bool kept = x->batched && !axes.empty() && axes[0] > 0;
    if (call.has(1)) inputs.push_back(integers(call.layer.name + ".axes", std::move(axes)));
    return with_samples(made(op, call, std::move(inputs)), kept);
  }

  Result<Values> transpose(const Call& call) {
    if (!call.has(0)) return needs("an input");
    VISAVIS_TRY(order, call.known(1));
    const std::size_t rank = rank_of(call.inputs[0]);
    if (order.empty())
      for (std::size_t i = rank; i-- > 0;) order.push_back(static_cast<std::int64_t>(i));
    VISAVIS_TRY(axes, axes_of(order, rank));
    if (axes.size() != rank || std::ranges::any_of(order, [](auto n) { return n < 0; }))
      return needs("an order of all axes");
    if (const Numbers* numbers = std::get_if<Numbers>(&call.inputs[0])) {
      VISAVIS_TRY(turned, permuted(**numbers, {order.begin(), order.end()}));
      return folded(std::move(turned));
    }
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input");
    const bool kept = x->batched && order[0] == 0;
    return with_samples(made("Transpose", call, {x->name}, {{"perm", std::move(order)}}), kept);
  }

  Result<Values> concat(const Call& call) {
    if (call.inputs.empty()) return needs("parts");
    if (call.is_of_integers()) {
      Integers out;
      for (const Value& part : call.inputs) {
        const Integers& list = std::get<Integers>(part);
        if (list.shape.size() != 1 || out.values.size() + list.values.size() > kMostIntegers)
          return needs("lists of whole numbers");
        out.values.insert(out.values.end(), list.values.begin(), list.values.end());
      }
      out.shape = {static_cast<std::int64_t>(out.values.size())};
      return Values{std::move(out)};
    }
    VISAVIS_TRY(given, call.integer("axis", ""));
    VISAVIS_TRY(axis, axis_of(given, rank_of(call.inputs[0])));
    std::vector<std::string> inputs;
    for (const Value& part : call.inputs) {
      VISAVIS_TRY(name, operand(part));
      inputs.push_back(std::move(name));
    }
    const bool kept = axis > 0 && std::ranges::all_of(call.inputs, [](const Value& part) {
                        const Computed* computed = std::get_if<Computed>(&part);
                        return computed != nullptr && computed->batched;
                      });
    return with_samples(
        made("Concat", call, std::move(inputs), {{"axis", static_cast<std::int64_t>(axis)}}), kept);
  }

  Result<Values> split(const Call& call) {
    VISAVIS_TRY(given, call.one(1));
    if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
      VISAVIS_TRY(sizes, sizes_of_parts(call, static_cast<std::int64_t>(list->values.size())));
      if (list->shape.size() != 1) return needs("a list of whole numbers");
      Values out;
      auto from = list->values.begin();
      for (const std::int64_t n : sizes) {
        out.emplace_back(Integers{.shape = {n}, .values = {from, from + n}});
        from += n;
      }
      return out;
    }
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    VISAVIS_TRY(axis, axis_of(given, x->shape.size()));
    VISAVIS_TRY(sizes, sizes_of_parts(call, x->shape[axis]));
    graph::Node node{.op = "Split",
                     .name = {},
                     .inputs = {x->name, integers(call.layer.name + ".sizes", sizes)},
                     .outputs = {},
                     .attributes = {{"axis", static_cast<std::int64_t>(axis)}}};
    Values out;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      node.outputs.push_back(name_of(call, i));
      out.emplace_back(Computed{.name = node.outputs.back(),
                                .shape = call.declared(i),
                                .batched = x->batched && axis > 0});
    }
    node.name = node.outputs.front();
    graph_.nodes.push_back(std::move(node));
    return out;
  }

  /// All of them known, and `all` together.
  static Result<Shape> sizes_of_parts(const Call& call, std::int64_t all) {
    if (all < 0) return needs("an axis of known size");
    if (call.layer.type == "Split") {
      VISAVIS_TRY(count, call.integer("num_splits", ""));
      if (count < 1 || count > static_cast<std::int64_t>(kMostIntegers) || all % count != 0)
        return needs("parts of one size");
      return Shape(static_cast<std::size_t>(count), all / count);
    }
    VISAVIS_TRY(sizes, call.known(2));
    std::int64_t left = all;
    for (const std::int64_t n : sizes) {
      if (n < -1 || n > all) return needs("parts that its input has");
      left -= std::max<std::int64_t>(n, 0);
    }
    if (const auto open = std::ranges::find(sizes, -1); open != sizes.end()) {
      *open = left;
      left = 0;
    }
    if (left != 0 || sizes.empty() || std::ranges::any_of(sizes, [](auto n) { return n < 0; }))
      return needs("parts that its input has");
    return sizes;
  }

  /// Where a part of a list of whole numbers begins and ends.
  static Result<Values> part_of(const Integers& list, std::int64_t begin, std::int64_t end,
                                std::int64_t step) {
    const auto count = static_cast<std::int64_t>(list.values.size());
    if (list.shape.size() != 1 || step != 1) return needs("steps of 1 in a list of whole numbers");
    const auto place = [&](std::int64_t at) {
      return std::clamp<std::int64_t>(at < 0 ? at + count : at, 0, count);
    };
    const std::int64_t first = place(begin);
    const std::int64_t last = std::max(place(end), first);
    return Values{Integers{.shape = {last - first},
                           .values = {list.values.begin() + first, list.values.begin() + last}}};
  }

  Result<Values> slice(const Call& call) {
    VISAVIS_TRY(begin, call.known(1));
    VISAVIS_TRY(end, call.known(2));
    VISAVIS_TRY(step, call.known(3));
    Shape axes(begin.size());
    std::iota(axes.begin(), axes.end(), 0);
    if (call.has(4)) {
      VISAVIS_TRY(given, call.known(4));
      axes = std::move(given);
    }
    if (end.size() != begin.size() || step.size() != begin.size() || axes.size() != begin.size())
      return needs("as many beginnings as ends, steps and axes");
    if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
      if (begin.size() != 1) return needs("a list of whole numbers");
      return part_of(*list, begin[0], end[0], step[0]);
    }
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    const std::string& name = call.layer.name;
    return made("Slice", call,
                {x->name, integers(name + ".begin", std::move(begin)),
                 integers(name + ".end", std::move(end)), integers(name + ".axes", std::move(axes)),
                 integers(name + ".steps", std::move(step))});
  }

  Result<Values> strided_slice(const Call& call) {
    VISAVIS_TRY(begin, call.known(1));
    VISAVIS_TRY(end, call.known(2));
    Shape steps(begin.size(), 1);
    if (call.has(3)) {
      VISAVIS_TRY(given, call.known(3));
      steps = std::move(given);
    }
    VISAVIS_TRY(from_start, call.list("begin_mask"));
    VISAVIS_TRY(to_end, call.list("end_mask"));
    VISAVIS_TRY(shrinks, call.list("shrink_axis_mask"));
    VISAVIS_TRY(adds, call.list("new_axis_mask"));
    VISAVIS_TRY(dots, call.list("ellipsis_mask"));
    const auto is_set = [](const Shape& mask, std::size_t i) {
      return i < mask.size() && mask[i] != 0;
    };
    if (std::ranges::any_of(adds, std::identity()) || std::ranges::any_of(dots, std::identity()) ||
        end.size() != begin.size() || steps.size() != begin.size())
      return needs("as many beginnings as ends, for axes that are there");
    constexpr std::int64_t kAll = kMostNumber;
    for (std::size_t i = 0; i < begin.size(); ++i) {
      if (is_set(shrinks, i)) {
        end[i] = begin[i] == -1 ? kAll : begin[i] + 1;
        continue;
      }
      if (is_set(from_start, i)) begin[i] = steps[i] < 0 ? kAll : 0;
      if (is_set(to_end, i)) end[i] = steps[i] < 0 ? -kAll : kAll;
    }
    if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
      if (begin.size() != 1) return needs("a list of whole numbers");
      VISAVIS_TRY(part, part_of(*list, begin[0], end[0], steps[0]));
      Integers& out = std::get<Integers>(part[0]);
      if (is_set(shrinks, 0) && out.values.size() != 1)
        return needs("a whole number that is there");
      if (is_set(shrinks, 0)) out.shape = {};
      return part;
    }
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    if (std::ranges::any_of(shrinks, std::identity())) return needs("axes that it keeps");
    Shape axes(begin.size());
    std::iota(axes.begin(), axes.end(), 0);
    const std::string& name = call.layer.name;
    return made("Slice", call,
                {x->name, integers(name + ".begin", std::move(begin)),
                 integers(name + ".end", std::move(end)), integers(name + ".axes", std::move(axes)),
                 integers(name + ".steps", std::move(steps))});
  }

  Result<Values> gather(const Call& call) {
    if (call.inputs.size() != 3) return needs("three inputs");
    VISAVIS_TRY(places, call.integers(1));
    VISAVIS_TRY(axis, call.one(2));
    VISAVIS_TRY(batched, call.integer("batch_dims", "0"));
    if (batched != 0) return needs("batch_dims of 0");
    if (const Integers* list = std::get_if<Integers>(&call.inputs[0])) {
      const auto count = static_cast<std::int64_t>(list->values.size());
      if (list->shape.size() != 1 || places.values.size() > kMostIntegers)
        return needs("a list of whole numbers");
      Integers out{.shape = places.shape, .values = {}};
      for (const std::int64_t at : places.values) {
        const std::int64_t place = at < 0 ? at + count : at;
        if (is_open(at) || place < 0 || place >= count)
          return needs("a whole number that is there");
        out.values.push_back(list->values[static_cast<std::size_t>(place)]);
      }
      return Values{std::move(out)};
    }
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    VISAVIS_TRY(along, axis_of(axis, x->shape.size()));
    if (std::ranges::any_of(places.values, is_open)) return needs("places that are known");
    const std::string at =
        initializer(call.layer.name + ".places", places.shape, std::move(places.values));
    return made("Gather", call, {x->name, at}, {{"axis", static_cast<std::int64_t>(along)}});
  }

  /// Of a single whole number, as often as it takes.
  Result<Values> broadcast(const Call& call) {
    VISAVIS_TRY(given, call.integers(0));
    VISAVIS_TRY(target, call.known(1));
    const auto count = graph::element_count(target);
    if (given.values.size() != 1 || !count || *count > kMostIntegers)
      return needs("a single whole number, and a shape that is known");
    return Values{Integers{.shape = std::move(target),
                           .values = std::vector<std::int64_t>(*count, given.values[0])}};
  }

  Result<Values> range(const Call& call) {
    VISAVIS_TRY(start, call.one(0));
    VISAVIS_TRY(limit, call.one(1));
    VISAVIS_TRY(step, call.one(2));
    if (step == 0 || std::max({std::abs(start), std::abs(limit), std::abs(step)}) > kMostNumber)
      return needs("a step that is not 0, and numbers below 2^31");
    Integers out;
    for (std::int64_t n = start; step > 0 ? n < limit : n > limit; n += step) {
      if (out.values.size() >= kMostIntegers) return needs("fewer whole numbers");
      out.values.push_back(n);
    }
    out.shape = {static_cast<std::int64_t>(out.values.size())};
    return Values{std::move(out)};
  }

  Result<Values> pad(const Call& call) {
    const Computed* x = call.computed(0);
    if (x == nullptr) return needs("an input that is computed");
    VISAVIS_TRY(begin, call.known(1));
    VISAVIS_TRY(end, call.known(2));
    const std::string mode(call.text("pad_mode", ""));
    if (mode != "constant" && mode != "edge" && mode != "reflect")
      return needs("a mode that is constant, edge or reflect");
    if (begin.size() != x->shape.size() || end.size() != begin.size())
      return needs("pads for every axis");
    begin.insert(begin.end(), end.begin(), end.end());
    const std::string& name = call.layer.name;
    std::vector<std::string> inputs = {x->name, integers(name + ".pads", std::move(begin))};
    if (mode == "constant" && call.has(3)) {
      VISAVIS_TRY(value, call.scalar(3));
      inputs.push_back(single(name + ".value", value));
    }
    return made("Pad", call, std::move(inputs), {{"mode", mode}});
  }

  const IrNetwork& network_;
  graph::Graph graph_;
  std::vector<Values> values_;
  FreshNames names_;
  std::map<std::pair<std::size_t, std::size_t>, std::string> claimed_;  ///< Names that are known.
  std::map<const Constant*, std::string> written_;
  std::vector<Numbers> kept_;  ///< So that no other constant gets a written one's address.
  Refusals refusals_;
  std::set<std::pair<std::size_t, std::size_t>> used_;  ///< Layers and which of their outputs.
  std::size_t read_ = 0;                                ///< Bytes that constants take here.
  std::size_t folded_ = 0;
};

const Converter::Rule* Converter::rule_of(std::string_view type) {
  static constexpr auto kRules =
      std::to_array<Rule>({{"Abs", &Converter::unary},
                           {"Add", &Converter::binary},
                           {"AvgPool", &Converter::pool},
                           {"BatchNormInference", &Converter::batch_norm},
                           {"Broadcast", &Converter::broadcast},
                           {"Clamp", &Converter::clamp},
                           {"Concat", &Converter::concat},
                           {"Const", &Converter::constant},
                           {"Convert", &Converter::convert_type},
                           {"Convolution", &Converter::convolution},
                           {"Divide", &Converter::binary},
                           {"Elu", &Converter::elu},
                           {"Exp", &Converter::unary},
                           {"FakeQuantize", &Converter::fake_quantize},
                           {"Gather", &Converter::gather},
                           {"GroupConvolution", &Converter::group_convolution},
                           {"HSigmoid", &Converter::hard_sigmoid},
                           {"HSwish", &Converter::unary},
                           {"HardSigmoid", &Converter::hard_sigmoid},
                           {"Log", &Converter::unary},
                           {"MVN", &Converter::mean_variance},
                           {"MatMul", &Converter::mat_mul},
                           {"MaxPool", &Converter::pool},
                           {"Maximum", &Converter::binary},
                           {"Minimum", &Converter::binary},
                           {"Multiply", &Converter::binary},
                           {"Negative", &Converter::unary},
                           {"NormalizeL2", &Converter::normalize},
                           {"PReLU", &Converter::prelu},
                           {"Pad", &Converter::pad},
                           {"Parameter", &Converter::parameter},
                           {"Power", &Converter::binary},
                           {"Range", &Converter::range},
                           {"ReLU", &Converter::unary},
                           {"ReduceL2", &Converter::reduce},
                           {"ReduceMax", &Converter::reduce},
                           {"ReduceMean", &Converter::reduce},
                           {"ReduceProd", &Converter::reduce},
                           {"ReduceSum", &Converter::reduce},
                           {"Reshape", &Converter::reshape},
                           {"Result", &Converter::result},
                           {"ShapeOf", &Converter::shape_of},
                           {"Sigmoid", &Converter::unary},
                           {"Slice", &Converter::slice},
                           {"SoftMax", &Converter::softmax},
                           {"Softmax", &Converter::softmax},
                           {"Split", &Converter::split},
                           {"Sqrt", &Converter::unary},
                           {"SquaredDifference", &Converter::squared_difference},
                           {"Squeeze", &Converter::squeeze},
                           {"StridedSlice", &Converter::strided_slice},
                           {"Subtract", &Converter::binary},
                           {"Swish", &Converter::swish},
                           {"Tanh", &Converter::unary},
                           {"Transpose", &Converter::transpose},
                           {"Unsqueeze", &Converter::unsqueeze},
                           {"VariadicSplit", &Converter::split}});
  const auto* found = std::ranges::find(kRules, type, &Rule::type);
  return found == kRules.end() ? nullptr : found;
}

}  // namespace

TensorFacts ir_facts(const IrLayer& layer, const IrPort& port) {
  std::string type(layer.text("element_type", "f32"));
  if (type.starts_with('f')) type = "float" + type.substr(1);
  return {.name = port.name.empty() ? layer.name : port.name, .type = type, .shape = port.shape};
}

Result<std::vector<std::byte>> openvino_to_onnx(const IrNetwork& network) {
  return Converter(network).run();
}

}  // namespace visavis::modelkit
