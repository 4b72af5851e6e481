#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>
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
};

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

std::string describe(const usecases::Quantized& answer) {
  Table gate({"FIGURE", ">FLOAT", ">INT8", ">LIMIT", "ANSWER"});
  for (const usecases::GateFigure& figure : answer.gate)
    gate.add({figure.name, figure.before ? figure_text(*figure.before) : "-",
              figure_text(figure.after), figure_text(figure.limit),
              figure.passed ? "passed" : "FAILED"});
  std::string text = gate.text() + describe_layers(answer);
  Table methods({"METHOD", ">COSINE, ALL IN INT8"});
  for (const usecases::MethodFacts& tried : answer.tried)
    methods.add({tried.name, fixed(tried.cosine, 5)});
  text += methods.text();
  if (answer.passed)
    text += "published: " + printable(answer.network.string()) + "; visavis models add " +
            printable(answer.manifest.string()) + " " + printable(answer.network.string()) + "\n";
  else
    text += "not published: a figure is beyond its limit\n";
  if (answer.faces)
    text += std::to_string(answer.faces->before) + " faces in float, " +
            std::to_string(answer.faces->after) + " in int8, " +
            std::to_string(answer.faces->same) + " of them the same\n";
  return text + std::to_string(answer.observed) + (answer.faces ? " photos" : " chips") +
         " observed, " + std::to_string(answer.tested) + " photos tested\n" +
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
  usecases::QuantizeLimits& limits = request.limits;
  const auto add = [&](const char* name, double& value, const char* what) {
    verb.add_option(name, value, what)->check(finite())->capture_default_str();
  };
  add("--min-cosine", limits.min_cosine, "Mean cosine of float and int8 embeddings, at least");
  add("--max-accuracy-loss", limits.accuracy_loss, "On --pairs");
  add("--max-tar-loss", limits.tar_loss, "At FAR 1e-3 and 1e-4, as far as the pairs reach");
  add("--min-same-faces", limits.same_faces,
      "Share of a detector's faces that float and int8 both find, at least");
  add("--min-overlap", limits.overlap,
      "Intersection over union from which two boxes are the same face");
  add("--max-size", limits.size, "Share of the float file's bytes");
  add("--min-speed", limits.speed, "Times the float network's, in one thread");
}

}  // namespace

void add_quantize_verb(VerbList& list) {
  auto given = std::make_shared<Given>();
  CLI::App* verb =
      list.add(list.program, "quantize",
               "Makes an int8 form of a recogniser, or with --detector alone of that detector, and "
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
                   "Of the new model (default: the old one's and -int8)");
  add_ways(*verb, *given);
  add_gate(*verb, given->request);
  add_workbench_options(*verb, given->bench, true);
  list.verbs.push_back({verb, [given, verb](Desk& desk) {
                          given->request.detector = is_detector(*verb);
                          return run_quantize(desk, *given);
                        }});
}

}  // namespace visavis::cli
