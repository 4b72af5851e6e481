#include "coreml_values.hpp"

#include <coreml.pb.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "coreml_layers.hpp"

namespace visavis::modelkit::ml {
namespace {

using Layer = coreml::NeuralNetworkLayer;

std::string about(const Layer& layer) {
  return "the layer \"" + layer.name() + "\" (" + coreml_kind(layer) + "): ";
}

}  // namespace

std::unexpected<Error> unsupported(const Layer& layer, std::string_view what) {
  return fail(ErrorCode::kUnsupported, about(layer) + std::string(what));
}

std::unexpected<Error> malformed(const Layer& layer, std::string_view what) {
  return fail(ErrorCode::kDecodeFailed, about(layer) + std::string(what));
}

std::unexpected<Error> mismatch(const Layer& layer) {
  return fail(ErrorCode::kModelMismatch, about(layer) + "its weights are for another shape");
}

Constant constant(std::string name, Shape shape, std::vector<float> values) {
  return {.name = std::move(name), .shape = std::move(shape), .values = std::move(values)};
}

Result<std::vector<float>> weights_of(const Layer& layer, const coreml::WeightParams& params,
                                      const Shape& wanted) {
  if (params.has_quantization() || params.has_rawvalue() || params.has_int8rawvalue())
    return unsupported(layer, "quantised weights");
  std::vector<float> values(params.floatvalue().begin(), params.floatvalue().end());
  if (values.empty() && params.has_float16value()) {
    const std::string& halves = params.float16value();
    for (std::size_t i = 0; i + 1 < halves.size(); i += 2) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, halves.data() + i, 2);
      values.push_back(from_half(bits));
    }
    if (halves.size() % 2 != 0) return mismatch(layer);
  }
  const auto count = graph::element_count(wanted);
  if (!count || *count != values.size()) return mismatch(layer);
  return values;
}

std::int64_t product(const Shape& shape, std::size_t from) {
  std::int64_t out = 1;
  for (std::size_t i = from; i < shape.size(); ++i) {
    if (shape[i] < 0) return -1;
    out *= shape[i];
    if (out > graph::kMaxElements) return -1;
  }
  return out;
}

}  // namespace visavis::modelkit::ml
