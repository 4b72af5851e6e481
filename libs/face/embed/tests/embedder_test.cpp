#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>
#include <visavis/embed/embedder.hpp>
#include <visavis/models/manifest.hpp>

namespace visavis::embed {
namespace {

using testing::ElementsAre;

constexpr int kSide = 4;

/// What a fake network was asked, and how it misbehaves.
struct Behaviour {
  std::int64_t batch = -1;
  float scale = 1;
  std::size_t missing = 0;  ///< Values left out of the output.
  std::vector<std::int64_t> seen{};
};

/// Answers each image with the first plane's (top left, top right, bottom left) values, as
/// [1, B · 3].
class FakeSession final : public runtime::Session {
 public:
  explicit FakeSession(std::shared_ptr<Behaviour> behaviour) : behaviour_(std::move(behaviour)) {}
  Result<std::vector<runtime::Tensor>> run(std::span<const runtime::TensorView> inputs) override {
    const auto* values = reinterpret_cast<const float*>(inputs[0].bytes.data());
    const auto batch = static_cast<std::size_t>(inputs[0].shape[0]);
    behaviour_->seen.push_back(inputs[0].shape[0]);
    std::vector<float> out;
    for (std::size_t i = 0; i < batch; ++i) {
      const float* image = values + i * 3 * kSide * kSide;
      for (const int at : {0, kSide - 1, (kSide - 1) * kSide})
        out.push_back(image[at] * behaviour_->scale);
    }
    out.resize(out.size() - behaviour_->missing);
    runtime::Tensor tensor{.type = runtime::ElementType::kFloat32,
                           .shape = {1, static_cast<std::int64_t>(out.size())},
                           .bytes = std::vector<std::byte>(out.size() * sizeof(float))};
    std::memcpy(tensor.bytes.data(), out.data(), tensor.bytes.size());
    return std::vector{tensor};
  }

 private:
  std::shared_ptr<Behaviour> behaviour_;
};

class FakeModel final : public runtime::Model {
 public:
  explicit FakeModel(std::shared_ptr<Behaviour> behaviour) : behaviour_(std::move(behaviour)) {
    inputs_[0].shape = {behaviour_->batch, 3, kSide, kSide};
  }
  std::span<const runtime::TensorSpec> inputs() const noexcept override { return inputs_; }
  std::span<const runtime::TensorSpec> outputs() const noexcept override { return outputs_; }
  Result<std::unique_ptr<runtime::Session>> session() const override {
    return std::make_unique<FakeSession>(behaviour_);
  }
  std::string_view engine_name() const noexcept override { return "fake"; }
  runtime::Precision precision() const noexcept override { return runtime::Precision::kF32; }

 private:
  std::shared_ptr<Behaviour> behaviour_;
  std::vector<runtime::TensorSpec> inputs_{1};
  std::vector<runtime::TensorSpec> outputs_{1};
};

std::shared_ptr<models::Network> network(std::shared_ptr<Behaviour> behaviour) {
  auto result = std::make_shared<models::Network>();
  result->manifest.id = "fake";
  result->manifest.role = models::Role::kRecogniser;
  result->manifest.dimension = 3;
  result->manifest.preparation = {.width = kSide, .height = kSide, .scale = {1, 1, 1}};
  result->parts["network"] = std::make_shared<FakeModel>(std::move(behaviour));
  return result;
}

/// Red: top left 3, top right 4 and bottom left 12, so that the norm is 13.
Image chip(std::uint8_t first = 3) {
  Image image(kSide, kSide);
  image.row(0)[0] = first;
  image.row(0)[3 * (kSide - 1)] = 4;
  image.row(kSide - 1)[0] = 12;
  return image;
}

std::vector<ImageView> views(const std::vector<Image>& images) {
  std::vector<ImageView> result;
  for (const Image& image : images) result.push_back(image.view());
  return result;
}

TEST(Embedder, GivesUnitVectorsAndKeepsTheNorm) {
  auto embedder = Embedder::open(network(std::make_shared<Behaviour>())).value();
  EXPECT_EQ(embedder.chip_side(), kSide);
  EXPECT_EQ(embedder.dimension(), 3);
  const auto one = embedder.embed(views({chip()})).value();
  ASSERT_EQ(one.size(), 1U);
  EXPECT_FLOAT_EQ(one[0].norm, 13);
  EXPECT_THAT(one[0].values, ElementsAre(3.F / 13, 4.F / 13, 12.F / 13));
  EXPECT_EQ(one[0].model, embedder.model());
  EXPECT_TRUE(embedder.embed({})->empty());
}

TEST(Embedder, KeepsTheOrderAcrossBatchesOfPowersOfTwo) {
  auto behaviour = std::make_shared<Behaviour>();
  auto embedder = Embedder::open(network(behaviour), {.max_batch = 4}).value();
  std::vector<Image> chips;
  for (std::uint8_t i = 0; i < 11; ++i) chips.push_back(chip(static_cast<std::uint8_t>(10 * i)));
  const auto all = embedder.embed(views(chips)).value();
  EXPECT_THAT(behaviour->seen, ElementsAre(4, 4, 2, 1));
  ASSERT_EQ(all.size(), 11U);
  for (std::size_t i = 0; i < 11; ++i)
    EXPECT_NEAR(all[i].values[0] * all[i].norm, 10 * static_cast<double>(i), 1e-4);
}

TEST(Embedder, AveragesWithTheMirrorImage) {
  auto behaviour = std::make_shared<Behaviour>();
  const auto shared = network(behaviour);
  auto embedder = Embedder::open(shared, {.max_batch = 16, .flip = true}).value();
  EXPECT_NE(embedder.model(), Embedder::open(shared)->model());
  const auto both = embedder.embed(views({chip(), chip(5)})).value();
  EXPECT_THAT(behaviour->seen, ElementsAre(4));
  // Mirrored, (3, 4, 12) is (4, 3, 0): the mean is (3.5, 3.5, 6), of norm √60.5.
  EXPECT_NEAR(both[0].norm, std::sqrt(60.5), 1e-5);
  EXPECT_NEAR(both[0].values[2], 6 / std::sqrt(60.5), 1e-6);
  EXPECT_NEAR(both[1].values[0] * both[1].norm, 4.5, 1e-5);
}

TEST(Embedder, FillsAFixedBatch) {
  auto behaviour = std::make_shared<Behaviour>();
  behaviour->batch = 2;
  auto embedder = Embedder::open(network(behaviour)).value();
  const auto all = embedder.embed(views({chip(1), chip(2), chip(3)})).value();
  EXPECT_THAT(behaviour->seen, ElementsAre(2, 2));
  EXPECT_NEAR(all[2].values[0] * all[2].norm, 3, 1e-5);
}

TEST(Embedder, MirrorsInAFixedBatchOfOne) {
  auto behaviour = std::make_shared<Behaviour>();
  behaviour->batch = 1;
  auto embedder = Embedder::open(network(behaviour), {.max_batch = 16, .flip = true}).value();
  const auto one = embedder.embed(views({chip()})).value();
  EXPECT_THAT(behaviour->seen, ElementsAre(1, 1));
  EXPECT_NEAR(one[0].norm, std::sqrt(60.5), 1e-5);
}

TEST(Embedder, RefusesAnotherChipSize) {
  auto embedder = Embedder::open(network(std::make_shared<Behaviour>())).value();
  const auto answer = embedder.embed(views({Image(kSide, kSide + 1)}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
}

TEST(Embedder, RefusesAnOutputThatIsNoVector) {
  const auto error_for = [](Behaviour behaviour) {
    auto embedder =
        Embedder::open(network(std::make_shared<Behaviour>(std::move(behaviour)))).value();
    const auto answer = embedder.embed(views({chip()}));
    return answer ? ErrorCode::kInternal : answer.error().code;
  };
  EXPECT_EQ(error_for({.missing = 1}), ErrorCode::kModelMismatch);
  EXPECT_EQ(error_for({.scale = 0}), ErrorCode::kModelMismatch);
  EXPECT_EQ(error_for({.scale = std::numeric_limits<float>::quiet_NaN()}),
            ErrorCode::kModelMismatch);
}

TEST(Embedder, RefusesNetworksThatAreNoRecogniser) {
  const auto good = network(std::make_shared<Behaviour>());
  EXPECT_EQ(Embedder::open(good, {.max_batch = 0}).error().code, ErrorCode::kInvalidArgument);
  auto detector = *good;
  detector.manifest.role = models::Role::kDetector;
  EXPECT_FALSE(Embedder::open(std::make_shared<models::Network>(detector)));
  auto oblong = *good;
  oblong.manifest.preparation.height = 3;
  EXPECT_FALSE(Embedder::open(std::make_shared<models::Network>(oblong)));
  auto large = *good;
  large.manifest.preparation = {.width = 8, .height = 8};
  EXPECT_EQ(Embedder::open(std::make_shared<models::Network>(large)).error().code,
            ErrorCode::kModelMismatch);
  auto empty = *good;
  empty.parts.clear();
  EXPECT_FALSE(Embedder::open(std::make_shared<models::Network>(empty)));
}

}  // namespace
}  // namespace visavis::embed
