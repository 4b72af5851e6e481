#pragma once

/// What a float recogniser and its int8 or f16 form do on the same photos.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>
#include <visavis/models/network.hpp>
#include <visavis/usecases/quantize.hpp>

#include "bench_impl.hpp"
#include "embedding_gate.hpp"

namespace visavis::usecases {

/// Adds the figures of both models' embeddings, and what could not be read.
/// @param candidate  embeds the chips that the bench's recogniser sees
[[nodiscard]] Outcome<void> judge_embeddings(Workbench::Impl& bench, const GateTest& test,
                                             std::shared_ptr<const models::Network> candidate,
                                             const QuantizeLimits& limits, Quantized& answer,
                                             const Progress& progress);

/// Adds which faces both detectors find in the photos, and what could not be read.
/// @param candidate  finds faces as the bench's detector does
[[nodiscard]] Outcome<void> judge_faces(Workbench::Impl& bench, const std::vector<Photo>& photos,
                                        const std::shared_ptr<const models::Network>& candidate,
                                        const QuantizeLimits& limits, Quantized& answer,
                                        const Progress& progress);

/// Of what two networks with one input say to the same samples, all outputs together.
/// @pre there are samples
[[nodiscard]] Outcome<double> mean_cosine(const runtime::Engine& engine,
                                          std::span<const std::byte> before,
                                          std::span<const std::byte> after,
                                          const std::vector<std::vector<float>>& samples);

/// Adds bytes, and milliseconds of one run in one thread, measured in turn.
[[nodiscard]] Outcome<void> judge_cost(const runtime::Engine& engine,
                                       std::span<const std::byte> before,
                                       std::span<const std::byte> after,
                                       const std::vector<float>& sample,
                                       const QuantizeLimits& limits, Quantized& answer);

}  // namespace visavis::usecases
