#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <visavis/core/file.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/store.hpp>

namespace visavis {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  const auto bytes = read_file(path, 1 << 20).value();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A calibration of another ModelId would be left out without anybody asking for it.
TEST(ShippedCalibrations, BelongToTheShippedManifests) {
  const fs::path folder = fs::path(VISAVIS_SOURCE_DIR) / "models";
  std::size_t recognisers = 0;
  const auto store = models::Store::open({folder}, {}).value();
  EXPECT_TRUE(store.refused().empty());
  for (const models::Manifest& manifest : store.manifests()) {
    if (manifest.role != models::Role::kRecogniser) continue;
    ++recognisers;
    for (const bool flip : {false, true}) {
      const fs::path path =
          folder / "calibration" / (manifest.id + (flip ? ".flip.json" : ".json"));
      const auto calibration = matching::parse_calibration(text_of(path));
      ASSERT_TRUE(calibration) << manifest.id << ": " << calibration.error().message;
      EXPECT_EQ(matching::to_text(calibration->model), models::to_hex(model_id(manifest, flip)))
          << manifest.id << (flip ? ", flip" : "")
          << ": run visavis calibrate, see docs/accuracy.md";
      EXPECT_EQ(calibration->norm.has_value(), manifest.norm_is_quality) << manifest.id;
      EXPECT_FALSE(calibration->by_far.empty()) << manifest.id;
      // identify's default, in a gallery of any size up to a million.
      for (const std::uint64_t people :
           {std::uint64_t{1}, std::uint64_t{500}, std::uint64_t{1'000'000}})
        EXPECT_TRUE(matching::threshold_at_fpir(*calibration, .01, people)) << manifest.id;
      EXPECT_TRUE(calibration->probability) << manifest.id;
    }
  }
  EXPECT_GE(recognisers, 2U);
}

}  // namespace
}  // namespace visavis
