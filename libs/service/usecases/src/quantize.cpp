#include "visavis/usecases/quantize.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>
#include <visavis/models/prepare.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/quality_pairs/balance.hpp>
#include <visavis/quantize/equalize.hpp>
#include <visavis/quantize/observe.hpp>
#include <visavis/quantize/quantize.hpp>
#include <visavis/quantize/ranges.hpp>
#include <visavis/quantize/search.hpp>
#include <visavis/quantize/whole.hpp>
#include <visavis/runtime/engine.hpp>

#include "bench_impl.hpp"
#include "library.hpp"
#include "lists.hpp"
#include "numbers.hpp"
#include "outputs.hpp"
#include "quantize_gate.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{1} << 20U;

/// A manifest's id is a file's name.
bool is_id(std::string_view text) {
  return !text.empty() && text.front() != '.' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string_view::npos;
}

Outcome<void> check_request(const QuantizeRequest& request) {
  if (!request.id.empty() && !is_id(request.id))
    return usage("--id has small letters, digits, dots and hyphens, and does not begin with a dot");
  if (request.chips < 1 || request.held_out < 1)
    return usage("--chips and --held-out are at least 1");
  if (!(request.kept > .5 && request.kept <= 1)) return usage("--kept is from .5 to 1");
  if (request.weight_steps < 1 || request.weight_steps > 127)
    return usage("--weight-steps is from 1 to 127");
  if (!(request.limits.overlap > 0 && request.limits.overlap <= 1))
    return usage("--min-overlap is from 0 to 1");
  if (!(request.limits.speed > 0)) return usage("--min-speed is above 0");
  const bool tested = !request.pairs.empty() || !request.test_people.empty();
  if (request.untested && (tested || request.detector))
    return usage("--untested is said of a recogniser without --pairs and --test-people");
  if (!request.untested && !tested && !request.detector)
    return usage(
        "nothing says how well it still recognises people: give --pairs or --test-people, or "
        "--untested to do without");
  return {};
}

/// Where the answer goes; nothing of it may be there.
Outcome<void> plan_files(const QuantizeRequest& request, Quantized& answer) {
  answer.network = request.out / (answer.id + ".onnx");
  answer.manifest = request.out / (answer.id + ".json");
  answer.certificate = request.out / (answer.id + ".certificate.json");
  for (const fs::path& path : {answer.network, answer.manifest, answer.certificate})
    VISAVIS_CHECK(check_new(path));
  return {};
}

Outcome<models::ModelFile> only_file(const models::Manifest& manifest) {
  const bool detects = manifest.role == models::Role::kDetector;
  if (manifest.fusion || manifest.files.size() != 1 || manifest.files[0].as_data ||
      manifest.family != (detects ? "ultraface" : "embedding"))
    return usage("the model " + manifest.id + " is not one network that " +
                 (detects ? "finds faces on an engine" : "embeds faces"));
  if (manifest.files[0].int8) return usage("the model " + manifest.id + " is int8 already");
  if (manifest.files[0].f16) return usage("the model " + manifest.id + " is f16 already");
  return manifest.files.front();
}

/// What is to be quantised.
Outcome<models::Manifest> subject_of(const Workbench::Impl& bench, const QuantizeRequest& request) {
  if (!request.detector) return *bench.manifest;
  return find_model(bench.store, bench.wanted_detector.id);
}

Outcome<std::vector<modelkit::RangeMethod>> methods_of(const QuantizeRequest& request) {
  using enum modelkit::RangeMethod;
  if (request.methods.empty()) return std::vector{kMinMax, kPercentile, kMse, kEntropy};
  std::vector<modelkit::RangeMethod> methods;
  for (const std::string& name : request.methods) {
    VISAVIS_TRY(method, caused_by(Cause::kUsage, modelkit::parse_range_method(name)));
    methods.push_back(method);
  }
  return methods;
}

/// One of every kind in turn, as many as the rarest has; each in the order that they are in.
Outcome<std::vector<Photo>> balanced(std::vector<Photo> photos, const QuantizeRequest& request) {
  if (request.balance.empty()) return photos;
  VISAVIS_TRY(text, named(request.balance, read_text(request.balance)));
  VISAVIS_TRY(attributes, named(request.balance, quality_pairs::parse_attributes(text)));
  std::vector<std::string> keys;
  for (const Photo& photo : photos)
    keys.push_back(attributes.of_people ? photo.parent() : photo.inside.string());
  VISAVIS_TRY(
      draw, caused_by(Cause::kInput, quality_pairs::draw_balanced(keys, attributes, request.seed)));
  std::vector<Photo> drawn;
  for (const std::size_t i : quality_pairs::in_turn(draw, keys, attributes))
    drawn.push_back(photos[i]);
  return drawn;
}

/// Photos to observe, in an order that the seed and their names decide; none of the test.
Outcome<std::vector<Photo>> choose_photos(const std::vector<Photo>& photos, const GateTest& test,
                                          const QuantizeRequest& request) {
  People people;
  if (!request.people.empty()) {
    VISAVIS_TRY(read, read_people(request.people));
    people = std::move(read);
  }
  std::set<std::string> tested;
  for (const Photo& photo : test.photos) tested.insert(photo.path);
  std::vector<Photo> own;
  std::ranges::copy_if(photos, std::back_inserter(own), [&](const Photo& photo) {
    return !tested.contains(photo.path) && (people.empty() || people.contains(photo.parent()));
  });
  std::ranges::sort(own, {}, [&](const Photo& photo) {
    return sha256(std::to_string(request.seed) + " " + photo.inside.string());
  });
  return balanced(std::move(own), request);
}

std::vector<Photo> without(const std::vector<Photo>& photos, const std::vector<Photo>& some) {
  std::set<std::string> left_out;
  for (const Photo& photo : some) left_out.insert(photo.path);
  std::vector<Photo> others;
  std::ranges::copy_if(photos, std::back_inserter(others),
                       [&](const Photo& photo) { return !left_out.contains(photo.path); });
  return others;
}

/// What the network sees of the photos' faces, until there are enough.
Outcome<std::vector<modelkit::Example>> see(Workbench::Impl& bench,
                                            const std::vector<Photo>& photos, std::size_t wanted,
                                            std::vector<Problem>& errors,
                                            const Progress& progress) {
  constexpr std::size_t kAtOnce = 64;
  const models::Preparation& preparation = bench.manifest->preparation;
  const auto values = static_cast<std::size_t>(preparation.width) *
                      static_cast<std::size_t>(preparation.height) *
                      static_cast<std::size_t>(models::channels(preparation));
  std::vector<modelkit::Example> seen;
  for (std::size_t start = 0; start < photos.size() && seen.size() < wanted; start += kAtOnce) {
    const std::size_t end = std::min(start + kAtOnce, photos.size());
    const std::vector<Photo> some(photos.begin() + static_cast<std::ptrdiff_t>(start),
                                  photos.begin() + static_cast<std::ptrdiff_t>(end));
    auto results = analyse_photos(bench, some, pipeline::Selection::kCenter, {});
    for (std::size_t i = 0; i < results.size() && seen.size() < wanted; ++i) {
      if (!results[i]) {
        errors.push_back(problem(some[i].path, std::move(results[i]).error()));
        continue;
      }
      for (const pipeline::FaceRecord& face : results[i]->faces) {
        if (!face.chip) continue;
        models::prepare(face.chip->image.view(), preparation, seen.emplace_back(values));
      }
    }
    if (progress) progress(std::min(seen.size(), wanted), wanted);
  }
  return seen;
}

/// What a detector sees of whole photos. @pre they are to be taken in their order
Outcome<std::vector<modelkit::Example>> see_photos(Workbench::Impl& bench,
                                                   const models::Preparation& preparation,
                                                   const std::vector<Photo>& photos,
                                                   std::vector<Problem>& errors,
                                                   const Progress& progress) {
  const auto values = static_cast<std::size_t>(preparation.width) *
                      static_cast<std::size_t>(preparation.height) *
                      static_cast<std::size_t>(models::channels(preparation));
  const auto work = [&](const Photo&, image::Decoded& decoded,
                        std::size_t) -> Outcome<modelkit::Example> {
    const ImageView image = decoded.image.view();
    const Image small = image::resize_bilinear(
        image, {.x = 0, .y = 0, .width = image.width, .height = image.height}, preparation.width,
        preparation.height);
    modelkit::Example example(values);
    models::prepare(small.view(), preparation, example);
    return example;
  };
  std::vector<modelkit::Example> seen;
  collect(over_photos<modelkit::Example>(bench, photos, progress, work), photos, seen, errors);
  return seen;
}

Outcome<modelkit::Searched> search(std::span<const std::byte> onnx,
                                   const std::vector<modelkit::Example>& seen,
                                   const runtime::Engine& engine, const QuantizeRequest& request,
                                   const Progress& progress) {
  VISAVIS_TRY(methods, methods_of(request));
  modelkit::SearchOptions options{
      .methods = std::move(methods),
      .kept = request.kept,
      .bias_correction = request.bias_correction,
      .weight_steps = request.weight_steps,
      .whole = request.whole,
      .keep_float = {request.keep_float.begin(), request.keep_float.end()},
      .min_cosine = request.limits.min_cosine,
      .choose_float = request.choose_float,
      .progress = progress};
  const auto work = [&]() -> Result<modelkit::Searched> {
    VISAVIS_TRY(read, graph::read_onnx(onnx));
    const graph::Graph graph = graph::fold_batch_norm(std::move(read));
    const std::vector<modelkit::Layer> layers = modelkit::layers_of(graph);
    std::vector<std::string> values = modelkit::inputs_of(layers);
    const std::set<std::string> inputs(values.begin(), values.end());
    for (std::string& made :
         request.whole ? modelkit::results_of(graph) : modelkit::summands_of(graph, layers))
      if (!inputs.contains(made)) values.push_back(std::move(made));
    const auto held_out = std::span(seen).last(request.held_out);
    const auto shown = std::span(seen).first(seen.size() - request.held_out);
    VISAVIS_TRY(observed, modelkit::observe(graph, values, shown, engine));
    modelkit::Equalising equalising = modelkit::equalising_of(graph, observed);
    VISAVIS_TRY(even, modelkit::equalize(graph, equalising));
    VISAVIS_TRY(evenly, modelkit::observe(even, values, shown, engine));
    VISAVIS_TRY(searched, modelkit::search(even, evenly, held_out, engine, options));
    searched.recipe.equalised = std::move(equalising);
    return searched;
  };
  auto found = work();
  if (!found && found.error().code == ErrorCode::kNotFound)
    return usage(found.error().message);  // of --keep-float
  return caused_by(Cause::kInput, std::move(found));
}

void note(const modelkit::Searched& found, Quantized& answer) {
  answer.method = modelkit::to_string(found.method);
  answer.held_out_cosine = found.cosine;
  for (const modelkit::MethodTried& tried : found.tried)
    answer.tried.push_back(
        {.name = std::string(modelkit::to_string(tried.method)), .cosine = tried.cosine});
  for (const modelkit::LayerCost& layer : found.layers)
    answer.layers.push_back({.name = layer.name,
                             .op = layer.op,
                             .weights = layer.weights,
                             .loss = layer.loss,
                             .kept_float = layer.kept_float});
}

/// The text of a model's manifest, from where the store has it.
Outcome<Json> manifest_document(const Places& places, const std::string& id) {
  std::vector<fs::path> folders = places.manifests;
  folders.push_back(places.models / "manifests");
  for (const fs::path& folder : folders) {
    const auto bytes = read_file(folder / (id + ".json"), kMaxManifestBytes);
    if (!bytes) continue;
    Json document =
        Json::parse(reinterpret_cast<const char*>(bytes->data()),
                    reinterpret_cast<const char*>(bytes->data()) + bytes->size(), nullptr, false);
    if (document.is_object()) return document;
  }
  return std::unexpected(
      Failure(Cause::kEnvironment, {ErrorCode::kNotFound, "the manifest of " + id + " is gone"}));
}

/// Written with no more digits than it takes.
Json json_of(float value) { return Json::parse(shortest(value)); }

Json json_of(const models::Int8Recipe& recipe) {
  Json json;
  json["activations"] = Json::object();
  for (const auto& [name, range] : recipe.activations)
    json["activations"][name] = {json_of(range.low), json_of(range.high)};
  json["equalised"] = Json::object();
  for (const auto& [name, exponents] : recipe.equalised) {
    std::string digits;
    for (const std::uint8_t exponent : exponents) digits += static_cast<char>('0' + exponent);
    json["equalised"][name] = digits;
  }
  if (!recipe.keep_float.empty()) json["keep_float"] = recipe.keep_float;
  for (const auto& [name, shifts] : recipe.bias_shifts) {
    std::string counts;
    for (const std::int8_t count : shifts.counts)
      counts += (counts.empty() ? "" : " ") + std::to_string(count);
    json["bias_shifts"][name] = {{"unit", json_of(shifts.unit)}, {"counts", counts}};
  }
  json["weight_steps"] = recipe.weight_steps;
  return json;
}

/// What comes out, and how to make it again.
struct Made {
  std::vector<std::byte> onnx;
  std::optional<models::Int8Recipe> recipe{};  ///< Nothing: f16, which needs none.
};

Outcome<Made> in_int8(std::span<const std::byte> before, const std::vector<modelkit::Example>& seen,
                      const runtime::Engine& engine, const QuantizeRequest& request,
                      Quantized& answer, const Progress& progress) {
  VISAVIS_TRY(found, search(before, seen, engine, request, progress));
  note(found, answer);
  VISAVIS_TRY(onnx, caused_by(Cause::kDefect, modelkit::make_int8(before, found.recipe)));
  return Made{.onnx = std::move(onnx), .recipe = std::move(found.recipe)};
}

Outcome<Made> in_f16(std::span<const std::byte> before, const std::vector<modelkit::Example>& seen,
                     const runtime::Engine& engine, Quantized& answer) {
  VISAVIS_TRY(onnx, caused_by(Cause::kInput, modelkit::make_f16(before)));
  VISAVIS_TRY(cosine, mean_cosine(engine, before, onnx, seen));
  answer.held_out_cosine = cosine;
  return Made{.onnx = std::move(onnx)};
}

std::string weights_of(const Quantized& answer) { return answer.f16 ? "f16" : "int8"; }

/// The float model's manifest with what was done. Its goldens and certificates are of the float
/// network.
Outcome<Json> new_manifest(const Places& places, const Quantized& answer, const Made& made) {
  VISAVIS_TRY(document, manifest_document(places, answer.model));
  document["id"] = answer.id;
  document["title"] = document.value("title", "") + ", " + weights_of(answer);
  Json& file = document["files"][0];
  if (made.recipe)
    file["int8"] = json_of(*made.recipe);
  else
    file["weights"] = "f16";
  file["onnx_sha256"] = answer.sha256;
  file["onnx_bytes"] = made.onnx.size();
  document.erase("golden");
  document.erase("certificates");
  if (document.contains("quality")) {
    Json& provenance = document["quality"]["provenance"];
    provenance = "fitted to " + answer.model + ": " + provenance.get<std::string>();
  }
  return document;
}

/// As the system names it; empty where it does not.
std::string name_of_cpu() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

Json measured_of(const Quantized& answer) {
  Json measured;
  measured["model"] = answer.model;
  measured["figures"] = Json::array();
  for (const GateFigure& figure : answer.gate) {
    Json line;
    line["figure"] = figure.name;
    if (figure.before) line["float"] = *figure.before;
    line[weights_of(answer)] = figure.after;
    measured["figures"].push_back(std::move(line));
  }
  std::string how = "visavis quantize";
  how += answer.f16 ? " --weights f16"
                    : ", ranges by " + answer.method + " of " + std::to_string(answer.observed) +
                          " samples";
  how += answer.tested == 0 ? ", recognition was not tested"
                            : ", tested on " + std::to_string(answer.tested) + " photos";
  how += "; " + answer.run.engine;
  if (const std::string cpu = name_of_cpu(); !cpu.empty()) how += ", one thread of " + cpu;
  measured["provenance"] = how;
  return measured;
}

/// How far the answers lie from the original's, which the reference engine runs; on the random
/// inputs of tools/certify_models.py.
Outcome<Json> certificates_of(const models::ModelFile& file, std::span<const std::byte> before,
                              const models::Network& candidate, const Quantized& answer,
                              const runtime::Availability& engine) {
  constexpr std::size_t kSamples = 8;
  constexpr std::uint64_t kSeed = 1;
  constexpr double kAny = std::numeric_limits<double>::max();
  const int size = candidate.manifest.preparation.height;
  const auto work = [&]() -> Result<modelkit::Difference> {
    VISAVIS_TRY(graph, graph::read_onnx(before));
    VISAVIS_TRY(reference, runtime::find_engine("reference"));
    VISAVIS_TRY(samples, modelkit::random_samples(graph, kSamples, kSeed, std::max(size, 1)));
    VISAVIS_TRY(found, modelkit::compare({.graph = &graph, .engine = reference},
                                         {.model = candidate.parts.begin()->second}, {&samples, 1},
                                         {.max_abs = kAny, .min_cosine = -1}));
    modelkit::Difference most;
    for (const modelkit::Difference& output : found.judgements.front().outputs) {
      most.max_abs = std::max(most.max_abs, output.max_abs);
      most.min_cosine = std::min(most.min_cosine, output.min_cosine);
    }
    return most;
  };
  VISAVIS_TRY(most, caused_by(Cause::kEnvironment, work()));
  return Json::array({{{"file", file.name},
                       {"source_sha256", file.sha256},
                       {"result_sha256", answer.sha256},
                       {"inputs", "8 random ones from [-1, 1), seed 1"},
                       {"engines", Json::array({{{"engine", answer.run.engine},
                                                 {"version", engine.version},
                                                 {"max_abs", most.max_abs},
                                                 {"min_cosine", most.min_cosine}}})}}});
}

Outcome<std::shared_ptr<const models::Network>> network_of(const runtime::Engine& engine,
                                                           std::span<const std::byte> bytes,
                                                           const std::string& manifest,
                                                           const runtime::LoadOptions& load) {
  const auto work = [&]() -> Result<std::shared_ptr<const models::Network>> {
    VISAVIS_TRY(parsed, models::parse_manifest(manifest));
    runtime::LoadOptions options = load;
    options.cache_dir.clear();  // it may never be published
    options.model_sha256.clear();
    VISAVIS_TRY(model, engine.load(bytes, options));
    models::Network network{.manifest = std::move(parsed), .parts = {}, .times = {}};
    network.parts.emplace(network.manifest.files.front().name, std::move(model));
    return std::make_shared<const models::Network>(std::move(network));
  };
  return caused_by(Cause::kEnvironment, work());
}

Outcome<void> publish(const Quantized& answer, std::span<const std::byte> bytes,
                      const std::string& manifest, const CertifyQuantized& certify) {
  const std::string certificate = certify(answer);
  const auto bytes_of = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  const auto files =
      std::to_array<NewFile>({{.path = answer.network, .bytes = bytes},
                              {.path = answer.manifest, .bytes = bytes_of(manifest)},
                              {.path = answer.certificate, .bytes = bytes_of(certificate)}});
  return write_together(files);
}

}  // namespace

Outcome<Quantized> quantize(Workbench& bench, const Inputs& photos, const QuantizeRequest& request,
                            const CertifyQuantized& certify, const Progress& progress) {
  Workbench::Impl& impl = bench.impl();
  VISAVIS_TRY(subject, subject_of(impl, request));
  Quantized answer{
      .model = subject.id,
      .id = request.id.empty() ? subject.id + (request.f16 ? "-f16" : "-int8") : request.id,
      .f16 = request.f16,
      .bias_correction = request.bias_correction,
      .weight_steps = request.weight_steps,
      .whole = request.whole,
      .errors = photos.errors};
  VISAVIS_CHECK(check_request(request));
  VISAVIS_CHECK(methods_of(request));
  VISAVIS_CHECK(plan_files(request, answer));
  VISAVIS_TRY(file, only_file(subject));
  answer.observed = request.f16 ? 0 : request.chips;
  answer.held_out = request.held_out;
  const std::size_t wanted = answer.observed + answer.held_out;
  VISAVIS_TRY(test, gate_test(photos.photos, request.pairs, request.test_people));
  VISAVIS_TRY(chosen, choose_photos(photos.photos, test, request));
  if (request.detector) {
    if (chosen.size() > wanted) chosen.resize(wanted);
    if (test.photos.empty()) test.photos = without(photos.photos, chosen);
  }
  VISAVIS_TRY(before, caused_by(Cause::kEnvironment, impl.store.read(file)));
  VISAVIS_TRY(run, bench.ready());
  answer.run = std::move(run);
  VISAVIS_TRY(engine, caused_by(Cause::kEnvironment, runtime::find_engine(answer.run.engine)));

  VISAVIS_TRY(seen, request.detector
                        ? see_photos(impl, subject.preparation, chosen, answer.errors, progress)
                        : see(impl, chosen, wanted, answer.errors, progress));
  if (seen.size() < wanted)
    return std::unexpected(Failure(
        Cause::kInput, {ErrorCode::kInvalidArgument,
                        "there are " + std::to_string(seen.size()) +
                            (request.detector ? " photos" : " faces") + " to observe and " +
                            std::to_string(wanted) + " are wanted (--chips and --held-out)"}));
  VISAVIS_TRY(made, request.f16 ? in_f16(before, seen, *engine, answer)
                                : in_int8(before, seen, *engine, request, answer, progress));
  answer.sha256 = to_hex(sha256(made.onnx));
  VISAVIS_TRY(manifest, new_manifest(impl.places, answer, made));
  VISAVIS_TRY(candidate,
              network_of(*engine, made.onnx, manifest.dump(), impl.network_options.load));

  VISAVIS_CHECK(request.detector
                    ? judge_faces(impl, test.photos, candidate, request.limits, answer, progress)
                    : judge_embeddings(impl, test, candidate, request.limits, answer, progress));
  VISAVIS_CHECK(judge_cost(*engine, before, made.onnx, seen.back(), request.limits, answer));
  answer.passed = std::ranges::all_of(answer.gate, &GateFigure::passed);
  if (answer.passed) {
    manifest["measured"] = measured_of(answer);
    if (answer.f16) {
      VISAVIS_TRY(proof, certificates_of(file, before, *candidate, answer, engine->probe()));
      manifest["certificates"] = std::move(proof);
    }
    VISAVIS_CHECK(publish(answer, made.onnx, manifest.dump(2) + "\n", certify));
  } else {
    answer.network.clear();
    answer.manifest.clear();
    answer.certificate.clear();
  }
  return answer;
}

}  // namespace visavis::usecases
