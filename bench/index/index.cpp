// visavis-bench-index KIND COUNT FOLDER [exact|hnsw]
//
// Searches COUNT vectors of KIND (spectrum, clusters, isotropic, or faces=FILE) and prints JSON.
// FILE has embeddings of real faces, f32, the first 64 of which are asked for; drawn ones are added
// up to COUNT. FOLDER gets the index file and, for the peers, rows.f16 and queries.f32 (plain
// numbers, row after row).

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>
#include <visavis/vocab/embedding.hpp>

#include "dot.hpp"
#include "measure.hpp"
#include "vectors.hpp"

namespace {

using namespace visavis;
using bench::kDimension;
using bench::kLikeness;
using bench::kPerPerson;
using bench::need;
using bench::Row;
using bench::seconds;

constexpr std::size_t kQueries = 64;
constexpr int kRepeats = 5;
constexpr std::size_t kBest = 10;
constexpr std::size_t kTile = 16;
constexpr std::size_t kChunk = 65536;  // vectors added at a time
constexpr std::size_t kCentres = 20000;

double fastest(const std::function<void()>& work, int repeats = kRepeats) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < repeats; ++i) best = std::min(best, seconds(work));
  return best;
}

double at_share(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

[[noreturn]] void refuse() {
  std::cerr << "usage: visavis-bench-index spectrum|clusters|isotropic|faces=FILE COUNT FOLDER "
               "[exact|hnsw]\n";
  std::exit(2);
}

struct World {
  std::function<Row(std::size_t person, std::size_t draw)> draw;
  std::size_t persons;
  std::size_t strangers;         ///< Of the queries, how many are of nobody in the gallery.
  std::vector<Row> faces{};      ///< Come before what is drawn.
  std::vector<Row> questions{};  ///< Instead of drawn queries.

  [[nodiscard]] Row row(std::size_t i) const {
    if (i < faces.size()) return faces[i];
    return draw(i % persons, i / persons);
  }
  [[nodiscard]] Row query(std::size_t q) const {
    if (q < questions.size()) return questions[q];
    return draw(q < strangers ? persons + q : q * 7919 % persons, 1000 + q);
  }
  [[nodiscard]] std::size_t group(std::size_t i) const {
    return i < faces.size() ? persons + i : i % persons;
  }
};

auto drawing(bench::Source source) {
  return [source = std::move(source)](std::size_t person, std::size_t draw) {
    return source.row(person, draw);
  };
}

World world_of_faces(const std::string& path, std::size_t count) {
  std::vector<Row> faces = bench::rows_in(path.c_str());
  if (faces.size() <= kQueries) refuse();
  const auto first = faces.begin() + static_cast<std::ptrdiff_t>(kQueries);
  std::vector<Row> questions(faces.begin(), first);
  faces.erase(faces.begin(), first);
  return {.draw = [mixer = bench::Mixer(faces, kLikeness)](
                      std::size_t person, std::size_t draw) { return mixer.row(person, draw); },
          .persons = std::max<std::size_t>(count / kPerPerson, 1),
          .strangers = 0,
          .faces = std::move(faces),
          .questions = std::move(questions)};
}

World world_of(std::string_view kind, std::size_t count) {
  std::vector<float> even(kDimension, 1);
  if (kind == "isotropic") return {drawing({std::move(even), 0}), count, kQueries};
  if (kind == "clusters") {
    return {drawing({std::move(even), kLikeness}),
            std::min(kCentres, std::max<std::size_t>(count / 5, 1)), 0};
  }
  if (kind.starts_with("faces=")) return world_of_faces(std::string(kind.substr(6)), count);
  auto deviations = bench::deviations_in(VISAVIS_SPECTRUM);
  if (kind != "spectrum" || deviations.empty()) refuse();
  return {drawing({std::move(deviations), kLikeness}), std::max<std::size_t>(count / kPerPerson, 1),
          kQueries / 2};
}

/// Brute force over the rows as stored, the measure of answers and of time.
std::vector<std::uint64_t> plain(std::span<const std::uint16_t> rows, const float* query) {
  std::vector<std::pair<float, std::uint64_t>> best;
  std::vector<float> scores(kTile);
  for (std::size_t i = 0; i < rows.size() / kDimension; ++i) {
    if (i % kTile == 0) {
      const std::size_t count = std::min(kTile, rows.size() / kDimension - i);
      index::dot_f16(&rows[i * kDimension], count, query, 1, kDimension, scores.data());
    }
    const float score = scores[i % kTile];
    if (best.size() == kBest && score <= best.back().first) continue;
    if (best.size() == kBest) best.pop_back();
    best.insert(std::ranges::upper_bound(best, std::pair(score, i),
                                         [](auto& a, auto& b) { return a.first > b.first; }),
                {score, i});
  }
  std::vector<std::uint64_t> keys;
  for (const auto& [similarity, key] : best) keys.push_back(key);
  return keys;
}

template <class T>
void write(const std::filesystem::path& path, std::span<const T> values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size_bytes()));
}

template <class T>
std::vector<T> read(const std::filesystem::path& path) {
  std::vector<T> values(std::filesystem::file_size(path) / sizeof(T));
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

/// Rows as stored, and the queries.
struct Data {
  std::vector<std::uint16_t> rows;
  std::vector<float> queries;
};

/// Makes the vectors and adds them. Gives the seconds that the index took.
double fill(index::VectorIndex& index, const World& world, std::size_t count, Data& data) {
  double taken = 0;
  std::vector<float> rows;
  std::vector<std::uint64_t> keys;
  std::vector<std::uint64_t> groups;
  data.rows.reserve(count * kDimension);
  for (std::size_t i = 0; i < count; ++i) {
    const Row row = world.row(i);
    rows.insert(rows.end(), row.begin(), row.end());
    keys.push_back(i);
    groups.push_back(world.group(i));
    if (keys.size() < kChunk && i + 1 < count) continue;
    taken += seconds([&] { need(index.add(keys, groups, rows)); });
    for (const float x : rows) data.rows.push_back(to_half(x));
    rows.clear();
    keys.clear();
    groups.clear();
  }
  for (std::size_t q = 0; q < kQueries; ++q) {
    const Row row = world.query(q);
    data.queries.insert(data.queries.end(), row.begin(), row.end());
  }
  return taken;
}

struct Answers {
  double median = 0;
  double p99 = 0;
  double first = 0;  ///< Share of queries whose best hit is the brute force's.
  double ten = 0;    ///< Share of the brute force's ten that were found.
};

Answers ask(const index::VectorIndex& index, const Data& data,
            std::span<const std::vector<std::uint64_t>> truth, index::Grouping grouping) {
  std::vector<double> times;
  Answers answers;
  for (std::size_t q = 0; q < kQueries; ++q) {
    const auto query = std::span(data.queries).subspan(q * kDimension, kDimension);
    std::vector<std::vector<index::Hit>> hits;
    times.push_back(
        fastest([&] { hits = need(index.search(query, 1, {.k = kBest, .grouping = grouping})); }));
    answers.first += hits[0][0].key == truth[q][0] ? 1 : 0;
    for (const index::Hit& hit : hits[0]) {
      if (std::ranges::find(truth[q], hit.key) != truth[q].end()) answers.ten += 1;
    }
  }
  answers.median = at_share(times, .5) * 1e3;
  answers.p99 = at_share(times, .99) * 1e3;
  answers.first /= kQueries;
  answers.ten /= static_cast<double>(kQueries * truth[0].size());
  return answers;
}

double per_second(const index::VectorIndex& index, const Data& data, Executor* executor) {
  return kQueries /
         fastest([&] { need(index.search(data.queries, kQueries, {.k = kBest}, executor)); });
}

void measure(std::string_view kind, std::size_t count, const std::filesystem::path& folder,
             index::IndexKind index_kind) {
  const World world = world_of(kind, count);
  const auto path = folder / ("index-" + std::string(to_string(index_kind)));
  Data data;
  double build = 0;
  double saving = 0;
  if (std::filesystem::exists(path)) {
    data = {.rows = read<std::uint16_t>(folder / "rows.f16"),
            .queries = read<float>(folder / "queries.f32")};
  } else {
    const auto fresh = need(index::make_index(index_kind, kDimension));
    build = fill(*fresh, world, count, data);
    saving = seconds(
        [&] { need(fresh->save(path, {.count = count, .generation = 1, .model = ModelId{1}})); });
    write(folder / "rows.f16", std::span<const std::uint16_t>(data.rows));
    write(folder / "queries.f32", std::span<const float>(data.queries));
  }
  index::Stamp stamp = need(index::read_stamp(path));
  std::unique_ptr<index::VectorIndex> index;
  const double opening = seconds([&] { index = need(index::open_index(path, stamp)); });

  std::vector<std::vector<std::uint64_t>> truth;
  std::vector<double> plain_times;
  for (std::size_t q = 0; q < kQueries; ++q) {
    plain_times.push_back(fastest(
        [&] {
          auto keys = plain(data.rows, &data.queries[q * kDimension]);
          if (truth.size() == q) truth.push_back(std::move(keys));
        },
        2));
  }
  const Answers single = ask(*index, data, truth, index::Grouping::kNone);
  const Answers grouped = ask(*index, data, truth, index::Grouping::kBestPerGroup);
  const auto pool = make_thread_pool(2);
  const double one = per_second(*index, data, nullptr);
  const double two = per_second(*index, data, pool.get());
  const std::vector<std::uint64_t> victim = {count / 2 + stamp.generation};  // another each time
  ++stamp.generation;
  --stamp.count;
  const double removal = seconds([&] { need(index->remove(victim, stamp)); });
  std::printf(
      "{\"kind\": \"%s\", \"index\": \"%s\", \"count\": %zu, \"ms\": %.4f, \"p99_ms\": %.4f, "
      "\"recall1\": %.4f, \"recall10\": %.4f, \"plain_ms\": %.4f, \"grouped_ms\": %.4f, "
      "\"batch_qps_1\": %.1f, \"batch_qps_2\": %.1f, \"bytes\": %zu, \"build_s\": %.2f, "
      "\"save_s\": %.2f, \"open_s\": %.3f, \"remove_ms\": %.2f}\n",
      std::string(kind.substr(0, kind.find('='))).c_str(),
      std::string(to_string(index_kind)).c_str(), count, single.median, single.p99, single.first,
      single.ten, at_share(plain_times, .5) * 1e3, grouped.median, one, two, index->memory_bytes(),
      build, saving, opening, removal * 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5) refuse();
  const std::string_view index = argc == 5 ? argv[4] : "exact";
  if (index != "exact" && index != "hnsw") refuse();
  measure(argv[1], std::strtoull(argv[2], nullptr, 10), argv[3],
          index == "hnsw" ? visavis::index::IndexKind::kHnsw : visavis::index::IndexKind::kExact);
}
