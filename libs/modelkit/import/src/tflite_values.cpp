/// Constants of a TensorFlow Lite file, as numbers.

#include "tflite_values.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <iterator>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "tflite.hpp"

namespace visavis::modelkit::lite {
namespace {

template <class T>
std::vector<T> values_of(const LiteTensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

/// What steps mean.
template <class T>
std::vector<float> reals(const LiteTensor& tensor) {
  const std::vector<T> steps = values_of<T>(tensor);
  const LiteSteps& given = tensor.steps;
  std::size_t block = 1;
  for (std::size_t i = given.axis + 1; i < tensor.shape.size(); ++i)
    block *= static_cast<std::size_t>(tensor.shape[i]);
  std::vector<float> out;
  out.reserve(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::size_t c =
        given.scales.size() == 1 ? 0 : i / std::max<std::size_t>(block, 1) % given.scales.size();
    out.push_back(
        static_cast<float>((static_cast<double>(steps[i]) - static_cast<double>(given.zeros[c])) *
                           double{given.scales[c]}));
  }
  return out;
}

std::vector<float> halves(const LiteTensor& tensor) {
  std::vector<float> out;
  out.reserve(tensor.bytes.size() / 2);
  std::ranges::transform(values_of<std::uint16_t>(tensor), std::back_inserter(out), from_half);
  return out;
}

}  // namespace

std::unexpected<Error> unsupported(const std::string& what) {
  return fail(ErrorCode::kUnsupported, std::string(kSpeaker) + what);
}

Result<Shape> ints(const LiteTensor& tensor) {
  if (tensor.is_constant()) {
    if (tensor.type == "int64") return values_of<std::int64_t>(tensor);
    if (tensor.type == "int32") {
      const auto small = values_of<std::int32_t>(tensor);
      return Shape(small.begin(), small.end());
    }
  }
  return unsupported("sizes that are computed");
}

Result<std::vector<float>> floats(const LiteTensor& tensor) {
  if (tensor.is_constant()) {
    if (tensor.type == "float32") return values_of<float>(tensor);
    if (tensor.type == "float16") return halves(tensor);
    const LiteSteps& steps = tensor.steps;
    const bool fits = steps.scales.size() == 1 ||
                      (steps.axis < tensor.shape.size() &&
                       steps.scales.size() == static_cast<std::size_t>(tensor.shape[steps.axis]));
    if (!steps.scales.empty() && fits) {
      if (tensor.type == "int8") return reals<std::int8_t>(tensor);
      if (tensor.type == "uint8") return reals<std::uint8_t>(tensor);
      if (tensor.type == "int32") return reals<std::int32_t>(tensor);
    }
  }
  return unsupported("weights that are computed or of type " + tensor.type);
}

LiteModel with_constants(LiteModel model) {
  std::vector<LiteOperator> kept;
  for (LiteOperator& op : model.operators) {
    const bool of_halves = op.name == "DEQUANTIZE" && has_inputs(op, 1) &&
                           model.tensors[op.inputs[0]].type == "float16" &&
                           model.tensors[op.inputs[0]].is_constant();
    if (!of_halves) {
      kept.push_back(std::move(op));
      continue;
    }
    const LiteTensor& half = model.tensors[op.inputs[0]];
    LiteTensor& real = model.tensors[op.outputs[0]];
    real.type = half.type;
    real.shape = half.shape;
    real.bytes = half.bytes;
  }
  model.operators = std::move(kept);
  return model;
}

}  // namespace visavis::modelkit::lite
