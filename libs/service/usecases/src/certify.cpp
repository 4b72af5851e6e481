#include "certify.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::usecases {
namespace {

constexpr std::size_t kInputs = 4;
constexpr std::uint64_t kSeed = 1;
constexpr std::int64_t kFreeSize = 64;

std::optional<models::CertifiedEngine> certify(const runtime::EngineEntry& entry,
                                               const graph::Graph& graph,
                                               const runtime::Engine& reference,
                                               const std::vector<modelkit::SampleSet>& inputs) {
  if (entry.engine == nullptr) return std::nullopt;
  runtime::Availability here = entry.engine->probe();
  if (!here.usable) return std::nullopt;
  const auto found =
      modelkit::compare({.graph = &graph, .engine = &reference},
                        {.graph = &graph, .engine = entry.engine}, inputs, modelkit::Limits{});
  if (!found) return std::nullopt;
  models::CertifiedEngine certified{.engine = std::string(entry.name),
                                    .version = std::move(here.version),
                                    .max_abs = 0,
                                    .min_cosine = 1};
  for (const modelkit::Judgement& judgement : found->judgements)
    for (const modelkit::Difference& output : judgement.outputs) {
      if (!output.finite) return std::nullopt;
      certified.max_abs = std::max(certified.max_abs, output.max_abs);
      certified.min_cosine = std::min(certified.min_cosine, output.min_cosine);
    }
  return certified;
}

}  // namespace

std::optional<models::Certificate> certify_engines(const models::Manifest& manifest,
                                                   const models::ModelFile& file,
                                                   std::span<const std::byte> onnx) {
  const auto graph = graph::read_onnx(onnx);
  const auto reference = runtime::find_engine("reference");
  if (!graph || !reference) return std::nullopt;
  const std::int64_t side = std::max(manifest.preparation.width, manifest.preparation.height);
  auto random = modelkit::random_samples(*graph, kInputs, kSeed, side > 0 ? side : kFreeSize);
  if (!random) return std::nullopt;
  models::Certificate certificate{
      .file = file.name,
      .source_sha256 = file.sha256,
      .result_sha256 = file.onnx_sha256,
      .inputs =
          std::to_string(kInputs) + " random ones from [-1, 1), seed " + std::to_string(kSeed),
      .engines = {}};
  const std::vector<modelkit::SampleSet> inputs{*std::move(random)};
  for (const runtime::EngineEntry& entry : runtime::engines())
    if (auto certified = certify(entry, *graph, **reference, inputs))
      certificate.engines.push_back(*std::move(certified));
  if (certificate.engines.empty()) return std::nullopt;
  return certificate;
}

}  // namespace visavis::usecases
