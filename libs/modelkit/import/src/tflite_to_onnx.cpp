#include "tflite_to_onnx.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "tflite.hpp"

namespace visavis::modelkit {
namespace {

std::unexpected<Error> unsupported(const std::string& what) {
  return fail(ErrorCode::kUnsupported, "the TensorFlow Lite importer does not know " + what);
}

/// TensorFlow of that time wrote PReLU as relu(x) + a · (x − |x|), which for x < 0 is 2a · x.
struct Prelu {
  std::size_t x;
  std::size_t factor;                 ///< The tensor a.
  std::array<std::size_t, 4> inside;  ///< The operators that it replaces, apart from the sum.
};

/// Where tensors come from and go to.
class Wiring {
 public:
  explicit Wiring(const LiteModel& model)
      : model_(model), source_(model.tensors.size()), uses_(model.tensors.size(), 0) {
    for (std::size_t i = 0; i < model.operators.size(); ++i) {
      for (const std::size_t t : model.operators[i].outputs) source_[t] = i;
      for (const std::size_t t : model.operators[i].inputs) ++uses_[t];
    }
    for (const std::size_t t : model.outputs) ++uses_[t];
  }

  /// The operator of that kind that makes `tensor` for one use only.
  [[nodiscard]] std::optional<std::size_t> only_source(std::size_t tensor,
                                                       std::string_view name) const {
    const std::optional<std::size_t> op = source_[tensor];
    const bool fits = op && uses_[tensor] == 1 && model_.operators[*op].name == name &&
                      model_.operators[*op].activation == LiteActivation::kNone;
    return fits ? op : std::nullopt;
  }

 private:
  const LiteModel& model_;
  std::vector<std::optional<std::size_t>> source_;
  std::vector<int> uses_;
};

bool has_inputs(const LiteOperator& op, std::size_t count) {
  return op.inputs.size() == count && op.outputs.size() == 1;
}

/// Recognises the sum of relu(x) and a · (x − |x|), in this order of the two.
std::optional<Prelu> match_prelu(const LiteModel& model, const Wiring& wiring, std::size_t positive,
                                 std::size_t negative) {
  const auto relu = wiring.only_source(positive, "RELU");
  const auto mul = wiring.only_source(negative, "MUL");
  if (!relu || !mul || !has_inputs(model.operators[*relu], 1) ||
      !has_inputs(model.operators[*mul], 2))
    return std::nullopt;
  const std::size_t x = model.operators[*relu].inputs[0];
  std::size_t factor = model.operators[*mul].inputs[0];
  std::size_t difference = model.operators[*mul].inputs[1];
  if (!model.tensors[factor].is_constant()) std::swap(factor, difference);
  const auto sub = wiring.only_source(difference, "SUB");
  if (!model.tensors[factor].is_constant() || !sub || !has_inputs(model.operators[*sub], 2))
    return std::nullopt;
  const auto abs = wiring.only_source(model.operators[*sub].inputs[1], "ABS");
  const bool same = model.operators[*sub].inputs[0] == x && abs &&
                    has_inputs(model.operators[*abs], 1) && model.operators[*abs].inputs[0] == x;
  if (!same) return std::nullopt;
  return Prelu{.x = x, .factor = factor, .inside = {*relu, *mul, *sub, *abs}};
}

Result<std::vector<float>> floats(const LiteTensor& tensor) {
  if (!tensor.is_constant() || tensor.type != "float32")
    return unsupported("weights that are computed or not float32");
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

struct Padding {
  std::int64_t before = 0;
  std::int64_t after = 0;
};

/// TensorFlow's SAME: ceil(size / stride) outputs, the odd pixel of padding behind.
Padding same_padding(std::int64_t size, std::int64_t kernel, std::int64_t stride,
                     std::int64_t dilation) {
  const std::int64_t outputs = (size + stride - 1) / stride;
  const std::int64_t reach = (kernel - 1) * dilation + 1;
  const std::int64_t total = std::max<std::int64_t>((outputs - 1) * stride + reach - size, 0);
  return {.before = total / 2, .after = total - total / 2};
}

/// Moves axis 3 of [a, b, c, d] to the front part: the kernel [out, h, w, in] becomes
/// [out, in, h, w], the depthwise kernel [1, h, w, out] becomes [out, 1, h, w].
std::vector<float> channels_first(const std::vector<float>& values, const Shape& shape,
                                  bool depthwise) {
  const auto a = static_cast<std::size_t>(shape[0]);
  const auto area = static_cast<std::size_t>(shape[1] * shape[2]);
  const auto d = static_cast<std::size_t>(shape[3]);
  std::vector<float> out(values.size());
  for (std::size_t i = 0; i < a; ++i)
    for (std::size_t p = 0; p < area; ++p)
      for (std::size_t k = 0; k < d; ++k)
        out[depthwise ? (k * a + i) * area + p : (i * d + k) * area + p] =
            values[(i * area + p) * d + k];
  return out;
}

class Converter {
 public:
  explicit Converter(const LiteModel& model)
      : model_(model), wiring_(model), names_(model.tensors.size()) {}

  Result<std::vector<std::byte>> run() {
    find_prelus();
    VISAVIS_CHECK(inputs());
    for (std::size_t i = 0; i < model_.operators.size(); ++i) {
      if (absorbed_.contains(i)) continue;
      VISAVIS_CHECK(convert(i));
    }
    VISAVIS_CHECK(outputs());
    return builder_.finish();
  }

 private:
  void find_prelus() {
    prelus_.resize(model_.operators.size());
    for (std::size_t i = 0; i < model_.operators.size(); ++i) {
      const LiteOperator& op = model_.operators[i];
      if (op.name != "ADD" || !has_inputs(op, 2)) continue;
      std::optional<Prelu> found = match_prelu(model_, wiring_, op.inputs[0], op.inputs[1]);
      if (!found) found = match_prelu(model_, wiring_, op.inputs[1], op.inputs[0]);
      if (!found) continue;
      absorbed_.insert(found->inside.begin(), found->inside.end());
      prelus_[i] = found;
    }
  }

  Result<void> inputs() {
    if (model_.inputs.size() != 1) return unsupported("a network of several inputs");
    const LiteTensor& input = model_.tensors[model_.inputs[0]];
    if (input.shape.size() != 4 || input.type != "float32")
      return unsupported("an input that is no float32 picture");
    names_[model_.inputs[0]] =
        builder_.input("input", {-1, input.shape[3], input.shape[1], input.shape[2]});
    return {};
  }

  Result<void> outputs() {
    for (const std::size_t t : model_.outputs) {
      if (names_[t].empty()) return unsupported("an output that nothing computes");
      Shape shape = model_.tensors[t].shape;
      if (shape.size() == 4) shape = {shape[0], shape[3], shape[1], shape[2]};
      if (shape.empty()) return unsupported("an output without dimensions");
      shape[0] = -1;
      builder_.output(names_[t], shape);
    }
    return {};
  }

  Result<void> convert(std::size_t index) {
    const LiteOperator& op = model_.operators[index];
    if (op.outputs.size() != 1) return unsupported(op.name + " with several outputs");
    if (const std::optional<Prelu>& found = prelus_[index]) return prelu(*found, op);
    if (op.name == "CONV_2D" || op.name == "DEPTHWISE_CONV_2D") return convolution(op);
    if (op.name == "ADD" && op.inputs.size() == 2) return add(op);
    if (op.name == "RELU" && op.inputs.size() == 1) return relu(op);
    if (op.name == "RESHAPE" && !op.inputs.empty()) return reshape(op);
    return unsupported("the operator " + op.name);
  }

  /// A name of our own: those in the file are long paths, and may be there twice.
  std::string fresh(const std::string& stem) { return stem + std::to_string(++count_); }

  Result<std::string> value(std::size_t tensor) {
    if (names_[tensor].empty()) return unsupported("a layer whose input is a constant");
    return names_[tensor];
  }

  /// Keeps the layer's result under its tensor, with the activation that is fused into it.
  Result<void> keep(const LiteOperator& op, std::string name) {
    if (op.activation == LiteActivation::kOther) return unsupported("the activation of " + op.name);
    if (op.activation == LiteActivation::kRelu) name = builder_.relu(name + ".relu", name);
    names_[op.outputs[0]] = std::move(name);
    return {};
  }

  Result<void> convolution(const LiteOperator& op) {
    if (!op.convolution || op.inputs.size() != 3)
      return unsupported("a convolution without options or bias");
    VISAVIS_TRY(x, value(op.inputs[0]));
    const LiteTensor& picture = model_.tensors[op.inputs[0]];
    const LiteTensor& kernel = model_.tensors[op.inputs[1]];
    VISAVIS_TRY(values, floats(kernel));
    VISAVIS_TRY(bias, floats(model_.tensors[op.inputs[2]]));
    const bool depthwise = op.name == "DEPTHWISE_CONV_2D";
    if (picture.shape.size() != 4 || kernel.shape.size() != 4)
      return unsupported("a convolution of other than four dimensions");
    const std::int64_t out = depthwise ? kernel.shape[3] : kernel.shape[0];
    const std::int64_t in = depthwise ? kernel.shape[0] : kernel.shape[3];
    const std::int64_t channels = picture.shape[3];
    if (std::ssize(bias) != out || out < 1 || channels < 1 ||
        (depthwise ? in != 1 || out != channels : in != channels))
      return unsupported("a convolution whose shapes do not fit");
    VISAVIS_TRY(shape, convolution_shape(*op.convolution, picture.shape, kernel.shape));
    if (depthwise) shape.groups = channels;
    const std::string name = fresh("conv");
    return keep(op,
                builder_.convolution(
                    name, x,
                    {.name = name + ".weight",
                     .shape = {out, in, kernel.shape[1], kernel.shape[2]},
                     .values = channels_first(values, kernel.shape, depthwise)},
                    {.name = name + ".bias", .shape = {out}, .values = std::move(bias)}, shape));
  }

  static Result<ConvolutionShape> convolution_shape(const LiteConvolution& options,
                                                    const Shape& picture, const Shape& kernel) {
    constexpr std::int64_t kMost = 4096;
    for (const std::int64_t n : {options.stride_h, options.stride_w, options.dilation_h,
                                 options.dilation_w, picture[1], picture[2], kernel[1], kernel[2]})
      if (n < 1 || n > kMost) return unsupported("a convolution of that size");
    ConvolutionShape shape{.stride_h = options.stride_h,
                           .stride_w = options.stride_w,
                           .dilation_h = options.dilation_h,
                           .dilation_w = options.dilation_w};
    if (!options.same_padding) return shape;
    const Padding rows = same_padding(picture[1], kernel[1], options.stride_h, options.dilation_h);
    const Padding columns =
        same_padding(picture[2], kernel[2], options.stride_w, options.dilation_w);
    shape.pad_top = rows.before;
    shape.pad_bottom = rows.after;
    shape.pad_left = columns.before;
    shape.pad_right = columns.after;
    return shape;
  }

  Result<void> prelu(const Prelu& found, const LiteOperator& op) {
    VISAVIS_TRY(x, value(found.x));
    VISAVIS_TRY(slopes, floats(model_.tensors[found.factor]));
    const Shape& shape = model_.tensors[found.x].shape;
    if (shape.size() != 4 || std::ssize(slopes) != shape[3])
      return unsupported("a PReLU that has not one slope per channel");
    for (float& slope : slopes) slope *= 2;
    const std::string name = fresh("prelu");
    return keep(op, builder_.prelu(name, x,
                                   {.name = name + ".weight",
                                    .shape = {shape[3], 1, 1},
                                    .values = std::move(slopes)}));
  }

  Result<void> add(const LiteOperator& op) {
    VISAVIS_TRY(a, value(op.inputs[0]));
    VISAVIS_TRY(b, value(op.inputs[1]));
    if (model_.tensors[op.inputs[0]].shape != model_.tensors[op.inputs[1]].shape)
      return unsupported("a sum of different shapes");
    return keep(op, builder_.add(fresh("add"), a, b));
  }

  Result<void> relu(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    return keep(op, builder_.relu(fresh("relu"), x));
  }

  /// Only from a picture to a row per picture, in the order height, width, channel.
  Result<void> reshape(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    const Shape& from = model_.tensors[op.inputs[0]].shape;
    const Shape& to = model_.tensors[op.outputs[0]].shape;
    if (from.size() != 4 || to.size() != 2 || from[0] != to[0] ||
        to[1] != from[1] * from[2] * from[3])
      return unsupported("a reshape other than from pictures to rows");
    if (from[1] * from[2] != 1) x = builder_.transpose(fresh("rows"), x, {0, 2, 3, 1});
    const bool is_answer = model_.outputs == std::vector{op.outputs[0]};
    return keep(op, builder_.flatten(is_answer ? "embedding" : fresh("flat"), x));
  }

  const LiteModel& model_;
  Wiring wiring_;
  Builder builder_{"tflite"};
  std::vector<std::string> names_;  ///< Of the ONNX value that holds a tensor.
  std::vector<std::optional<Prelu>> prelus_;
  std::set<std::size_t> absorbed_;
  int count_ = 0;
};

}  // namespace

Result<std::vector<std::byte>> tflite_to_onnx(const LiteModel& model) {
  return Converter(model).run();
}

}  // namespace visavis::modelkit
