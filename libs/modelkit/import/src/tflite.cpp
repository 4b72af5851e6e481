#include "tflite.hpp"

#include <flatbuffers/base.h>
#include <flatbuffers/string.h>
#include <flatbuffers/vector.h>
#include <flatbuffers/verifier.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "tflite_generated.h"

namespace visavis::modelkit {
namespace {

namespace tflite = ::visavis::tflite::schema;

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::kDecodeFailed,
              "the TensorFlow Lite file is damaged: " + std::string(what));
}

// Several places of a file may point to the same bytes, so what is copied has limits of its own.
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxParts = 65536;  ///< Tensors, operators.
constexpr std::size_t kMaxIndices = 64;   ///< Inputs or outputs of one operator.

std::string text_of(const flatbuffers::String* text) {
  return text == nullptr ? "" : std::string(text->string_view().substr(0, kMaxName));
}

template <class T>
std::size_t size_of(const flatbuffers::Vector<T>* list) {
  return list == nullptr ? 0 : list->size();
}

std::string type_name(tflite::TensorType type) {
  std::string name = tflite::EnumNameTensorType(type);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name.empty() ? "type " + std::to_string(static_cast<int>(type)) : name;
}

Result<std::vector<std::size_t>> indices(const flatbuffers::Vector<std::int32_t>* list,
                                         std::size_t limit) {
  std::vector<std::size_t> out;
  if (size_of(list) > kMaxIndices) return damaged("an operator has too many inputs or outputs");
  for (std::size_t i = 0; i < size_of(list); ++i) {
    const std::int32_t index = list->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (index == -1) continue;  // an optional input that is not given
    if (index < 0 || static_cast<std::size_t>(index) >= limit)
      return damaged("an index is out of range");
    out.push_back(static_cast<std::size_t>(index));
  }
  return out;
}

/// One scale for all, or one for each place along an axis; looked at before it is copied.
Result<LiteSteps> steps_from(const tflite::QuantizationParameters* given,
                             const std::vector<std::int64_t>& shape) {
  LiteSteps out;
  const std::size_t count = given == nullptr ? 0 : size_of(given->scale());
  if (count == 0) return out;
  const std::int64_t axis = given->quantized_dimension();
  if (count > 1 && (axis < 0 || static_cast<std::size_t>(axis) >= shape.size()))
    return damaged("scales lie along an axis that is not there");
  if (count > 1 && std::cmp_not_equal(count, shape[static_cast<std::size_t>(axis)]))
    return damaged("a tensor has another number of scales than places for them");
  const std::size_t zeros = size_of(given->zero_point());
  if (zeros > 1 && zeros != count) return damaged("it has zero points without scales");
  out.scales.assign(given->scale()->begin(), given->scale()->end());
  if (zeros > 0) out.zeros.assign(given->zero_point()->begin(), given->zero_point()->end());
  out.zeros.resize(count, zeros == 1 ? out.zeros[0] : 0);
  out.axis = static_cast<std::size_t>(std::max<std::int64_t>(axis, 0));
  return out;
}

std::size_t bytes_of_one(tflite::TensorType type) {
  switch (type) {
    case tflite::TensorType::FLOAT32:
    case tflite::TensorType::INT32:
      return 4;
    case tflite::TensorType::INT64:
      return 8;
    case tflite::TensorType::FLOAT16:
      return 2;
    case tflite::TensorType::INT8:
    case tflite::TensorType::UINT8:
      return 1;
    default:
      return 0;
  }
}

Result<LiteTensor> tensor_from(const tflite::Tensor& tensor, const tflite::Model& model) {
  constexpr std::int64_t kMaxExtent = std::numeric_limits<std::int32_t>::max();
  LiteTensor out{.name = text_of(tensor.name()),
                 .type = type_name(tensor.type()),
                 .shape = {},
                 .bytes = {},
                 .steps = {}};
  std::int64_t count = 1;
  if (size_of(tensor.shape()) > 8) return damaged("a tensor has too many dimensions");
  for (std::size_t i = 0; i < size_of(tensor.shape()); ++i) {
    const std::int64_t n = tensor.shape()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (n < 0 || (n > 0 && count > kMaxExtent / n))
      return damaged("a tensor's shape is impossible");
    count *= n;
    out.shape.push_back(n);
  }
  VISAVIS_TRY(steps, steps_from(tensor.quantization(), out.shape));
  out.steps = std::move(steps);
  if (tensor.buffer() >= size_of(model.buffers())) return damaged("a buffer is missing");
  const auto* data = model.buffers()->Get(tensor.buffer())->data();
  if (size_of(data) == 0) {
    if (size_of(tensor.shape_signature()) == out.shape.size())
      for (std::size_t i = 0; i < out.shape.size(); ++i)
        if (tensor.shape_signature()->Get(static_cast<flatbuffers::uoffset_t>(i)) < 0)
          out.shape[i] = -1;
    return out;
  }
  out.bytes = std::as_bytes(std::span(data->data(), data->size()));
  const std::size_t each = bytes_of_one(tensor.type());
  if (each != 0 && out.bytes.size() != each * static_cast<std::size_t>(count))
    return damaged("a constant's size and shape differ");
  return out;
}

LiteActivation activation_from(tflite::Activation activation) {
  switch (activation) {
    case tflite::Activation::NONE:
      return LiteActivation::kNone;
    case tflite::Activation::RELU:
      return LiteActivation::kRelu;
    case tflite::Activation::RELU_N1_TO_1:
      return LiteActivation::kReluN1To1;
    case tflite::Activation::RELU6:
      return LiteActivation::kRelu6;
    case tflite::Activation::TANH:
      return LiteActivation::kTanh;
    default:
      return LiteActivation::kOther;
  }
}

template <class Options>
void read_strides(const Options& options, LiteOperator& out) {
  out.window = LiteWindow{.same_padding = options.padding() == tflite::Padding::SAME,
                          .stride_w = options.stride_w(),
                          .stride_h = options.stride_h()};
  out.activation = activation_from(options.activation());
}

template <class Options>
void read_convolution(const Options& options, LiteOperator& out) {
  read_strides(options, out);
  out.window->dilation_w = options.dilation_w();
  out.window->dilation_h = options.dilation_h();
}

void read_options(const tflite::Operator& op, LiteOperator& out) {
  if (const auto* conv = op.builtin_options_as_Conv2DOptions()) {
    read_convolution(*conv, out);
  } else if (const auto* depthwise = op.builtin_options_as_DepthwiseConv2DOptions()) {
    read_convolution(*depthwise, out);
  } else if (const auto* transposed = op.builtin_options_as_TransposeConvOptions()) {
    read_strides(*transposed, out);
  } else if (const auto* gelu = op.builtin_options_as_GeluOptions()) {
    out.approximate = gelu->approximate();
  } else if (const auto* pool = op.builtin_options_as_Pool2DOptions()) {
    read_strides(*pool, out);
    out.window->height = pool->filter_height();
    out.window->width = pool->filter_width();
  } else if (const auto* dense = op.builtin_options_as_FullyConnectedOptions()) {
    out.activation = dense->weights_format() == tflite::WeightsFormat::DEFAULT
                         ? activation_from(dense->activation())
                         : LiteActivation::kOther;
  } else if (const auto* add = op.builtin_options_as_AddOptions()) {
    out.activation = activation_from(add->activation());
  } else if (const auto* mul = op.builtin_options_as_MulOptions()) {
    out.activation = activation_from(mul->activation());
  } else if (const auto* sub = op.builtin_options_as_SubOptions()) {
    out.activation = activation_from(sub->activation());
  } else if (const auto* div = op.builtin_options_as_DivOptions()) {
    out.activation = activation_from(div->activation());
  } else if (const auto* concat = op.builtin_options_as_ConcatenationOptions()) {
    out.activation = activation_from(concat->activation());
    out.axis = concat->axis();
  } else if (const auto* reduce = op.builtin_options_as_ReducerOptions()) {
    out.keeps_axes = reduce->keep_dims();
  } else if (const auto* leaky = op.builtin_options_as_LeakyReluOptions()) {
    out.alpha = leaky->alpha();
  } else if (const auto* softmax = op.builtin_options_as_SoftmaxOptions()) {
    out.beta = softmax->beta();
  } else if (const auto* linear = op.builtin_options_as_ResizeBilinearOptions()) {
    out.align_corners = linear->align_corners();
    out.half_pixel_centers = linear->half_pixel_centers();
  } else if (const auto* nearest = op.builtin_options_as_ResizeNearestNeighborOptions()) {
    out.align_corners = nearest->align_corners();
    out.half_pixel_centers = nearest->half_pixel_centers();
  } else if (const auto* gather = op.builtin_options_as_GatherOptions()) {
    out.axis = gather->axis();
  } else if (const auto* product = op.builtin_options_as_BatchMatMulOptions()) {
    out.turns_first = product->adj_x();
    out.turns_second = product->adj_y();
  } else if (const auto* slice = op.builtin_options_as_StridedSliceOptions()) {
    out.open_begins = slice->begin_mask();
    out.open_ends = slice->end_mask();
    out.other_masks = slice->ellipsis_mask() != 0 || slice->new_axis_mask() != 0 ||
                      slice->shrink_axis_mask() != 0;
  }
}

/// Codes up to 126 stand in the old one-byte field, which then is the larger of the two.
std::string operator_name(const tflite::OperatorCode& code) {
  const auto builtin = static_cast<tflite::BuiltinOperator>(std::max<std::int32_t>(
      code.deprecated_builtin_code(), static_cast<std::int32_t>(code.builtin_code())));
  if (builtin == tflite::BuiltinOperator::CUSTOM) return "CUSTOM " + text_of(code.custom_code());
  const std::string_view name = tflite::EnumNameBuiltinOperator(builtin);
  return name.empty() ? "operator " + std::to_string(static_cast<int>(builtin)) : std::string(name);
}

Result<LiteOperator> operator_from(const tflite::Operator& op, const tflite::Model& model,
                                   std::size_t tensors) {
  if (op.opcode_index() >= size_of(model.operator_codes()))
    return damaged("an operator has no code");
  LiteOperator out{.name = operator_name(*model.operator_codes()->Get(op.opcode_index())),
                   .inputs = {},
                   .outputs = {},
                   .window = {}};
  VISAVIS_TRY(inputs, indices(op.inputs(), tensors));
  VISAVIS_TRY(outputs, indices(op.outputs(), tensors));
  out.inputs = std::move(inputs);
  out.outputs = std::move(outputs);
  read_options(op, out);
  return out;
}

std::map<std::size_t, std::string> names_of(const tflite::Model& model, std::size_t tensors) {
  std::map<std::size_t, std::string> names;
  if (size_of(model.signature_defs()) == 0) return names;
  const tflite::SignatureDef& first = *model.signature_defs()->Get(0);
  if (first.subgraph_index() != 0) return names;
  for (const auto* maps : {first.inputs(), first.outputs()})
    for (std::size_t i = 0; i < std::min(size_of(maps), kMaxIndices); ++i) {
      const auto* map = maps->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (map->tensor_index() < tensors && size_of(map->name()) > 0)
        names.emplace(map->tensor_index(), text_of(map->name()));
    }
  return names;
}

}  // namespace

Result<LiteModel> read_tflite(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  flatbuffers::Verifier verifier(data, bytes.size());
  if (bytes.size() < 8 || !tflite::ModelBufferHasIdentifier(data) ||
      !tflite::VerifyModelBuffer(verifier))
    return fail(ErrorCode::kDecodeFailed, "it is no TensorFlow Lite file, or a damaged one");
  const tflite::Model& model = *tflite::GetModel(data);
  if (model.version() != 3)
    return fail(ErrorCode::kUnsupported, "the TensorFlow Lite file has another schema than 3");
  if (size_of(model.subgraphs()) == 0) return damaged("it holds no graph");
  const tflite::SubGraph& graph = *model.subgraphs()->Get(0);
  if (size_of(graph.tensors()) > kMaxParts || size_of(graph.operators()) > kMaxParts)
    return damaged("it holds too many tensors or operators");
  LiteModel out{.description = text_of(model.description()),
                .tensors = {},
                .inputs = {},
                .outputs = {},
                .names = names_of(model, size_of(graph.tensors())),
                .operators = {}};
  std::size_t scales = 0;
  for (std::size_t i = 0; i < size_of(graph.tensors()); ++i) {
    VISAVIS_TRY(tensor,
                tensor_from(*graph.tensors()->Get(static_cast<flatbuffers::uoffset_t>(i)), model));
    scales += tensor.steps.scales.size();
    if (scales > bytes.size()) return damaged("it holds fewer scales than it says");
    out.tensors.push_back(std::move(tensor));
  }
  VISAVIS_TRY(inputs, indices(graph.inputs(), out.tensors.size()));
  VISAVIS_TRY(outputs, indices(graph.outputs(), out.tensors.size()));
  out.inputs = std::move(inputs);
  out.outputs = std::move(outputs);
  for (std::size_t i = 0; i < size_of(graph.operators()); ++i) {
    VISAVIS_TRY(op, operator_from(*graph.operators()->Get(static_cast<flatbuffers::uoffset_t>(i)),
                                  model, out.tensors.size()));
    out.operators.push_back(std::move(op));
  }
  return out;
}

}  // namespace visavis::modelkit
