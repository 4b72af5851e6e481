#include <algorithm>
#include <array>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/quantize.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/wire/json.hpp>

#include "table.hpp"
#include "verbs.hpp"
#include "workbench_options.hpp"

namespace visavis::cli {
namespace {

struct Given {
  usecases::WorkbenchOptions bench;
  std::string images;
  usecases::QuantizeRequest request;
  bool no_bias_correction = false;
  bool all_int8 = false;
  std::string weights = "int8";
};

struct LimitOption {
  const char* name;
  double usecases::QuantizeLimits::* value;
  const char* what;
};
constexpr auto kLimits = std::to_array<LimitOption>(
    {{"--min-cosine", &usecases::QuantizeLimits::min_cosine,
      "Mean cosine of both models' embeddings, at least"},
     {"--max-accuracy-loss", &usecases::QuantizeLimits::accuracy_loss, "On --pairs"},
     {"--max-tar-loss", &usecases::QuantizeLimits::tar_loss,
      "At FAR 1e-3 and 1e-4, as far as the pairs reach"},
     {"--min-same-faces", &usecases::QuantizeLimits::same_faces,
      "Share of a detector's faces that both models find, at least"},
     {"--min-overlap", &usecases::QuantizeLimits::overlap,
      "Intersection over union from which two boxes are the same face"},
     {"--max-size", &usecases::QuantizeLimits::size, "Share of the float file's bytes"},
     {"--min-speed", &usecases::QuantizeLimits::speed,
      "Times the float network's, in one thread"}});

/// Options that say how int8 is made.
constexpr auto kOfInt8 =
    std::to_array<const char*>({"--chips", "--method", "--kept", "--no-bias-correction",
                                "--weight-steps", "--whole", "--keep-float", "--all-int8"});

/// Limits that were not given are those of f16.
usecases::Outcome<void> ask_for_f16(const CLI::App& verb, usecases::QuantizeRequest& request) {
  for (const char* option : kOfInt8)
    if (verb.count(option) > 0)
      return std::unexpected(usecases::Failure(
          usecases::Cause::kUsage,
          {ErrorCode::kInvalidArgument, std::string(option) + " says how int8 is made, not f16"}));
  request.f16 = true;
  for (const LimitOption& limit : kLimits)
    if (verb.count(limit.name) == 0)
      request.limits.*limit.value = usecases::kF16Limits.*limit.value;
  return {};
}

/// Who names a detector and no recogniser means the detector.
bool is_detector(const CLI::App& verb) {
  return verb.count("--detector") > 0 && verb.count("--recogniser") == 0;
}

/// The layers that stay float, or would cost most.
std::string describe_layers(const usecases::Quantized& answer) {
  constexpr std::size_t kShown = 8;
  std::vector<usecases::QuantizedLayer> layers = answer.layers;
  std::ranges::stable_sort(layers, std::greater{}, [](const usecases::QuantizedLayer& layer) {
    return std::pair(layer.kept_float, layer.loss);
  });
  Table table({"LAYER", "OPERATOR", ">WEIGHTS", ">LOSS ALONE", "IS"});
  for (const usecases::QuantizedLayer& layer : layers) {
    const bool shown = layer.kept_float || &layer - layers.data() < std::ptrdiff_t{kShown};
    if (shown)
      table.add({printable(layer.name), layer.op, std::to_string(layer.weights),
                 fixed(layer.loss, 6), layer.kept_float ? "float" : "int8"});
  }
  return table.text();
}

/// How int8 was made, and what the other ways cost.
std::string describe_ways(const usecases::Quantized& answer) {
  Table methods({"METHOD", ">COSINE, ALL IN INT8"});
  for (const usecases::MethodFacts& tried : answer.tried)
    methods.add({tried.name, fixed(tried.cosine, 5)});
  return describe_layers(answer) + methods.text();
}

std::string describe(const usecases::Quantized& answer) {
  Table gate({"FIGURE", ">FLOAT", answer.f16 ? ">F16" : ">INT8", ">LIMIT", "ANSWER"});
  for (const usecases::GateFigure& figure : answer.gate)
    gate.add({figure.name, figure.before ? figure_text(*figure.before) : "-",
              figure_text(figure.after), figure_text(figure.limit),
              figure.passed ? "passed" : "FAILED"});
  std::string text = gate.text();
  if (!answer.f16) text += describe_ways(answer);
  if (answer.passed)
    text += "published: " + printable(answer.network.string()) + "; visavis models add " +
            printable(answer.manifest.string()) + " " + printable(answer.network.string()) + "\n";
  else
    text += "not published: a figure is beyond its limit\n";
  if (answer.faces)
    text += std::to_string(answer.faces->before) + " faces in float, " +
            std::to_string(answer.faces->after) + (answer.f16 ? " in f16, " : " in int8, ") +
            std::to_string(answer.faces->same) + " of them the same\n";
  return text + std::to_string(answer.observed) + (answer.faces ? " photos" : " chips") +
         " observed, " + std::to_string(answer.tested) + " photos tested\n" +
         (answer.tested == 0 ? "how well it still recognises people was NOT tested\n" : "") +
         cli::describe(answer.run);
}

int run_quantize(Desk& desk, Given& given) {
  given.request.bias_correction = !given.no_bias_correction;
  given.request.choose_float = !given.all_int8;
  const usecases::Inputs photos = usecases::collect_photos({given.images});
  const bool recogniser = !given.request.detector;
  auto bench = usecases::Workbench::open(desk.places, given.bench,
                                         {.recogniser = recogniser,
                                          .photos = photos.photos.size(),
                                          .second_look = recogniser,
                                          .chips = recogniser},
                                         desk.terminal.log_sink());
  if (!bench) return give_up(desk, bench.error());
  const auto certify = [](const usecases::Quantized& answer) { return wire::to_json(answer); };
  const auto answer = usecases::quantize(*bench, photos, given.request, certify,
                                         desk.terminal.progress("quantising"));
  if (!answer) return give_up(desk, answer.error());
  const int code = finish(desk, wire::to_json(*answer), describe(*answer), answer->errors);
  return std::max(code, answer->passed ? kDone : kCheckSaidNo);
}

void add_ways(CLI::App& verb, Given& given) {
  usecases::QuantizeRequest& request = given.request;
  verb.add_option("--weights", given.weights,
                  "int8, or f16: in half the bytes and computed with in f32; then the limits are "
                  "--min-cosine .9999, --max-size .55 and --min-speed .95 unless given")
      ->check(CLI::IsMember({"int8", "f16"}))
      ->capture_default_str();
  verb.add_option("--people", request.people, "Observe only these people's photos, one name a line")
      ->type_name("FILE");
  verb.add_option("--balance", request.balance,
                  "Observe as many of every kind: a table of attributes with a header, of each "
                  "person or path, with tabs between")
      ->type_name("FILE");
  verb.add_option("--seed", request.seed, "Decides which photos are observed")
      ->capture_default_str();
  verb.add_option("--chips", request.chips, "Faces to observe")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  verb.add_option("--held-out", request.held_out, "More faces, to compare methods and layers on")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  verb.add_option("--method", request.methods,
                  "How ranges are chosen: minmax, percentile, mse, entropy (default: the best)")
      ->delimiter(',');
  verb.add_option("--kept", request.kept, "Share of values that percentile leaves")
      ->check(finite())
      ->capture_default_str();
  verb.add_flag("--no-bias-correction", given.no_bias_correction,
                "Leave biases as they are though weights are rounded");
  verb.add_option("--weight-steps", request.weight_steps,
                  "The largest step of a weight; above 64 CPUs without VNNI go wrong")
      ->check(CLI::Range(1, 127))
      ->capture_default_str();
  verb.add_flag("--whole", request.whole,
                "Integers from end to end: also what layers make is rounded (for --engine tflite)");
  verb.add_option("--keep-float", request.keep_float, "Layers that stay float, by their output")
      ->delimiter(',')
      ->type_name("LAYER,...");
  verb.add_flag("--all-int8", given.all_int8,
                "Do not leave costly layers float until the cosine is good enough");
}

void add_gate(CLI::App& verb, usecases::QuantizeRequest& request) {
  verb.add_option("--pairs", request.pairs,
                  "Test on pairs: LFW's pairs.txt or TSV lines \"path path 1|0\" below --images")
      ->type_name("FILE");
  verb.add_option("--test-people", request.test_people,
                  "Test on all pairs of these people's photos, one name a line")
      ->type_name("FILE");
  verb.add_flag("--untested", request.untested,
                "Publish a recogniser without such a test, by cosines, size and speed alone");
  for (const LimitOption& limit : kLimits)
    verb.add_option(limit.name, request.limits.*limit.value, limit.what)
        ->check(finite())
        ->capture_default_str();
}

}  // namespace

void add_quantize_verb(VerbList& list) {
  auto given = std::make_shared<Given>();
  CLI::App* verb = list.add(
      list.program, "quantize",
      "Makes an int8 or f16 form of a recogniser, or with --detector alone of that detector, and "
      "publishes "
      "it if it is as good (exit 1 if not)",
      "quantize --recogniser faceplugin-512 --images lfw/images --people "
      "lfw/peopleDevTrain.txt --pairs lfw/pairs.txt --test-people lfw/peopleDevTest.txt "
      "--out int8");
  verb->add_option("--images", given->images, "Folder with a folder of photos for each person")
      ->required()
      ->type_name("DIR");
  verb->add_option("--out", given->request.out, "Folder for ID.onnx, ID.json, ID.certificate.json")
      ->required()
      ->type_name("DIR");
  verb->add_option("--id", given->request.id,
                   "Of the new model (default: the old one's and -int8 or -f16)");
  add_ways(*verb, *given);
  add_gate(*verb, given->request);
  add_workbench_options(*verb, given->bench, true);
  list.verbs.push_back({verb, [given, verb](Desk& desk) {
                          given->request.detector = is_detector(*verb);
                          if (given->weights == "f16")
                            if (const auto asked = ask_for_f16(*verb, given->request); !asked)
                              return give_up(desk, asked.error());
                          return run_quantize(desk, *given);
                        }});
}

}  // namespace visavis::cli
