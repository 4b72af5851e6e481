#include "central_faces.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <visavis/tests/folder_test.hpp>

#include "bench_impl.hpp"
#include "embedding_cache.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

fs::path cache_root() {
  if (const char* own = std::getenv("VISAVIS_CACHE")) return own;
  const char* home = std::getenv("HOME");
  return fs::path(home == nullptr ? "" : home) / ".cache" / "visavis";
}

class CentralFacesTest : public tests::FolderTest {
 protected:
  void SetUp() override {
    if (!fs::exists(astronaut())) GTEST_SKIP() << "no photographs: run tools/fetch_photos.sh";
  }
  [[nodiscard]] static fs::path astronaut() { return cache_root() / "photos" / "astronaut.png"; }
  [[nodiscard]] CentralFaces look(const WorkbenchOptions& options = {}) const {
    const Places places{.manifests = {fs::path(VISAVIS_SOURCE_DIR) / "models"},
                        .models = cache_root() / "models",
                        .downloads = folder_ / "downloads",
                        .compiled = {},
                        .embeddings = folder_ / "embeddings"};
    auto bench = Workbench::open(places, options, {.second_look = true}, {});
    if (!bench || !bench->ready()) return {};
    return central_faces(bench->impl(), {{.path = astronaut().string(), .inside = "a"}}, {});
  }
};

/// Sums of the vector's numbers under eight patterns of signs (Walsh's): enough to notice a change,
/// too few to tell a face by.
std::array<double, 8> sums_of(const std::vector<float>& values) {
  std::array<double, 8> sums{};
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t k = 0; k < sums.size(); ++k)
      sums[k] += (__builtin_popcountll(i & (k + 1)) % 2 == 0 ? 1 : -1) * double{values[i]};
  return sums;
}

/// Embeddings of earlier versions must not pass for today's. If this fails because the way from
/// photo to embedding was changed on purpose: raise kEmbeddingPipeline, then note it here with the
/// new sums. (They prove nothing about right and wrong; the goldens of models, detection and
/// alignment do.)
TEST_F(CentralFacesTest, ChangedEmbeddingNeedsANewPipelineNumber) {
  constexpr int kNoted = 2;
  constexpr std::array<double, 8> kSums{3.2632, 1.1076, .1900,   -.1444,
                                        .4429,  .1424,  -1.6166, 1.1114};
  EXPECT_EQ(kEmbeddingPipeline, kNoted) << "note the number and its sums here";
  const CentralFaces looked = look();
  if (looked.faces.empty()) GTEST_SKIP() << "no models: run visavis models fetch";
  ASSERT_TRUE(looked.faces[0]);
  const auto sums = sums_of(looked.faces[0]->embedding.values);
  for (std::size_t k = 0; k < sums.size(); ++k)
    EXPECT_NEAR(sums[k], kSums[k], 2e-3) << "raise kEmbeddingPipeline";
}

TEST_F(CentralFacesTest, SecondLookIsTheFirstOne) {
  const CentralFaces first = look();
  if (first.faces.empty()) GTEST_SKIP() << "no models: run visavis models fetch";
  EXPECT_EQ(first.from_cache, 0U);
  const CentralFaces second = look();
  EXPECT_EQ(second.from_cache, 1U);
  ASSERT_TRUE(first.faces[0] && second.faces[0]);
  EXPECT_EQ(first.faces[0]->embedding.values, second.faces[0]->embedding.values);
  EXPECT_EQ(first.faces[0]->embedding.norm, second.faces[0]->embedding.norm);
  EXPECT_EQ(first.faces[0]->face.box, second.faces[0]->face.box);
  EXPECT_EQ(first.faces[0]->quality.score, second.faces[0]->quality.score);
}

TEST_F(CentralFacesTest, WhatDecidesTheEmbeddingIsNotMixed) {
  if (look().faces.empty()) GTEST_SKIP() << "no models: run visavis models fetch";
  for (const WorkbenchOptions& other :
       {WorkbenchOptions{.flip = true}, WorkbenchOptions{.min_face_px = 24},
        WorkbenchOptions{.thresholds = {.6F, .7F, .8F}}, WorkbenchOptions{.factor = .7},
        WorkbenchOptions{.engine = "reference"}, WorkbenchOptions{.detector = "faceplugin-detect"},
        WorkbenchOptions{.recogniser = "mobilefacenet-192"},
        WorkbenchOptions{.recogniser = "fusion-704"},
        WorkbenchOptions{.engine = "onnxruntime", .recogniser = "fusion-704"}}) {
    const CentralFaces looked = look(other);
    if (looked.faces.empty()) continue;  // a model that was not fetched
    EXPECT_EQ(looked.from_cache, 0U) << other.engine << other.detector << other.recogniser;
  }
  EXPECT_EQ(look({.threads = 1}).from_cache, 1U);
}

}  // namespace
}  // namespace visavis::usecases
