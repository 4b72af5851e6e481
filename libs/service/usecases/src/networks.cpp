#include "visavis/usecases/networks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/export/export.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/import/costs.hpp>
#include <visavis/import/import.hpp>
#include <visavis/import/sizes.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/store.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>
#include <visavis/runtime/openvino_ir.hpp>
#include <visavis/usecases/inputs.hpp>

#include "library.hpp"
#include "network_parts.hpp"
#include "outputs.hpp"
#include "recognition_effect.hpp"

namespace visavis::usecases {
namespace {

constexpr std::uint64_t kMaxModelBytes = std::uint64_t{2} << 30U;
constexpr std::uint64_t kMaxPhotoBytes = std::uint64_t{64} << 20U;

/// A network that was read, and who runs it.
struct Network {
  NetworkFacts facts;
  graph::Graph graph;
  const runtime::Engine* engine = nullptr;
  runtime::Precision precision = runtime::Precision::kF32;

  /// Asked instead of the graph, which then tells of layers only, or is empty.
  std::shared_ptr<const runtime::Model> model{};

  [[nodiscard]] modelkit::Side side() const {
    return {.graph = model && graph.nodes.empty() ? nullptr : &graph,
            .engine = engine,
            .precision = precision,
            .model = model};
  }

  /// @pre an engine was chosen
  [[nodiscard]] Outcome<std::shared_ptr<const runtime::Model>> loaded() const {
    if (model) return model;
    runtime::LoadOptions options;
    options.precision = precision;
    VISAVIS_TRY(bytes, caused_by(Cause::kInput, graph::write_onnx(graph)));
    return caused_by(Cause::kEnvironment, engine->load(bytes, options));
  }
};

std::unexpected<Failure> about(const std::filesystem::path& path, Failure failure) {
  failure.error.message = path.string() + ": " + failure.error.message;
  return std::unexpected(std::move(failure));
}

Outcome<std::string> importer_of(const NetworkFile& file, const modelkit::Inspection& inside) {
  if (!file.importer.empty()) return file.importer;
  if (!inside.importer.empty()) return inside.importer;
  std::string text = file.path.string() +
                     ": how the layers are put together is not in this file (" + inside.format +
                     "); name it with --importer";
  for (const std::string& known : inside.importers)
    text += (&known == &inside.importers.front() ? ", perhaps " : " or ") + known;
  return usage(std::move(text));
}

/// "a, b, c"
std::string listed(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

std::uint64_t parameters_of(const graph::Graph& graph) {
  std::uint64_t count = 0;
  for (const graph::Tensor& tensor : graph.initializers) count += tensor.size();
  return count;
}

/// A tag or signature that is not there is a matter of usage.
template <class T>
Outcome<T> chosen(Result<T> found) {
  const bool is_unknown = !found && found.error().code == ErrorCode::kNotFound;
  return caused_by(is_unknown ? Cause::kUsage : Cause::kInput, std::move(found));
}

Outcome<Network> import_here(const NetworkFile& file, std::span<const modelkit::Part> parts) {
  const modelkit::Choice choice{.tag = file.choice.tag, .signature = file.choice.signature};
  VISAVIS_TRY(inside, chosen(modelkit::inspect(parts, choice)));
  VISAVIS_TRY(importer, importer_of(file, inside));
  VISAVIS_TRY(onnx, chosen(modelkit::import_parts(importer, parts, choice)));
  VISAVIS_TRY(graph, caused_by(Cause::kInput, graph::read_onnx(onnx)));
  Network network{.facts = {.path = file.model.empty() ? file.path.string() : file.model,
                            .format = std::move(inside.format),
                            .importer = std::move(importer),
                            .sha256 = hash_of(parts),
                            .files = facts_of(parts),
                            .engine = {},
                            .engine_version = {},
                            .precision = file.precision,
                            .parameters = parameters_of(graph)},
                  .graph = std::move(graph)};
  return network;
}

Outcome<Network> read_here(const NetworkFile& file) {
  VISAVIS_TRY(parts, caused_by(Cause::kInput, modelkit::read_parts(file.path)));
  return import_here(file, parts);
}

Outcome<void> choose_engine(Network& network, const std::string& engine,
                            const std::string& precision) {
  const auto found = runtime::find_engine(engine);
  if (!found)
    return std::unexpected(
        Failure(found.error().code == ErrorCode::kNotFound ? Cause::kUsage : Cause::kEnvironment,
                found.error()));
  VISAVIS_TRY(parsed, caused_by(Cause::kUsage, runtime::parse_precision(precision)));
  network.engine = *found;
  network.precision = parsed;
  network.facts.engine = std::string((*found)->name());
  network.facts.engine_version = (*found)->probe().version;
  network.facts.precision = precision;
  return {};
}

bool is_ir(const std::filesystem::path& path) { return path.extension() == ".xml"; }

std::filesystem::path weights_of(std::filesystem::path path) {
  return path.replace_extension(".bin");
}

NetworkFacts facts_of(const std::filesystem::path& path, const runtime::OpenVinoIr& ir) {
  const auto xml = std::as_bytes(std::span(ir.xml));
  std::vector<std::byte> both(xml.begin(), xml.end());
  both.insert(both.end(), ir.weights.begin(), ir.weights.end());
  return {.path = path.string(),
          .format = "OpenVINO IR",
          .importer = {},
          .sha256 = to_hex(sha256(both)),
          .files = {{.name = path.filename().string(),
                     .bytes = xml.size(),
                     .sha256 = to_hex(sha256(xml))},
                    {.name = weights_of(path).filename().string(),
                     .bytes = ir.weights.size(),
                     .sha256 = to_hex(sha256(ir.weights))}},
          .engine = {},
          .engine_version = {},
          .precision = {},
          .parameters = 0};
}

Outcome<Network> network_of(NetworkFacts facts, const runtime::OpenVinoIr& ir,
                            const std::string& precision) {
  VISAVIS_TRY(parsed, caused_by(Cause::kUsage, runtime::parse_precision(precision)));
  runtime::LoadOptions options;
  options.precision = parsed;
  VISAVIS_TRY(model, caused_by(Cause::kInput, runtime::load_openvino_ir(ir, options)));
  facts.engine = std::string(model->engine_name());
  if (const auto engine = runtime::find_engine(facts.engine))
    facts.engine_version = (*engine)->probe().version;
  facts.precision = precision;
  return Network{.facts = std::move(facts), .graph = {}, .model = std::move(model)};
}

Outcome<Network> read_ir(const NetworkFile& file) {
  VISAVIS_TRY(xml, caused_by(Cause::kInput, read_file(file.path, kMaxModelBytes)));
  auto weights = caused_by(Cause::kInput, read_file(weights_of(file.path), kMaxModelBytes));
  if (!weights) return about(weights_of(file.path), std::move(weights).error());
  const runtime::OpenVinoIr ir{.xml = {reinterpret_cast<const char*>(xml.data()), xml.size()},
                               .weights = *std::move(weights)};
  return network_of(facts_of(file.path, ir), ir, file.precision);
}

Outcome<Network> read_network(const NetworkFile& file) {
  // As OpenVINO reads it, if OpenVINO is to run it; else as we do.
  if (is_ir(file.path) && file.engine == "openvino") return read_ir(file);
  auto network = read_here(file);
  if (!network) {
    if (network.error().cause == Cause::kUsage &&
        network.error().error.code != ErrorCode::kNotFound)
      return network;
    return about(file.path, std::move(network).error());
  }
  VISAVIS_CHECK(choose_engine(*network, file.engine, file.precision));
  return network;
}

/// Pictures for a network with one input of N x 3 x H x W.
class ChipReader {
 public:
  static Outcome<ChipReader> make(const graph::Graph& graph, std::int64_t free_size) {
    const bool one = graph.inputs.size() == 1 && graph.inputs[0].shape.size() == 4;
    if (!one || graph.inputs[0].shape[1] != 3)
      return usage("photos can be shown to a network whose one input is N x 3 x H x W");
    const auto side = [&](std::int64_t n) { return static_cast<int>(n < 0 ? free_size : n); };
    return ChipReader(side(graph.inputs[0].shape[2]), side(graph.inputs[0].shape[3]));
  }

  [[nodiscard]] Outcome<modelkit::Sample> read(const std::string& path) const {
    VISAVIS_TRY(bytes, caused_by(Cause::kInput, read_file(path, kMaxPhotoBytes)));
    VISAVIS_TRY(decoded, caused_by(Cause::kInput, image::decode(bytes)));
    const ImageView picture = decoded.image.view();
    const Image chip = image::resize_bilinear(
        picture, {.x = 0, .y = 0, .width = picture.width, .height = picture.height}, width_,
        height_);
    const auto plane = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_);
    std::vector<float> values(3 * plane);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i % 3 * plane + i / 3] = (static_cast<float>(chip.bytes()[i]) - 127.5F) / 128;
    return modelkit::Sample{modelkit::tensor_of({1, 3, height_, width_}, values)};
  }

 private:
  ChipReader(int height, int width) : height_(height), width_(width) {}
  int height_;
  int width_;
};

/// @pre each of the paths holds a picture or is among the errors
std::unexpected<Failure> no_chips(const std::vector<Problem>& errors) {
  const Problem& first = errors.front();
  return std::unexpected(Failure(
      Cause::kInput, {first.failure.error.code, "none of the chips can be read: " + first.path +
                                                    ": " + first.failure.error.message}));
}

Outcome<modelkit::SampleSet> read_chips(const graph::Graph& graph, const Questions& questions,
                                        std::int64_t size, std::vector<Problem>& errors) {
  modelkit::SampleSet set{.kind = "chips", .samples = {}};
  if (questions.chips.empty()) return set;
  VISAVIS_TRY(reader, ChipReader::make(graph, size));
  Inputs inputs = collect_photos(questions.chips);
  errors = std::move(inputs.errors);
  for (const Photo& photo : inputs.photos) {
    auto sample = reader.read(photo.path);
    if (sample) {
      set.samples.push_back(*std::move(sample));
    } else {
      errors.push_back(problem(photo.path, std::move(sample).error()));
    }
  }
  if (set.samples.empty()) return no_chips(errors);
  return set;
}

DifferenceFacts facts_of(const modelkit::Difference& found) {
  return {.source = found.source,
          .result = found.result,
          .max_abs = found.max_abs,
          .max_relative = found.max_relative,
          .mean_abs = found.mean_abs,
          .mean_distance = found.mean_distance,
          .min_cosine = found.min_cosine,
          .finite = found.finite};
}

JudgementFacts facts_of(const modelkit::Judgement& judgement) {
  JudgementFacts facts{.inputs = judgement.kind,
                       .samples = judgement.samples,
                       .self_cosine = judgement.self_cosine,
                       .outputs = {}};
  std::ranges::transform(judgement.outputs, std::back_inserter(facts.outputs),
                         [](const auto& found) { return facts_of(found); });
  return facts;
}

DivergenceFacts facts_of(const modelkit::Divergence& found) {
  return {.op = found.op,
          .same_before = found.same,
          .difference = facts_of(found.difference),
          .source_shape = found.source_shape,
          .result_shape = found.result_shape};
}

Outcome<void> check_limits(const Questions& questions) {
  if (!(questions.max_abs.value_or(0) >= 0)) return usage("--max-abs is a number from 0");
  if (!(questions.max_relative.value_or(0) >= 0)) return usage("--max-relative is a number from 0");
  if (!(questions.min_cosine.value_or(0) <= 1)) return usage("--min-cosine is a number up to 1");
  if (questions.free_size.value_or(1) < 1) return usage("--size is a number from 1");
  if (questions.random == 0 && questions.chips.empty())
    return usage("without random inputs there must be chips");
  return {};
}

/// Whether inner values are rounded to steps.
bool is_quantized(const graph::Graph& graph) {
  return std::ranges::find(graph.nodes, "QuantizeLinear", &graph::Node::op) != graph.nodes.end();
}

/// What was asked for, or else what the form of the networks makes of them.
AnswerLimits limits_of(const Questions& questions, const graph::Graph& source, bool halves) {
  AnswerLimits limits;
  if (is_quantized(source)) {
    limits = {.max_relative = kInt8MaxRelative, .min_cosine = kInt8MinCosine};
  } else if (halves) {
    limits = {.max_relative = kHalfMaxRelative, .min_cosine = kHalfMinCosine};
  }
  if (questions.max_abs || questions.max_relative) {
    limits.max_abs = questions.max_abs.value_or(AnswerLimits{}.max_abs);
    limits.max_relative = questions.max_relative.value_or(0);
  }
  limits.min_cosine = questions.min_cosine.value_or(limits.min_cosine);
  return limits;
}

/// What stands for heights and widths that are free.
/// @return kInput for a size that was asked for and is too small, with one that is not
Outcome<std::int64_t> size_for(const Network& network, std::optional<std::int64_t> asked) {
  constexpr std::int64_t kLeast = 64;
  VISAVIS_TRY(reference, caused_by(Cause::kDefect, runtime::find_engine("reference")));
  const auto fits = modelkit::fitting_size(network.graph, asked.value_or(kLeast),
                                           runtime::evaluate_with(*reference));
  // What else shapes have against it is told by whoever needs them.
  if (!asked || !fits || *fits == *asked) return asked.value_or(fits.value_or(kLeast));
  return std::unexpected(Failure(
      Cause::kInput,
      {ErrorCode::kInvalidArgument, network.facts.path + ": " + std::to_string(*asked) +
                                        " is too small a height or width for its windows (--size " +
                                        std::to_string(*fits) + " is not)"}));
}

/// The height that the result is fixed to where the source's is free.
std::optional<std::int64_t> size_of(const Network& source, const Network& result) {
  const auto& free = source.graph.inputs;
  const auto& fixed = result.graph.inputs;
  for (std::size_t i = 0; i < std::min(free.size(), fixed.size()); ++i) {
    const bool are_pictures = free[i].shape.size() == 4 && fixed[i].shape.size() == 4;
    if (are_pictures && free[i].shape[2] < 0 && fixed[i].shape[2] > 0) return fixed[i].shape[2];
  }
  return std::nullopt;
}

modelkit::Limits limits_of(const AnswerLimits& limits) {
  return {.max_abs = limits.max_abs,
          .max_relative = limits.max_relative,
          .min_cosine = limits.min_cosine};
}

/// Asks both once more, as if nothing were rounded: what two int8 networks may differ by hides much
/// else. Needs networks that are read here, and limits that nobody gave.
Outcome<void> judge_unrounded(const Network& source, const Network& result,
                              std::span<const modelkit::SampleSet> sets, Equivalence& answer) {
  const bool own_limits =
      answer.questions.max_abs || answer.questions.max_relative || answer.questions.min_cosine;
  if (!is_quantized(source.graph) || own_limits || result.model || !answer.equivalent) return {};
  VISAVIS_TRY(reference, caused_by(Cause::kDefect, runtime::find_engine("reference")));
  const graph::Graph before = graph::drop_roundings(source.graph);
  const graph::Graph after = graph::drop_roundings(result.graph);
  const AnswerLimits limits{.max_relative = kUnroundedMaxRelative,
                            .min_cosine = kUnroundedMinCosine};
  VISAVIS_TRY(found,
              caused_by(Cause::kInput, modelkit::compare({.graph = &before, .engine = reference},
                                                         {.graph = &after, .engine = reference},
                                                         sets, limits_of(limits))));
  answer.unrounded_limits = limits;
  for (const modelkit::Judgement& judgement : found.judgements) {
    JudgementFacts facts = facts_of(judgement);
    facts.inputs += ", not rounded";
    answer.judgements.push_back(std::move(facts));
  }
  if (found.first) answer.first = facts_of(*found.first);
  answer.equivalent = found.equivalent;
  return {};
}

/// @param size  stands for a free height or width
Outcome<Equivalence> judge(const Network& source, const Network& result, const Questions& questions,
                           const AnswerLimits& limits, std::int64_t size) {
  Equivalence answer{
      .source = source.facts, .result = result.facts, .questions = questions, .limits = limits};
  VISAVIS_TRY(random,
              caused_by(Cause::kInput, modelkit::random_samples(source.graph, questions.random,
                                                                questions.seed, size)));
  VISAVIS_TRY(chips, read_chips(source.graph, questions, size, answer.errors));
  const std::vector<modelkit::SampleSet> sets = {std::move(random), std::move(chips)};
  const auto found = modelkit::compare(source.side(), result.side(), sets, limits_of(limits));
  if (!found) {
    const auto& whose = source.loaded() ? result : source;
    return about(whose.facts.path, Failure(Cause::kInput, found.error()));
  }
  answer.other_form = found->other_form;
  std::ranges::transform(found->judgements, std::back_inserter(answer.judgements),
                         [](const auto& judgement) { return facts_of(judgement); });
  if (found->first) answer.first = facts_of(*found->first);
  answer.equivalent = found->equivalent;
  VISAVIS_CHECK(judge_unrounded(source, result, sets, answer));
  return answer;
}

/// Before anything that takes long, for its lists may be wrong.
Outcome<std::optional<EffectTrial>> trial_of(const RecognitionTest* test, const Network& source,
                                             const AnswerLimits& limits) {
  if (test == nullptr) return std::nullopt;
  VISAVIS_TRY(trial, EffectTrial::make(*test, source.graph, limits.min_cosine));
  return trial;
}

/// Judges pairs of photos, too, if there is a trial that both networks can take.
Outcome<void> judge_photos(const std::optional<EffectTrial>& trial, const Network& result,
                           Equivalence& answer) {
  if (!trial || !answer.other_form.empty()) return {};
  VISAVIS_TRY(model, result.loaded());
  VISAVIS_TRY(effect, trial->run(std::move(model), answer.errors));
  answer.effect = std::move(effect);
  return {};
}

std::filesystem::path certificate_of(std::filesystem::path path) {
  path += ".certificate.json";
  return path;
}

Outcome<graph::Graph> simplified(const Network& source, const NetworkTarget& target) {
  if (!target.simplify) return source.graph;
  VISAVIS_TRY(reference, caused_by(Cause::kDefect, runtime::find_engine("reference")));
  return modelkit::simplify(source.graph, *reference);
}

/// What is to be written, and what rounding left of it.
struct Planned {
  graph::Graph graph;
  std::optional<HalvedFacts> halved{};
};

Outcome<Planned> target_graph(const Network& source, const NetworkTarget& target) {
  VISAVIS_TRY(graph, simplified(source, target));
  if (!target.halves) return Planned{.graph = std::move(graph)};
  VISAVIS_TRY(halved, caused_by(Cause::kInput, graph::halve_weights(std::move(graph))));
  HalvedFacts facts{.tensors = halved.tensors, .numbers = halved.numbers};
  for (graph::KeptFloat& kept : halved.kept)
    facts.kept.push_back({.name = std::move(kept.name), .reason = std::move(kept.reason)});
  if (halved.tensors == 0)
    return std::unexpected(Failure(
        Cause::kInput,
        {ErrorCode::kUnsupported,
         source.facts.path + ": none of its weights can be halves" +
             (facts.kept.empty() ? ""
                                 : ": of " + facts.kept[0].name + ", " + facts.kept[0].reason)}));
  return Planned{.graph = std::move(halved.graph), .halved = std::move(facts)};
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

struct Output {
  std::filesystem::path path;
  std::vector<std::byte> bytes;
};

/// What will be written, and the network that whoever reads it gets.
struct Made {
  Network network;
  std::vector<Output> outputs;
  std::optional<std::int64_t> fixed_size{};
};

Outcome<Made> make_ir(const graph::Graph& graph, const NetworkTarget& target) {
  VISAVIS_TRY(bytes, caused_by(Cause::kInput, graph::write_onnx(graph)));
  VISAVIS_TRY(ir, runtime::to_openvino_ir(bytes));
  NetworkFacts facts = facts_of(target.path, ir);
  facts.parameters = parameters_of(graph);
  VISAVIS_TRY(network, network_of(std::move(facts), ir, "f32"));
  VISAVIS_TRY(engine, caused_by(Cause::kEnvironment, runtime::find_engine("openvino")));
  network.graph = graph;  // what OpenVINO made it of: its layers are told by these names
  network.engine = engine;
  Made made{.network = std::move(network), .outputs = {}};
  made.outputs.push_back({.path = target.path, .bytes = bytes_of(ir.xml)});
  made.outputs.push_back({.path = weights_of(target.path), .bytes = std::move(ir.weights)});
  return made;
}

/// Written by one's exporter and read back by its importer.
/// @param size  for a format that cannot leave heights and widths free
Outcome<Made> make_parts(const modelkit::Exporter& exporter, const graph::Graph& graph,
                         const NetworkTarget& target, std::int64_t size) {
  auto written = modelkit::export_network(exporter, graph, target.path.stem().string(), size);
  if (!written) return about(target.path, Failure(Cause::kInput, std::move(written).error()));
  auto network = import_here({.path = target.path}, written->parts);
  if (!network) {
    // The format has it, but it cannot be read again here, so nothing would prove it the same.
    Failure failure = std::move(network).error();
    failure.cause = failure.error.code == ErrorCode::kUnsupported ? Cause::kInput : Cause::kDefect;
    failure.error.message = "the result cannot be compared: " + failure.error.message;
    return about(target.path, std::move(failure));
  }
  VISAVIS_CHECK(choose_engine(*network, target.engine, "f32"));
  Made made{.network = *std::move(network), .outputs = {}, .fixed_size = written->fixed_size};
  const std::filesystem::path folder = exporter.is_folder ? target.path : target.path.parent_path();
  for (modelkit::Part& part : written->parts)
    made.outputs.push_back({.path = folder / part.name, .bytes = std::move(part.bytes)});
  return made;
}

Outcome<Made> make(const graph::Graph& graph, const NetworkTarget& target, std::int64_t size) {
  if (is_ir(target.path)) return make_ir(graph, target);
  if (const modelkit::Exporter* exporter = modelkit::exporter_for(target.path))
    return make_parts(*exporter, graph, target, size);
  return usage(target.path.string() +
               ": the ending tells the format of the new network; known are " + target_endings());
}

/// The certificate last, so that it stands for files that are all there.
Outcome<void> publish(const std::vector<Output>& outputs) {
  std::vector<NewFile> files;
  for (const Output& output : outputs)
    files.push_back({.path = output.path, .bytes = output.bytes});
  return write_together(files);
}

}  // namespace

Outcome<ModelLayers> inspect_layers(const NetworkFile& file, const LayerQuestions& questions) {
  if (questions.free_size.value_or(1) < 1) return usage("--size is a number from 1");
  if (!questions.drawing.empty()) VISAVIS_CHECK(check_new(questions.drawing));
  VISAVIS_TRY(network, read_network(file));
  VISAVIS_TRY(size, size_for(network, questions.free_size));
  auto costs = modelkit::costs_of(graph::widen_halves(std::move(network.graph)), size,
                                  runtime::evaluate_with(*network.engine));
  if (!costs) return about(network.facts.path, Failure(Cause::kInput, std::move(costs).error()));
  ModelLayers answer{.path = network.facts.path,
                     .layers = {},
                     .multiply_adds = costs->multiply_adds,
                     .peak_bytes = costs->peak_bytes,
                     .drawing = questions.drawing};
  for (const modelkit::LayerCost& layer : costs->layers)
    answer.layers.push_back({.name = layer.name,
                             .op = layer.op,
                             .shape = layer.shape,
                             .multiply_adds = layer.multiply_adds,
                             .parameters = layer.parameters});
  if (!questions.drawing.empty())
    VISAVIS_CHECK(caused_by(
        Cause::kEnvironment,
        write_file(questions.drawing,
                   modelkit::draw(*costs,
                                  std::filesystem::path(network.facts.path).filename().string()))));
  return answer;
}

bool passed(const Equivalence& answer) {
  return answer.equivalent && (!answer.effect || answer.effect->passed);
}

Outcome<Equivalence> compare_networks(const NetworkFile& source, const NetworkFile& result,
                                      const Questions& questions, const RecognitionTest* test) {
  VISAVIS_CHECK(check_limits(questions));
  VISAVIS_TRY(before, read_network(source));
  if (before.model)
    return usage("what OpenVINO reads itself can only be the result: the source is read here");
  VISAVIS_TRY(after, read_network(result));
  const AnswerLimits limits = limits_of(questions, before.graph, false);
  VISAVIS_TRY(trial, trial_of(test, before, limits));
  const auto asked = questions.free_size ? questions.free_size : size_of(before, after);
  VISAVIS_TRY(size, size_for(before, asked));
  VISAVIS_TRY(answer, judge(before, after, questions, limits, size));
  VISAVIS_CHECK(judge_photos(trial, after, answer));
  return answer;
}

std::string source_formats() { return listed(modelkit::formats()); }

std::string target_endings() {
  std::vector<std::string_view> endings{".xml"};
  for (const modelkit::Exporter& exporter : modelkit::exporters())
    endings.push_back(exporter.suffix);
  std::ranges::sort(endings);
  return listed(endings);
}

Outcome<NetworkFile> find_network(const Places& places, NetworkFile file) {
  std::error_code ignored;
  if (std::filesystem::exists(file.path, ignored) || file.path.has_parent_path()) return file;
  VISAVIS_TRY(store, open_store(places));
  const std::string id = file.path.string();
  const auto manifest = std::ranges::find(store.manifests(), id, &models::Manifest::id);
  if (manifest == store.manifests().end())
    return std::unexpected(
        Failure(Cause::kInput,
                {ErrorCode::kNotFound, id + ": there is no such file, and no model of that name"}));
  if (manifest->files.size() != 1)
    return usage("the model " + id + " is not one network: give the file of one of them");
  const models::ModelFile& network = manifest->files.front();
  if (auto bytes = caused_by(Cause::kEnvironment, store.read(network)); !bytes)
    return about(file.path, std::move(bytes).error());
  file.path = store.path_of(network.onnx_sha256);
  file.importer = "onnx";
  file.model = id;
  return file;
}

namespace {

/// A folder may have a slash at its end.
NetworkTarget without_slash(NetworkTarget target) {
  if (target.path.has_filename()) return target;
  const std::filesystem::path path = target.path.parent_path();
  const modelkit::Exporter* exporter = modelkit::exporter_for(path);
  if (exporter != nullptr && exporter->is_folder) target.path = path;
  return target;
}

}  // namespace

Outcome<Equivalence> convert_network(const NetworkFile& source, const NetworkTarget& given,
                                     const Questions& questions, const Certify& certify,
                                     const RecognitionTest* test) {
  const NetworkTarget target = without_slash(given);
  VISAVIS_CHECK(check_limits(questions));
  VISAVIS_CHECK(check_new(target.path));
  VISAVIS_CHECK(check_new(certificate_of(target.path)));
  VISAVIS_TRY(before, read_network(source));
  const AnswerLimits limits = limits_of(questions, before.graph, target.halves);
  VISAVIS_TRY(trial, trial_of(test, before, limits));
  VISAVIS_TRY(planned, target_graph(before, target));
  VISAVIS_TRY(size, size_for(before, questions.free_size));
  VISAVIS_TRY(made, make(planned.graph, target, size));
  for (const Output& output : made.outputs) VISAVIS_CHECK(check_new(output.path));
  VISAVIS_TRY(answer, judge(before, made.network, questions, limits, size));
  answer.fixed_size = made.fixed_size;
  answer.halved = std::move(planned.halved);
  if (answer.equivalent) {
    VISAVIS_CHECK(judge_photos(trial, made.network, answer));
  }
  if (!passed(answer)) return answer;
  made.outputs.push_back({.path = certificate_of(target.path), .bytes = bytes_of(certify(answer))});
  VISAVIS_CHECK(publish(made.outputs));
  return answer;
}

}  // namespace visavis::usecases
