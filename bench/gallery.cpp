// What the encryption of a gallery costs: enrolment, opening with the first search, searches,
// removal. Vectors are random; nothing but the database and the index is measured.
//   visavis-bench-gallery [FACES [NAME]]   a line for each kind of gallery, or for one of them:
//                                          plain, no-file, encrypted

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/store/key.hpp>

namespace {

using namespace visavis;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kDimension = 512;
constexpr std::size_t kBatch = 128;  // as bulk enrolment writes them
constexpr int kRemovals = 20;
constexpr std::size_t kSearches = 65;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

gallery::Template face(std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(kDimension);
  double squares = 0;
  for (float& value : values) {
    value = normal(random);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  for (float& value : values) value = static_cast<float>(value / std::sqrt(squares));
  return {.embedding = {.model = ModelId{1}, .values = std::move(values), .norm = 20},
          .quality = .5F,
          .box = {.x = 1, .y = 2, .width = 100, .height = 100},
          .source = "album/photo.jpg"};
}

template <class T>
T need(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

double enrol(gallery::Gallery& people, std::size_t faces, std::mt19937& random) {
  double ms = 0;
  for (std::size_t done = 0; done < faces;) {
    std::vector<gallery::NewFace> batch;
    for (; batch.size() < kBatch && done < faces; ++done)
      batch.push_back({.person = "person " + std::to_string(done / 4), .face = face(random)});
    const auto start = Clock::now();
    need(people.enrol(batch));
    ms += ms_since(start);
  }
  return ms;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Of as many probes, each asked for once: of rows that nobody has needed before.
double median_search(const gallery::Gallery& people, std::mt19937& random) {
  std::vector<double> ms;
  for (std::size_t i = 0; i < kSearches; ++i) {
    const auto probe = face(random).embedding;
    const auto start = Clock::now();
    need(people.identify(probe, 1));
    ms.push_back(ms_since(start));
  }
  return median(ms);
}

/// Of as many persons, one after the other.
double median_removal(gallery::Gallery& people) {
  std::vector<double> ms;
  for (int i = 0; i < kRemovals; ++i) {
    const auto start = Clock::now();
    need(people.remove_person("person " + std::to_string(i * 7)));
    ms.push_back(ms_since(start));
  }
  return median(ms);
}

void measure(const char* name, std::size_t faces, const gallery::GalleryOptions& options) {
  std::string folder = (fs::temp_directory_path() / "visavis-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) std::exit(1);
  std::mt19937 random(1);
  double enrolled = 0;
  {
    const auto people = need(gallery::open_gallery(folder, gallery::OpenMode::kCreate, options));
    enrolled = enrol(*people, faces, random);
  }
  const auto probe = face(random).embedding;
  const auto search = [&] {
    const auto start = Clock::now();
    const auto people = need(gallery::open_gallery(folder, gallery::OpenMode::kWrite, options));
    need(people->identify(probe, 1));
    return ms_since(start);
  };
  const double first = search();
  const double second = search();
  const auto people = need(gallery::open_gallery(folder, gallery::OpenMode::kWrite, options));
  need(people->identify(probe, 1));
  const double searching = median_search(*people, random);
  const double removal = median_removal(*people);
  std::printf(
      "%-12s %8zu faces  enrol %7.0f ms  open and search %6.0f ms, again %6.0f ms  "
      "search %6.3f ms  remove %6.2f ms\n",
      name, faces, enrolled, first, second, searching, removal);
  fs::remove_all(folder);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t faces = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000;
  std::array<std::byte, store::Key::kBytes> bytes{};
  bytes.fill(std::byte{1});
  const std::string_view wanted = argc > 2 ? argv[2] : "";
  const std::array<std::pair<const char*, gallery::GalleryOptions>, 3> kinds{{
      {"plain", {}},
      {"no-file", {.index_file_from = std::numeric_limits<std::size_t>::max()}},
      {"encrypted", {.key = std::make_shared<const store::Key>(bytes)}},
  }};
  for (const auto& [name, options] : kinds)
    if (wanted.empty() || wanted == name) measure(name, faces, options);
}
