#pragma once

/// Answers about photos as JSON text; see json.hpp for what all documents have in common.

#include <string>
#include <visavis/usecases/bench.hpp>
#include <visavis/usecases/photos.hpp>

namespace visavis::wire {

[[nodiscard]] std::string to_json(const usecases::Detection& detection);
[[nodiscard]] std::string to_json(const usecases::Alignment& alignment);
[[nodiscard]] std::string to_json(const usecases::Embeddings& embeddings);
[[nodiscard]] std::string to_json(const usecases::Comparison& comparison);
[[nodiscard]] std::string to_json(const usecases::Benchmark& benchmark);

}  // namespace visavis::wire
