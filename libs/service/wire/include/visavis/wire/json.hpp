#pragma once

/// Answers of the use cases as JSON text, one document each, in UTF-8 and on one line, as
/// docs/cli.md describes them. Every document carries "schema": "visavis.<kind>/1" and "errors".
/// Text that is not UTF-8 (a file's name, say) has U+FFFD in the places of its wrong bytes.

#include <cstddef>
#include <string>
#include <vector>
#include <visavis/usecases/catalogue.hpp>
#include <visavis/usecases/evaluate.hpp>
#include <visavis/usecases/evaluate_quality.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/networks.hpp>
#include <visavis/usecases/quantize.hpp>

namespace visavis::wire {

/// A verb that could not be done at all.
[[nodiscard]] std::string to_json(const usecases::Failure& failure);

[[nodiscard]] std::string to_json(const std::vector<usecases::EngineFacts>& engines);
[[nodiscard]] std::string to_json(const usecases::ModelList& list);
[[nodiscard]] std::string to_json(const usecases::ModelFacts& model);
[[nodiscard]] std::string to_json(const usecases::FetchedModels& fetched);
[[nodiscard]] std::string to_json(const usecases::RemovedModels& removed);
[[nodiscard]] std::string to_json(const usecases::VerifiedModels& verified);
[[nodiscard]] std::string to_json(const usecases::ModelInside& inside);
[[nodiscard]] std::string to_json(const usecases::ModelLayers& layers);
/// Also what stands in a certificate.
[[nodiscard]] std::string to_json(const usecases::Equivalence& answer);
[[nodiscard]] std::string to_json(const usecases::Quantized& answer);

[[nodiscard]] std::string to_json(const usecases::EvaluatedPairs& verification);
[[nodiscard]] std::string to_json(const usecases::EvaluatedAllPairs& verification);
[[nodiscard]] std::string to_json(const usecases::EvaluatedDetection& detection);
[[nodiscard]] std::string to_json(const usecases::EvaluatedClustering& clustering);
[[nodiscard]] std::string to_json(const usecases::EvaluatedProbes& identification);
[[nodiscard]] std::string to_json(const usecases::Calibrated& calibrated);
[[nodiscard]] std::string to_json(const usecases::EvaluatedQuality& answer);
[[nodiscard]] std::string compared_to_json(const std::string& page, std::size_t reports);

}  // namespace visavis::wire
