#include "recognition_effect.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/embed/embedder.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>
#include <visavis/runtime/engine.hpp>

#include "bench_impl.hpp"
#include "lists.hpp"

namespace visavis::usecases {
namespace {

using SharedModel = std::shared_ptr<const runtime::Model>;

std::shared_ptr<const models::Network> network_of(const models::Manifest& manifest,
                                                  SharedModel model) {
  models::Network network{.manifest = manifest, .parts = {}, .times = {}};
  network.parts.emplace("network", std::move(model));
  return std::make_shared<const models::Network>(std::move(network));
}

/// Whether the network embeds what the manifest's preparation makes.
Outcome<void> check_fits(const std::shared_ptr<const models::Network>& network) {
  const models::Manifest& manifest = network->manifest;
  const auto no_form = [&](const std::string& why) {
    return usage("SOURCE is no form of the recogniser " + manifest.id + ": " + why);
  };
  if (const auto opened = embed::Embedder::open(network); !opened)
    return no_form(opened.error().message);
  const std::vector<std::int64_t>& shape = network->parts.begin()->second->outputs()[0].shape;
  std::int64_t width = 1;
  for (std::size_t d = 1; d < shape.size(); ++d) width *= shape[d] < 0 ? 0 : shape[d];
  if (shape.size() > 1 && width > 0 && width != manifest.dimension)
    return no_form("it puts out " + std::to_string(width) + " numbers and not " +
                   std::to_string(manifest.dimension));
  return {};
}

Outcome<SharedModel> load(const graph::Graph& graph, const models::NetworkOptions& options) {
  VISAVIS_TRY(engine, caused_by(Cause::kEnvironment, runtime::find_engine(options.engine)));
  VISAVIS_TRY(bytes, caused_by(Cause::kInput, graph::write_onnx(graph)));
  runtime::LoadOptions load = options.load;
  load.cache_dir.clear();  // it runs this once
  load.model_sha256.clear();
  return caused_by(Cause::kEnvironment, engine->load(bytes, load));
}

}  // namespace

Outcome<EffectTrial> EffectTrial::make(const RecognitionTest& test, const graph::Graph& source,
                                       double min_cosine) {
  Workbench::Impl& bench = test.bench.impl();
  const models::Manifest& manifest = *bench.manifest;
  if (manifest.fusion || manifest.family != "embedding")
    return usage("the model " + manifest.id + " is not one network that embeds faces");
  VISAVIS_TRY(pairs, gate_test(test.photos.photos, test.pairs, {}));
  VISAVIS_TRY(text, named(test.pairs, read_text(test.pairs)));
  VISAVIS_TRY(model, load(source, bench.network_options));
  bench.recogniser = network_of(manifest, std::move(model));
  VISAVIS_CHECK(check_fits(bench.recogniser));
  EffectTrial trial(test, std::move(pairs), min_cosine);
  trial.pairs_sha256_ = to_hex(sha256(std::as_bytes(std::span(text))));
  return trial;
}

Outcome<RecognitionEffect> EffectTrial::run(SharedModel result,
                                            std::vector<Problem>& errors) const {
  VISAVIS_TRY(run, test_->bench.ready());
  Workbench::Impl& bench = test_->bench.impl();
  const EffectLimits& limits = test_->limits;
  VISAVIS_TRY(compared,
              compare_embeddings(bench, pairs_, network_of(*bench.manifest, std::move(result)),
                                 {.mean_cosine = min_cosine_,
                                  .least_cosine = min_cosine_,
                                  .accuracy_loss = limits.accuracy_loss,
                                  .tar_loss = limits.tar_loss,
                                  .changed_pairs = limits.changed_pairs},
                                 test_->progress));
  errors.insert(errors.end(), test_->photos.errors.begin(), test_->photos.errors.end());
  std::ranges::move(compared.errors, std::back_inserter(errors));
  return RecognitionEffect{.run = std::move(run),
                           .pairs_sha256 = pairs_sha256_,
                           .pairs = pairs_.pairs->pairs.size(),
                           .photos = compared.tested,
                           .threshold = compared.threshold.value_or(0),
                           .figures = compared.figures,
                           .passed = std::ranges::all_of(compared.figures, &GateFigure::passed)};
}

}  // namespace visavis::usecases
