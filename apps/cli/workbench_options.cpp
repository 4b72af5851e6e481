#include "workbench_options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <system_error>
#include <vector>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/workbench.hpp>

#include "table.hpp"
#include "verbs.hpp"

namespace visavis::cli {
namespace {

/// "A,B,C" in one argument: a list option of the parser would take the photos that follow, too.
std::vector<float> numbers_of(const std::string& text) {
  std::vector<float> numbers;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    float number = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, number);
    if (error != std::errc{} || stop != text.data() + end)
      throw CLI::ValidationError("--thresholds",
                                 "wants numbers with commas between, like .6,.7,.7");
    numbers.push_back(number);
    begin = end + 1;
  }
  return numbers;
}

}  // namespace

void add_workbench_options(CLI::App& verb, usecases::WorkbenchOptions& options, bool recogniser) {
  verb.add_option("--engine", options.engine, "Inference engine; see `visavis engines`")
      ->capture_default_str();
  verb.add_option("--precision", options.precision, "f32, bf16, f16 or int8")
      ->capture_default_str();
  verb.add_option("--threads", options.threads, "Threads in all (0: one for each processor)")
      ->capture_default_str();
  verb.add_option("--detector", options.detector, "Detector; see `visavis models list`")
      ->type_name("ID")
      ->capture_default_str();
  verb.add_option("--landmarks", options.landmarks,
                  "Finds the five points for a detector that finds boxes only")
      ->type_name("ID")
      ->capture_default_str();
  verb.add_option("--min-face", options.min_face_px, "Smallest face side searched for")
      ->check(finite())
      ->type_name("PX")
      ->capture_default_str();
  verb.add_option_function<std::string>(
          "--thresholds",
          [&options](const std::string& text) { options.thresholds = numbers_of(text); },
          "The detector's thresholds: three for mtcnn (.6,.7,.7), one for others")
      ->type_name("A,B,C");
  verb.add_option("--factor", options.factor, "Ratio between the levels of mtcnn's pyramid")
      ->check(finite())
      ->capture_default_str();
  if (!recogniser) return;
  verb.add_option("--recogniser", options.recogniser, "Recogniser; see `visavis models list`")
      ->type_name("ID")
      ->capture_default_str();
  verb.add_flag("--flip", options.flip, "Average with the mirrored face's embedding");
}

CLI::Option* add_selection(CLI::App& verb, std::string& name) {
  return verb.add_option("--select", name, "Which face of several")
      ->check(CLI::IsMember({"largest", "center", "probability"}));
}

std::string describe(const usecases::RunFacts& run) {
  std::string text = run.engine + ", " + run.precision + ", " + std::to_string(run.threads) +
                     (run.threads == 1 ? " thread, " : " threads, ") + run.detector;
  if (!run.recogniser.empty()) text += " + " + run.recogniser;
  return text + "; ready after " + fixed(run.load_ms + run.warm_up_ms, 0) + " ms\n";
}

}  // namespace visavis::cli
