#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
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

/// Every file that is not rounded to int8 is proved to be its original, on all engines, and the
/// proof is of the file that is shipped. tools/certify_models.py makes it.
TEST(ShippedCertificates, AreOfTheShippedFiles) {
  const auto store = models::Store::open({fs::path(VISAVIS_SOURCE_DIR) / "models"}, {}).value();
  std::size_t proved = 0;
  for (const models::Manifest& manifest : store.manifests()) {
    for (const models::ModelFile& file : manifest.files) {
      if (file.int8) continue;
      const auto certificate =
          std::ranges::find(manifest.certificates, file.name, &models::Certificate::file);
      ASSERT_NE(certificate, manifest.certificates.end()) << manifest.id << ": " << file.name;
      EXPECT_EQ(certificate->source_sha256, file.sha256) << manifest.id << ": " << file.name;
      EXPECT_EQ(certificate->result_sha256, file.onnx_sha256) << manifest.id << ": " << file.name;
      std::set<std::string> engines;
      for (const models::CertifiedEngine& engine : certificate->engines) {
        engines.insert(engine.engine);
        EXPECT_GE(engine.min_cosine, .999999) << manifest.id << ", " << engine.engine;
        EXPECT_LE(engine.max_abs, 1e-3) << manifest.id << ", " << engine.engine;
      }
      for (const char* engine : {"onnxruntime", "openvino", "reference", "tflite"})
        EXPECT_TRUE(engines.contains(engine)) << manifest.id << ": " << engine;
      ++proved;
    }
  }
  EXPECT_GE(proved, 8U);
}

}  // namespace
}  // namespace visavis
