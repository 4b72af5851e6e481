// visavis-bench-graphs FILE COUNT THREADS [QUERIES]
//
// Graphs of ours and of hnswlib over the same COUNT vectors of faces, in one process. FILE has
// embeddings of real faces, plain f32, the first QUERIES of which are asked for; drawn ones are
// added up to COUNT (as `faces=FILE` of visavis-bench-index does). Prints a line of JSON for each
// build, and for each search with another number of rows in view: one query at a time, one thread.

#include <hnswlib/hnswlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/half.hpp>
#include <visavis/index/vector_index.hpp>

#include "dot.hpp"
#include "measure.hpp"
#include "vectors.hpp"

namespace {

using namespace visavis;
using bench::kDimension;
using bench::need;
using bench::Row;
using bench::seconds;

constexpr std::size_t kBest = 10;
constexpr std::size_t kTile = 16;
constexpr std::size_t kChunk = 65536;  // vectors added at a time
constexpr std::size_t kWarm = 20;      // queries asked before time is taken
constexpr std::size_t kLinks = 16;
constexpr std::size_t kBuildReach = 200;
constexpr std::array<std::size_t, 11> kOurReaches = {64,   128,  256,  512,  768, 1024,
                                                     1536, 2048, 3072, 4096, 8192};
constexpr std::array<std::size_t, 7> kTheirReaches = {64, 128, 256, 512, 1024, 2048, 4096};

/// All as they are after rounding to 16 bits, so that both sides compare the same numbers.
struct Data {
  std::vector<float> rows;
  std::vector<float> queries;
  std::vector<std::vector<std::uint64_t>> truth;

  [[nodiscard]] std::size_t count() const { return rows.size() / kDimension; }
  [[nodiscard]] std::size_t asked() const { return queries.size() / kDimension; }
  [[nodiscard]] const float* query(std::size_t q) const { return &queries[q * kDimension]; }
};

float rounded(float x) { return from_half(to_half(x)); }

Data draw(const char* path, std::size_t count, std::size_t asked, Executor& pool) {
  std::vector<Row> faces = bench::rows_in(path);
  if (faces.size() <= asked) {
    std::cerr << "FILE has too few rows\n";
    std::exit(1);
  }
  Data data{.rows = std::vector<float>(count * kDimension), .queries = {}, .truth = {}};
  for (std::size_t q = 0; q < asked; ++q)
    data.queries.insert(data.queries.end(), faces[q].begin(), faces[q].end());
  faces.erase(faces.begin(), faces.begin() + static_cast<std::ptrdiff_t>(asked));
  const bench::Mixer mixer(faces, bench::kLikeness);
  const std::size_t persons = std::max<std::size_t>(count / bench::kPerPerson, 1);
  pool.parallel_for(count, [&](std::size_t i, int) {
    const Row row = i < faces.size() ? faces[i] : mixer.row(i % persons, i / persons);
    std::ranges::transform(row, &data.rows[i * kDimension], rounded);
  });
  return data;
}

/// The ten best by brute force.
void find_truth(Data& data, Executor& pool) {
  using Scored = std::pair<float, std::uint64_t>;
  const auto better = [](const Scored& a, const Scored& b) { return a.first > b.first; };
  const auto workers = static_cast<std::size_t>(pool.concurrency());
  std::vector<std::vector<std::vector<Scored>>> best(workers);
  for (auto& mine : best) mine.resize(data.asked());
  pool.parallel_for(data.count() / kTile, [&](std::size_t tile, int worker) {
    std::vector<std::uint16_t> halves(kTile * kDimension);
    const float* from = &data.rows[tile * kTile * kDimension];
    std::transform(from, from + halves.size(), halves.begin(), to_half);
    std::vector<float> scores(kTile * data.asked());
    index::dot_f16(halves.data(), kTile, data.queries.data(), data.asked(), kDimension,
                   scores.data());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      auto& mine = best[static_cast<std::size_t>(worker)][i % data.asked()];
      const Scored found(scores[i], tile * kTile + i / data.asked());
      if (mine.size() == kBest && !better(found, mine.back())) continue;
      if (mine.size() == kBest) mine.pop_back();
      mine.insert(std::ranges::upper_bound(mine, found, better), found);
    }
  });
  for (std::size_t q = 0; q < data.asked(); ++q) {
    std::vector<Scored> all;
    for (const auto& mine : best) all.insert(all.end(), mine[q].begin(), mine[q].end());
    std::ranges::sort(all, better);
    auto& keys = data.truth.emplace_back();
    for (std::size_t i = 0; i < kBest; ++i) keys.push_back(all[i].second);
  }
}

/// Of this process, in bytes.
std::size_t resident() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// @param build Gives what the graph says of its own memory, 0 if nothing.
void print_build(const char* who, std::size_t count, std::size_t threads,
                 const std::function<std::size_t()>& build) {
  const std::size_t before = resident();
  std::size_t said = 0;
  const double took = seconds([&] { said = build(); });
  std::printf(
      "{\"graph\": \"%s\", \"count\": %zu, \"threads\": %zu, \"build_s\": %.2f, \"resident\": %zu, "
      "\"bytes\": %zu}\n",
      who, count, threads, took, resident() - before, said);
  std::fflush(stdout);
}

using Ask = std::function<std::vector<std::uint64_t>(const float* query)>;

void print_search(const char* who, std::size_t reach, const Data& data, const Ask& ask) {
  std::vector<std::vector<std::uint64_t>> found(data.asked());
  for (std::size_t q = 0; q < kWarm; ++q) ask(data.query(q));  // warm
  const double took = seconds([&] {
    for (std::size_t q = 0; q < data.asked(); ++q) found[q] = ask(data.query(q));
  });
  std::size_t first = 0;
  std::size_t ten = 0;
  for (std::size_t q = 0; q < data.asked(); ++q) {
    const auto& truth = data.truth[q];
    if (!found[q].empty() && found[q].front() == truth.front()) ++first;
    for (const std::uint64_t key : found[q])
      if (std::ranges::find(truth, key) != truth.end()) ++ten;
  }
  const auto asked = static_cast<double>(data.asked());
  std::printf(
      "{\"search\": \"%s\", \"count\": %zu, \"reach\": %zu, \"recall1\": %.4f, \"recall10\": %.4f, "
      "\"qps\": %.1f}\n",
      who, data.count(), reach, static_cast<double>(first) / asked,
      static_cast<double>(ten) / (asked * kBest), asked / took);
  std::fflush(stdout);
}

std::vector<std::uint64_t> keys_of(const std::vector<index::Hit>& hits) {
  std::vector<std::uint64_t> keys;
  for (const index::Hit& hit : hits) keys.push_back(hit.key);
  return keys;
}

/// In as many pieces as an index of a gallery is made.
void add_all(index::VectorIndex& ours, const Data& data, Executor* pool) {
  std::vector<std::uint64_t> keys(kChunk);
  for (std::size_t i = 0; i < data.count(); i += kChunk) {
    const std::size_t count = std::min(kChunk, data.count() - i);
    std::iota(keys.begin(), keys.end(), i);
    const auto some = std::span(keys).first(count);
    need(ours.add(some, some, std::span(data.rows).subspan(i * kDimension, count * kDimension),
                  pool));
  }
}

void measure_ours(const Data& data, index::IndexKind kind, Executor& pool) {
  const auto ours = need(index::make_index(kind, kDimension));
  const char* who = kind == index::IndexKind::kHnsw ? "visavis" : "visavis exact";
  print_build(who, data.count(), static_cast<std::size_t>(pool.concurrency()), [&] {
    add_all(*ours, data, &pool);
    return ours->memory_bytes();
  });
  for (const std::size_t reach : kOurReaches) {
    print_search(who, reach, data, [&](const float* query) {
      return keys_of(
          need(ours->search({query, kDimension}, 1, {.k = kBest, .reach = reach})).front());
    });
    if (kind == index::IndexKind::kExact) break;  // it has no reach
  }
}

void measure_hnswlib(const Data& data, Executor& pool) {
  hnswlib::InnerProductSpace space(kDimension);
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> theirs;
  print_build("hnswlib", data.count(), static_cast<std::size_t>(pool.concurrency()), [&] {
    theirs = std::make_unique<hnswlib::HierarchicalNSW<float>>(&space, data.count(), kLinks,
                                                               kBuildReach);
    theirs->addPoint(data.rows.data(), 0);
    pool.parallel_for(data.count() - 1, [&](std::size_t i, int) {
      theirs->addPoint(&data.rows[(i + 1) * kDimension], i + 1);
    });
    return std::size_t{0};
  });
  for (const std::size_t reach : kTheirReaches) {
    theirs->setEf(reach);
    print_search("hnswlib", reach, data, [&](const float* query) {
      auto found = theirs->searchKnn(query, kBest);  // the worst comes first
      std::vector<std::uint64_t> keys;
      for (; !found.empty(); found.pop()) keys.push_back(found.top().second);
      std::ranges::reverse(keys);
      return keys;
    });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 3 ? std::strtoull(argv[2], nullptr, 10) / kTile * kTile : 0;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 0;
  const std::size_t asked = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 500;
  if (count < 1000 || threads < 1 || asked < kWarm) {
    std::cerr << "usage: visavis-bench-graphs FILE COUNT THREADS [QUERIES]\n";
    return 2;
  }
  const auto pool = make_thread_pool(threads);
  Data data;
  const double drawing = seconds([&] { data = draw(argv[1], count, asked, *pool); });
  const double finding = seconds([&] { find_truth(data, *pool); });
  std::printf("{\"count\": %zu, \"queries\": %zu, \"draw_s\": %.1f, \"truth_s\": %.1f}\n", count,
              asked, drawing, finding);
  measure_ours(data, index::IndexKind::kHnsw, *pool);
  measure_hnswlib(data, *pool);
  measure_ours(data, index::IndexKind::kExact, *pool);
}
