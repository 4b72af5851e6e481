#pragma once

/// What the rules for Core ML's layers share: how they refuse a layer, its weights, and shapes.

#include <coreml.pb.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"

namespace visavis::modelkit::ml {

/// Of channels, and of pixels along a side.
constexpr std::uint64_t kMost = std::uint64_t{1} << 20U;

/// kUnsupported, kDecodeFailed and kModelMismatch, with the layer's name and kind.
[[nodiscard]] std::unexpected<Error> unsupported(const coreml::NeuralNetworkLayer& layer,
                                                 std::string_view what);
[[nodiscard]] std::unexpected<Error> malformed(const coreml::NeuralNetworkLayer& layer,
                                               std::string_view what);
[[nodiscard]] std::unexpected<Error> mismatch(const coreml::NeuralNetworkLayer& layer);

[[nodiscard]] Constant constant(std::string name, Shape shape, std::vector<float> values);

/// The numbers of a layer, in either precision. `wanted` is their shape.
[[nodiscard]] Result<std::vector<float>> weights_of(const coreml::NeuralNetworkLayer& layer,
                                                    const coreml::WeightParams& params,
                                                    const Shape& wanted);

/// Of what comes behind `from`; -1 if a part is not known, or more than a tensor may have.
[[nodiscard]] std::int64_t product(const Shape& shape, std::size_t from);

}  // namespace visavis::modelkit::ml
