#include "visavis/models/network.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/store.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::models {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

constexpr std::int64_t kAnySide = 64;  ///< For networks that take every size.

/// Batch 1, and the preparation's size where the network leaves it open.
std::vector<std::int64_t> warm_up_shape(const runtime::TensorSpec& spec,
                                        const Preparation& preparation) {
  std::vector<std::int64_t> shape = spec.shape;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) continue;
    const std::int64_t side = i + 1 == shape.size() ? preparation.width : preparation.height;
    shape[i] = i == 0 ? 1 : side > 0 ? side : kAnySide;
  }
  return shape;
}

Result<void> warm_up(const runtime::Model& model, const Preparation& preparation) {
  VISAVIS_TRY(session, model.session());
  std::vector<std::vector<std::int64_t>> shapes;
  std::vector<std::vector<std::byte>> zeros;
  for (const runtime::TensorSpec& spec : model.inputs()) {
    shapes.push_back(warm_up_shape(spec, preparation));
    std::size_t count = runtime::size_of(spec.type);
    for (const std::int64_t n : shapes.back()) count *= static_cast<std::size_t>(n);
    zeros.emplace_back(count);
  }
  std::vector<runtime::TensorView> inputs;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    inputs.push_back({.type = model.inputs()[i].type, .shape = shapes[i], .bytes = zeros[i]});
  VISAVIS_TRY(outputs, session->run(inputs));
  return {};
}

bool is_wanted(const ModelFile& file, const std::vector<std::string>& parts) {
  return parts.empty() || std::ranges::find(parts, file.name) != parts.end();
}

Result<void> check_parts(const Manifest& manifest, const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    if (std::ranges::find(manifest.files, part, &ModelFile::name) == manifest.files.end())
      return fail(ErrorCode::kModelMismatch, manifest.id + " has no part " + part);
  return {};
}

Result<NetworkData> load_data(std::span<const std::byte> bytes, const ModelFile& file) {
  VISAVIS_TRY(graph, graph::read_onnx(bytes));
  return NetworkData{.graph = std::make_shared<const graph::Graph>(std::move(graph)),
                     .screen_margin = static_cast<float>(file.screen_margin)};
}

Result<void> load_file(const Store& store, const ModelFile& file, const runtime::Engine& engine,
                       const NetworkOptions& options, Network& network) {
  const std::string& id = network.manifest.id;
  Result<std::vector<std::byte>> bytes = store.read(file);
  if (!bytes) {
    std::string message = id + ": " + bytes.error().message;
    // Fetching also replaces a file that is damaged.
    if (bytes.error().code != ErrorCode::kUnavailable)
      message += "; run: visavis models fetch " + id;
    return fail(bytes.error().code, std::move(message));
  }
  if (file.as_data) {
    VISAVIS_TRY(data, load_data(*bytes, file));
    network.data.emplace(file.name, std::move(data));
    if (!options.compile_data) return {};
  }
  runtime::LoadOptions load = options.load;
  load.model_sha256 = file.onnx_sha256;  // reading compared it with the bytes
  auto model = engine.load(*bytes, load);
  if (!model) return fail(model.error().code, id + ": " + file.name + ": " + model.error().message);
  network.parts.emplace(file.name, *std::move(model));
  return {};
}

Result<Network> load(const Store& store, Manifest manifest, const NetworkOptions& options);

Result<Network> load_members(const Store& store, Manifest manifest, const NetworkOptions& options) {
  Network network;
  for (const Member& member : manifest.fusion->members) {
    VISAVIS_TRY(loaded, load(store, *member.manifest, options));
    network.times.load_ms += loaded.times.load_ms;
    network.times.warm_up_ms += loaded.times.warm_up_ms;
    network.members.push_back(std::make_shared<const Network>(std::move(loaded)));
  }
  network.manifest = std::move(manifest);
  return network;
}

Result<Network> load(const Store& store, Manifest manifest, const NetworkOptions& options) {
  const Clock::time_point start = Clock::now();
  VISAVIS_TRY(engine, runtime::find_engine(options.engine));
  VISAVIS_CHECK(check_parts(manifest, options.parts));
  if (manifest.fusion) return load_members(store, std::move(manifest), options);
  Network network{
      .manifest = std::move(manifest), .parts = {}, .data = {}, .members = {}, .times = {}};
  for (const ModelFile& file : network.manifest.files)
    if (is_wanted(file, options.parts))
      VISAVIS_CHECK(load_file(store, file, *engine, options, network));
  network.times.load_ms = milliseconds_since(start);
  const Clock::time_point loaded = Clock::now();
  for (const auto& [name, model] : network.parts) {
    const Result<void> warm = warm_up(*model, network.manifest.preparation);
    if (!warm)
      return fail(warm.error().code,
                  network.manifest.id + ": " + name + ": " + warm.error().message);
  }
  network.times.warm_up_ms = milliseconds_since(loaded);
  return network;
}

}  // namespace

Result<Network> load_network(const Store& store, std::string_view id,
                             const NetworkOptions& options) {
  VISAVIS_TRY(manifest, store.find(id));
  return load(store, std::move(manifest), options);
}

const runtime::Model* any_part(const Network& network) {
  if (!network.parts.empty()) return network.parts.begin()->second.get();
  return network.members.empty() ? nullptr : any_part(*network.members[0]);
}

}  // namespace visavis::models
