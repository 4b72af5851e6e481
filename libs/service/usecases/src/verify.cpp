#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "bench_impl.hpp"
#include "criterion.hpp"
#include "decisions.hpp"
#include "visavis/usecases/people.hpp"

namespace visavis::usecases {
namespace {

void note(const LogSink& sink, Verification& answer, const Photo& photo, const Analysed& analysed) {
  for (const std::string& warning : analysed.photo.warnings)
    answer.warnings.push_back(photo.path + ": " + warning);
  if (analysed.faces_found < 2) return;
  answer.warnings.push_back(photo.path + ": " + std::to_string(analysed.faces_found) +
                            " faces were found, one was selected");
  log(sink, LogLevel::kWarning, answer.warnings.back());
}

}  // namespace

Outcome<Verification> verify(Workbench& bench, const Photo& a, const Photo& b,
                             const Criterion& criterion, Selection selection) {
  VISAVIS_TRY(bar, find_bar(bench.impl(), criterion));
  VISAVIS_TRY(run, bench.ready());
  Verification answer{.run = std::move(run), .bar = std::move(bar)};
  const std::vector<Photo> photos{a, b};
  auto results = analyse_photos(bench.impl(), photos, selection, {});
  std::array<const pipeline::FaceRecord*, 2> records{};
  for (std::size_t i = 0; i < 2; ++i) {
    if (!results[i]) {
      answer.errors.push_back(problem(photos[i].path, results[i].error()));
      continue;
    }
    note(bench.impl().sink, answer, photos[i], *results[i]);
    if (results[i]->faces.empty() || results[i]->faces.front().embedding.values.empty())
      answer.errors.push_back(no_face(photos[i].path));
    else
      records[i] = results[i]->faces.data();
  }
  if (records[0] == nullptr || records[1] == nullptr) return answer;
  judge_pair(bench.impl(), criterion, *records[0], *records[1], answer);
  return answer;
}

}  // namespace visavis::usecases
