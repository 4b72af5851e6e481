#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>
#include <visavis/models/network.hpp>

namespace visavis::models {
namespace {

/// Stands in for an engine: its one output holds the sums of the three input planes.
class PlaneSums : public runtime::Model {
 public:
  explicit PlaneSums(runtime::Precision precision, float first_factor = 1)
      : precision_(precision), first_factor_(first_factor) {}
  std::span<const runtime::TensorSpec> inputs() const noexcept override { return inputs_; }
  std::span<const runtime::TensorSpec> outputs() const noexcept override { return outputs_; }
  std::string_view engine_name() const noexcept override { return "fake"; }
  runtime::Precision precision() const noexcept override { return precision_; }
  Result<std::unique_ptr<runtime::Session>> session() const override {
    return std::make_unique<Run>(first_factor_);
  }

 private:
  class Run : public runtime::Session {
   public:
    explicit Run(float first_factor) : first_factor_(first_factor) {}
    Result<std::vector<runtime::Tensor>> run(std::span<const runtime::TensorView> in) override {
      const auto* values = reinterpret_cast<const float*>(in[0].bytes.data());
      const auto plane = static_cast<std::ptrdiff_t>(in[0].shape[2] * in[0].shape[3]);
      std::vector<float> sums(3);
      for (std::ptrdiff_t c = 0; c < 3; ++c)
        sums[static_cast<std::size_t>(c)] =
            std::accumulate(values + c * plane, values + (c + 1) * plane, 0.0F);
      sums[0] *= first_factor_;
      runtime::Tensor out{.shape = {1, 3}, .bytes = std::vector<std::byte>(12)};
      std::memcpy(out.bytes.data(), sums.data(), 12);
      return std::vector{out};
    }

   private:
    float first_factor_;
  };
  runtime::Precision precision_;
  float first_factor_;
  std::vector<runtime::TensorSpec> inputs_ = {{.name = "input", .shape = {-1, 3, -1, -1}}};
  std::vector<runtime::TensorSpec> outputs_ = {{.name = "sums", .shape = {-1, 3}}};
};

/// The first row of the test chip, two pixels: (40, 170, 210) and (47, 172, 205); by hand from
/// docs/formats/manifest.md.
Network sample(std::vector<float> expected, float first_factor = 1,
               runtime::Precision precision = runtime::Precision::kF32) {
  Network network;
  network.manifest.preparation = {.scale = {1, 1, 1}};
  network.manifest.golden = {{.file = "network",
                              .width = 2,
                              .height = 1,
                              .output = "sums",
                              .values = std::move(expected),
                              .tolerance = {{"f32", .5}},
                              .provenance = "by hand"}};
  network.parts.emplace("network", std::make_shared<PlaneSums>(precision, first_factor));
  return network;
}

TEST(VerifyNetwork, PassesWhatIsRight) {
  const auto checks = verify_network(sample({87, 342, 415}));
  ASSERT_TRUE(checks);
  ASSERT_EQ(checks->size(), 1U);
  EXPECT_TRUE((*checks)[0].checked);
  EXPECT_TRUE((*checks)[0].passed);
  EXPECT_EQ((*checks)[0].difference, 0);
}

TEST(VerifyNetwork, ReadsEveryNthValue) {
  Network network = sample({87, 415});
  network.manifest.golden[0].stride = 2;
  EXPECT_EQ((*verify_network(network))[0].difference, 0);
}

TEST(VerifyNetwork, FailsWhatIsNot) {
  // Swapped channels, a wrong scale, another network, no number at all.
  Network swapped = sample({87, 342, 415});
  swapped.manifest.preparation.colour = ColourOrder::kBgr;
  EXPECT_FALSE((*verify_network(swapped))[0].passed);
  Network scaled = sample({87, 342, 415});
  scaled.manifest.preparation.scale[2] = .9F;
  EXPECT_FALSE((*verify_network(scaled))[0].passed);
  EXPECT_FALSE((*verify_network(sample({87, 342, 415}, 2)))[0].passed);
  EXPECT_FALSE(
      (*verify_network(sample({87, 342, 415}, std::numeric_limits<float>::quiet_NaN())))[0].passed);
}

TEST(VerifyNetwork, SaysNothingWithoutATolerance) {
  const auto checks = verify_network(sample({87, 342, 415}, 1, runtime::Precision::kBf16));
  EXPECT_FALSE((*checks)[0].checked);
  EXPECT_FALSE((*checks)[0].passed);
}

TEST(VerifyNetwork, RunsTheGoldensOfAFusionsMembers) {
  Network right = sample({87, 342, 415});
  right.manifest.id = "right";
  Network wrong = sample({87, 342, 415}, 2);
  wrong.manifest.id = "wrong";
  Network fusion;
  fusion.members = {std::make_shared<const Network>(std::move(right)),
                    std::make_shared<const Network>(std::move(wrong))};
  const auto checks = verify_network(fusion);
  ASSERT_TRUE(checks) << checks.error().message;
  ASSERT_EQ(checks->size(), 2U);
  EXPECT_EQ((*checks)[0].file, "right/network");
  EXPECT_TRUE((*checks)[0].passed);
  EXPECT_EQ((*checks)[1].file, "wrong/network");
  EXPECT_FALSE((*checks)[1].passed);
}

TEST(VerifyNetwork, RefusesAGoldenThatDoesNotFit) {
  EXPECT_EQ(verify_network(sample({1, 2, 3, 4})).error().code, ErrorCode::kModelMismatch);
  Network network = sample({1});
  network.manifest.golden[0].output = "other";
  EXPECT_EQ(verify_network(network).error().code, ErrorCode::kModelMismatch);
}

}  // namespace
}  // namespace visavis::models
