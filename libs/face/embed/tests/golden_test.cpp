#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <visavis/align/align.hpp>
#include <visavis/core/file.hpp>
#include <visavis/embed/embedder.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/models/store.hpp>

#include "embedding_golden.hpp"

namespace visavis::embed {
namespace {

std::filesystem::path cache() {
  const char* set = std::getenv("VISAVIS_CACHE");
  if (set != nullptr) return set;
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : "/") / ".cache/visavis";
}

class EmbeddingGoldenTest : public testing::TestWithParam<std::pair<std::string, double>> {};

// From the photo's pixels to the vector: warp, colour order, mean and scale, file and engine.
TEST_P(EmbeddingGoldenTest, AgreesWithOpenCvAndOnnxRuntime) {
  const auto& [precision, least_cosine] = GetParam();
  const auto bytes = read_file(cache() / "photos/astronaut.png", 1 << 24);
  if (!bytes) GTEST_SKIP() << "astronaut.png is not in the cache's folder photos";
  const Image photo = image::decode(*bytes).value().image;
  // As make_golden.py has them.
  const Landmarks points{{{204.463F, 101.298F},
                          {246.953F, 103.325F},
                          {225.050F, 129.087F},
                          {202.150F, 139.801F},
                          {245.492F, 141.984F}}};
  const Chip chip = align::align_arcface(photo.view(), points).value();
  const ImageView view = chip.image.view();
  const auto store = models::Store::open({std::filesystem::path(VISAVIS_SOURCE_DIR) / "models"},
                                         cache() / "models")
                         .value();
  for (const EmbeddingGolden& golden : kEmbeddingGolden) {
    if (!store.has(store.find(golden.model).value()))
      GTEST_SKIP() << golden.model << " was not fetched";
    models::NetworkOptions options;
    options.load.precision = runtime::parse_precision(precision).value();
    auto network = models::load_network(store, golden.model, options);
    if (!network) GTEST_SKIP() << network.error().message;
    auto embedder =
        Embedder::open(std::make_shared<const models::Network>(*std::move(network))).value();
    const Embedding embedding = embedder.embed(std::span(&view, 1)).value().front();
    ASSERT_EQ(embedding.values.size(), golden.values.size());
    const double cosine = std::inner_product(embedding.values.begin(), embedding.values.end(),
                                             golden.values.begin(), 0.0);
    EXPECT_GE(cosine, least_cosine) << golden.model;
    EXPECT_NEAR(embedding.norm / golden.norm, 1, 10 * (1 - least_cosine)) << golden.model;
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, EmbeddingGoldenTest,
                         testing::Values(std::pair{"f32", .9999}, std::pair{"bf16", .999}),
                         [](const auto& test) { return test.param.first; });

}  // namespace
}  // namespace visavis::embed
