// visavis-bench-folder COUNT FOLDER
//
// Makes a gallery of COUNT templates, four per person, in FOLDER, and prints as JSON how long it
// takes to open it up to the first answer, to identify, and to remove a person. A folder that is
// there already is taken as it is.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/gallery/gallery.hpp>
#include <visavis/vocab/embedding.hpp>

#include "measure.hpp"
#include "vectors.hpp"

namespace {

using namespace visavis;
using bench::need;
using bench::seconds;

constexpr std::size_t kProbes = 64;
constexpr std::size_t kRemovals = 9;
constexpr std::size_t kChunk = 16384;  // faces enrolled at a time
constexpr std::size_t kBest = 10;

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Embedding embedding(const bench::Source& source, std::size_t person, std::size_t draw) {
  const bench::Row row = source.row(person, draw);
  return {.model = ModelId{1}, .values = {row.begin(), row.end()}, .norm = 1};
}

std::string id_of(std::size_t person) { return "p" + std::to_string(person); }

void fill(const bench::Source& source, std::size_t count, const std::filesystem::path& folder) {
  const auto gallery = need(gallery::open_gallery(folder, gallery::OpenMode::kCreate));
  std::vector<gallery::NewFace> faces;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t person = i / bench::kPerPerson;
    gallery::NewFace face{.person = id_of(person), .face = {}};
    face.face.embedding = embedding(source, person, i % bench::kPerPerson);
    faces.push_back(std::move(face));
    if (faces.size() < kChunk && i + 1 < count) continue;
    need(gallery->enrol(faces));
    faces.clear();
  }
  need(gallery->identify(embedding(source, 0, 0), kBest));  // from now on there is an index
}

void measure(std::size_t count, const std::filesystem::path& folder) {
  const bench::Source source(bench::deviations_in(VISAVIS_SPECTRUM), bench::kLikeness);
  const double making =
      std::filesystem::exists(folder) ? 0 : seconds([&] { fill(source, count, folder); });
  const std::size_t persons = count / bench::kPerPerson;
  std::unique_ptr<gallery::Gallery> gallery;
  const double opening = 1e3 * seconds([&] {
                           gallery = need(gallery::open_gallery(folder, gallery::OpenMode::kWrite));
                           need(gallery->identify(embedding(source, 0, 0), kBest));
                         });
  std::vector<double> searches;
  std::size_t right = 0;
  for (std::size_t i = 0; i < kProbes; ++i) {
    const std::size_t person = i * 7919 % persons;
    const Embedding probe = embedding(source, person, 1000 + i);
    std::vector<gallery::Candidate> found;
    searches.push_back(1e3 * seconds([&] { found = need(gallery->identify(probe, kBest)); }));
    if (found.front().person == id_of(person)) ++right;
  }
  std::vector<double> removals;
  for (std::size_t i = 0; i < kRemovals; ++i) {
    const std::size_t gone = persons - gallery->persons();  // some by a run before
    const std::string victim = id_of((gone * 7919 + persons / 2) % persons);
    removals.push_back(1e3 * seconds([&] { need(gallery->remove_person(victim)); }));
  }
  std::printf(
      "{\"count\": %zu, \"make_s\": %.1f, \"open_ms\": %.1f, \"identify_ms\": %.3f, "
      "\"right\": %.3f, \"remove_ms\": %.2f}\n",
      count, making, opening, median(searches), static_cast<double>(right) / kProbes,
      median(removals));
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc == 3 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (count < kProbes * bench::kPerPerson) {
    std::cerr << "usage: visavis-bench-folder COUNT FOLDER\n";
    return 2;
  }
  measure(count, argv[2]);
}
