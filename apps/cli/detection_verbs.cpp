#include <cstdint>
#include <memory>
#include <string>
#include <visavis/usecases/evaluate.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/wire/json.hpp>

#include "measuring.hpp"
#include "table.hpp"
#include "verbs.hpp"
#include "workbench_options.hpp"

namespace visavis::cli {
namespace {

enum class Question : std::uint8_t { kFaces, kPoints };

struct Given {
  usecases::WorkbenchOptions bench;
  std::string truth;
};

std::string describe_points(const protocols::LandmarkErrors& errors) {
  Table table({">FACES", ">MEAN %", ">MEDIAN %", ">90TH PERCENTILE %", ">ABOVE 10 %"});
  table.add({std::to_string(errors.faces), with_interval(errors.mean, errors.mean_interval),
             percent(errors.median), percent(errors.ninetieth), percent(errors.above_tenth)});
  return table.text();
}

std::string describe(const usecases::EvaluatedDetection& detection) {
  const auto& report = detection.report;
  Table table({">FACES", ">DETECTIONS", ">RECALL %", ">PRECISION %", ">AP"});
  table.add({std::to_string(report.faces), std::to_string(report.detections),
             report.recall ? with_interval(*report.recall) : "-",
             report.precision ? with_interval(*report.precision) : "-",
             report.average_precision ? fixed(*report.average_precision, 4) : "-"});
  return table.text() + (report.landmarks ? describe_points(*report.landmarks) : "") +
         std::to_string(report.images) + " photos, " + std::to_string(report.failed_images) +
         " that could not be read\n" + cli::describe(detection.run);
}

int run(Desk& desk, const Given& given, Question question) {
  const auto truth = usecases::read_truth(given.truth);
  if (!truth) return give_up(desk, truth.error());
  if (question == Question::kPoints && truth->truth.kind != protocols::TruthKind::kPoints)
    return give_up(desk, {usecases::Cause::kInput,
                          {ErrorCode::kInvalidArgument, given.truth + ": has no points"}});
  auto bench = usecases::Workbench::open(desk.places, given.bench,
                                         {.recogniser = false, .photos = truth->photos.size()},
                                         desk.terminal.log_sink());
  if (!bench) return give_up(desk, bench.error());
  const auto answer =
      usecases::evaluate_detection(*bench, *truth, desk.terminal.progress("detecting"));
  if (!answer) return give_up(desk, answer.error());
  return finish(desk, wire::to_json(*answer), describe(*answer), answer->errors);
}

void add(VerbList& list, CLI::App& evaluate, Question question, const std::string& name,
         const std::string& what, const std::string& lines) {
  auto given = std::make_shared<Given>();
  CLI::App* verb = list.add(evaluate, name, what, "evaluate " + name + " --truth faces.tsv");
  verb->add_option(
          "--truth", given->truth,
          lines + ", with tabs between; paths are absolute or relative to the list's folder")
      ->required()
      ->type_name("FILE");
  add_workbench_options(*verb, given->bench, false);
  list.verbs.push_back(
      {verb, [given, question](Desk& desk) { return run(desk, *given, question); }});
}

}  // namespace

void add_detection(VerbList& list, CLI::App& evaluate) {
  add(list, evaluate, Question::kFaces, "detection",
      "How many of the faces a detector finds, and how many of its finds are faces",
      "Lines path, n_faces, or a line for each face: path, x, y, width, height, or path and five "
      "points");
  add(list, evaluate, Question::kPoints, "landmarks",
      "How far the five points are from where they should be, in shares of the eyes' distance",
      "A line for each face: path, then x and y of left eye, right eye, nose, left and right mouth "
      "corner as seen in the photo");
}

}  // namespace visavis::cli
