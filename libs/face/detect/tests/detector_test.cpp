#include "visavis/detect/detector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>
#include <vector>
#include <visavis/image/resize.hpp>

#include "network_part.hpp"
#include "photographs.hpp"
#include "proposal.hpp"
#include "pyramid.hpp"
#include "refine.hpp"
#include "screen.hpp"
#include "side_by_side.hpp"
#include "trained.hpp"

namespace visavis::detect {
namespace {

std::shared_ptr<models::Network> empty_network(const std::string& family) {
  auto network = std::make_shared<models::Network>();
  network->manifest.id = "test";
  network->manifest.family = family;
  network->manifest.preparation.width = 320;
  network->manifest.preparation.height = 240;
  return network;
}

ErrorCode refusal(const DetectorOptions& options, const std::string& family = "mtcnn") {
  const auto detector = open_detector(empty_network(family), options);
  EXPECT_FALSE(detector);
  EXPECT_FALSE(detector.error().message.empty());
  EXPECT_EQ(detector.error().message.find('\n'), std::string::npos);
  return detector.error().code;
}

TEST(OpenDetector, RefusesOptionsOutsideTheirDomain) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const float nanf = std::numeric_limits<float>::quiet_NaN();
  for (const double min_face : {0.0, -20.0, 0.5, nan, std::numeric_limits<double>::infinity()})
    EXPECT_EQ(refusal({.min_face_px = min_face}), ErrorCode::kInvalidArgument) << min_face;
  for (const double factor : {0.0, 1.0, 1.5, -0.5, 0.99999999, 0.991, nan})
    EXPECT_EQ(refusal({.factor = factor}), ErrorCode::kInvalidArgument) << factor;
  for (const std::vector<float>& thresholds :
       std::vector<std::vector<float>>{{0.6F},
                                       {0.6F, 0.7F},
                                       {0.6F, 0.7F, 0.7F, 0.7F},
                                       {0.6F, nanf, 0.7F},
                                       {0.6F, 0.7F, 1.1F},
                                       {-0.1F, 0.7F, 0.7F}})
    EXPECT_EQ(refusal({.thresholds = thresholds}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal({.thresholds = {0.6F, 0.7F, 0.7F}}, "ultraface"), ErrorCode::kInvalidArgument);
}

TEST(OpenDetector, RefusesNetworksThatAreNoDetectors) {
  EXPECT_EQ(refusal({}, "embedding"), ErrorCode::kModelMismatch);
  EXPECT_EQ(refusal({}, "mtcnn"), ErrorCode::kModelMismatch);  // without pnet, rnet, onet
  EXPECT_EQ(refusal({}, "ultraface"), ErrorCode::kModelMismatch);
  EXPECT_EQ(open_detector(nullptr, {}).error().code, ErrorCode::kInvalidArgument);
}

TEST(ReadPnet, RefusesWeightsThatAreNotMtcnns) {
  const auto mtcnn = network("mtcnn", "auto");
  if (!mtcnn) GTEST_SKIP() << mtcnn.error();
  const graph::Graph& pnet = *(*mtcnn)->data.at("pnet").graph;
  ASSERT_TRUE(read_pnet(pnet));
  EXPECT_EQ(read_rnet(pnet).error().code, ErrorCode::kModelMismatch);
  graph::Graph broken = pnet;
  for (graph::Tensor& tensor : broken.initializers)
    if (auto* values = std::get_if<std::vector<float>>(&tensor.values))
      values->front() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(read_pnet(broken).error().code, ErrorCode::kModelMismatch);
}

/// With the real networks, where they are.
class Detectors : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto found = network(GetParam(), "auto");
    if (!found) GTEST_SKIP() << found.error();
    network_ = *found;
  }
  [[nodiscard]] std::unique_ptr<Detector> open(const DetectorOptions& options = {}) const {
    auto detector = open_detector(network_, options);
    EXPECT_TRUE(detector) << detector.error().message;
    return *std::move(detector);
  }
  std::shared_ptr<const models::Network> network_;
};

TEST_P(Detectors, FindNothingInPicturesTooSmallForAFace) {
  const auto detector = open();
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 300}, {11, 11}, {12, 12}, {13, 19}}) {
    const Image image = pattern(width, height);
    const auto faces = detector->detect(std::array{image.view()});
    ASSERT_TRUE(faces) << faces.error().message;
    EXPECT_THAT(*faces, testing::ElementsAre(testing::IsEmpty())) << width << " x " << height;
  }
}

TEST_P(Detectors, TakeOddShapes) {
  const auto detector = open();
  for (const auto& [width, height] : {std::pair{10'000, 12}, {12, 10'000}, {5'000, 21}, {21, 20}}) {
    const Image image(width, height);
    const auto faces = detector->detect(std::array{image.view()});
    ASSERT_TRUE(faces) << faces.error().message;
    EXPECT_EQ(faces->size(), 1U);
  }
}

TEST_P(Detectors, RefusePicturesWithoutPixels) {
  const auto detector = open();
  const Image image = pattern(40, 40);
  const auto faces = detector->detect(std::array{image.view(), ImageView{}});
  ASSERT_FALSE(faces);
  EXPECT_EQ(faces.error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(detector->detect({})->empty());
}

TEST_P(Detectors, AnswerForABatchAsForItsPictures) {
  std::vector<Image> pictures;
  for (const std::size_t k : {0U, 31U, 43U, 44U, 12U, 98U}) {
    auto picture = picture_of(golden()["photographs"][k]);
    if (picture) pictures.push_back(*std::move(picture));
  }
  pictures.push_back(pattern(64, 48));
  std::vector<ImageView> views;
  for (const Image& picture : pictures) views.push_back(picture.view());
  const auto detector = open();
  const auto together = detector->detect(views);
  ASSERT_TRUE(together) << together.error().message;
  ASSERT_EQ(together->size(), views.size());
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto alone = detector->detect(std::array{views[i]});
    ASSERT_TRUE(alone) << alone.error().message;
    const std::vector<Face>& a = together->at(i);
    const std::vector<Face>& b = alone->front();
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t k = 0; k < a.size(); ++k) {
      EXPECT_NEAR(a[k].box.x, b[k].box.x, 0.01) << i;
      EXPECT_NEAR(a[k].box.width, b[k].box.width, 0.01) << i;
      EXPECT_NEAR(a[k].confidence, b[k].confidence, 1e-4) << i;
    }
  }
}

TEST_P(Detectors, DropFacesBelowTheMinimum) {
  const auto picture = picture_of(golden()["photographs"][43]);  // one face of some 110 px
  if (!picture) GTEST_SKIP() << picture.error();
  EXPECT_EQ(open({.min_face_px = 40})->detect(std::array{picture->view()})->front().size(), 1U);
  EXPECT_TRUE(open({.min_face_px = 300})->detect(std::array{picture->view()})->front().empty());
}

INSTANTIATE_TEST_SUITE_P(Models, Detectors, testing::Values("mtcnn", "faceplugin-detect"),
                         [](const auto& test) {
                           return std::string(test.param) == "mtcnn" ? "mtcnn" : "fast";
                         });

std::vector<float> pixels_of(const ImageView& view, const Level& level) {
  std::vector<float> pixels(static_cast<std::size_t>(3 * level.width * level.height));
  image::resize_area_planar(view, {0, 0, view.width, view.height}, level.width, level.height,
                            127.5F, 0.0078125F, pixels.data(), level.width,
                            std::ptrdiff_t{level.width} * level.height);
  return pixels;
}

/// P-Net's answer for a whole level.
struct LevelMaps {
  std::vector<runtime::Tensor> maps;
  int width = 0;
  int height = 0;

  [[nodiscard]] float score(int x, int y) const {
    return maps[0].floats()[static_cast<std::size_t>((height + y) * width + x)];
  }
  [[nodiscard]] float shift(int k, int x, int y) const {
    return maps[1].floats()[static_cast<std::size_t>((k * height + y) * width + x)];
  }
};

LevelMaps look(NetworkPart& pnet, const ImageView& view, const Level& level) {
  auto maps = pnet.run(pixels_of(view, level), {1, 3, level.height, level.width});
  if (!maps) throw std::runtime_error(maps.error().message);
  LevelMaps result{.maps = *std::move(maps)};
  result.height = static_cast<int>(result.maps[0].shape[2]);
  result.width = static_cast<int>(result.maps[0].shape[3]);
  return result;
}

constexpr std::array<std::int64_t, 2> kScoresAndShifts{2, 4};

TEST(ProposalNet, SeesInWindowsWhatItSeesInTheLevel) {
  const auto mtcnn = network("mtcnn", "auto");
  if (!mtcnn) GTEST_SKIP() << mtcnn.error();
  auto pnet = ProposalNet::open(**mtcnn);
  auto alone = NetworkPart::open(**mtcnn, "pnet", kScoresAndShifts);
  ASSERT_TRUE(pnet && alone);
  // The last is cut into bands.
  const std::vector<Image> pictures{pattern(321, 243), pattern(640, 150), pattern(90, 201),
                                    pattern(3001, 757)};
  std::vector<ImageView> views;
  std::vector<std::vector<Level>> pyramids;
  for (const Image& picture : pictures) {
    views.push_back(picture.view());
    pyramids.push_back(*make_pyramid(picture.width(), picture.height(), 20, 0.709));
  }
  const auto cells = pnet->find_cells(views, pyramids, 0);  // all of them
  std::map<std::tuple<int, int, int, int>, const Cell*> by_place;
  for (const Cell& c : cells) by_place[{c.image, c.level, c.y, c.x}] = &c;
  std::size_t all = 0;
  for (int i = 0; i < static_cast<int>(views.size()); ++i) {
    const auto& levels = pyramids[static_cast<std::size_t>(i)];
    for (int k = 0; k < static_cast<int>(levels.size()); ++k) {
      const LevelMaps maps =
          look(*alone, views[static_cast<std::size_t>(i)], levels[static_cast<std::size_t>(k)]);
      all += static_cast<std::size_t>(maps.width * maps.height);
      for (int y = 0; y < maps.height; ++y)
        for (int x = 0; x < maps.width; ++x) {
          const auto found = by_place.find({i, k, y, x});
          ASSERT_NE(found, by_place.end()) << i << ' ' << k << ' ' << y << ' ' << x;
          ASSERT_NEAR(found->second->score, maps.score(x, y), 1e-5);
          for (int c = 0; c < 4; ++c)
            ASSERT_NEAR(found->second->shift[static_cast<std::size_t>(c)], maps.shift(c, x, y),
                        1e-5);
        }
    }
  }
  EXPECT_EQ(cells.size(), all);
}

/// Our kernels against the engine, on every photograph of the goldens that this machine has.
class Screens : public testing::Test {
 protected:
  void SetUp() override {
    const auto mtcnn = network("mtcnn", "auto");
    if (!mtcnn) GTEST_SKIP() << mtcnn.error();
    network_ = *mtcnn;
    for (const auto& entry : golden()["photographs"])
      if (auto picture = picture_of(entry)) pictures_.push_back(*std::move(picture));
    if (pictures_.empty()) GTEST_SKIP() << "none of the photographs is here";
  }

  std::shared_ptr<const models::Network> network_;
  std::vector<Image> pictures_;
};

TEST_F(Screens, LoseNoCellAndStayWithinTheirMargin) {
  auto pnet = ProposalNet::open(*network_);
  auto exact = NetworkPart::open(*network_, "pnet", kScoresAndShifts);
  const auto& source = network_->data.at("pnet");
  const auto trained = read_pnet(*source.graph);
  ASSERT_TRUE(pnet && exact && trained);
  ProposalScreen screen(*trained);
  float worst = 0;
  std::size_t accepted = 0;
  for (const Image& picture : pictures_) {
    const std::array views{picture.view()};
    const std::array pyramids{*make_pyramid(picture.width(), picture.height(), 20, 0.709)};
    const auto found = pnet->find_cells(views, pyramids, 0.6F);
    std::size_t expected = 0;
    for (const Level& level : pyramids[0]) {
      const LevelMaps maps = look(*exact, views[0], level);
      const auto odds = screen.look(pixels_of(views[0], level), level.width, level.height);
      for (int y = 0; y < maps.height; ++y)
        for (int x = 0; x < maps.width; ++x) {
          const float score = maps.score(x, y);
          if (score < 0.6F) continue;
          ++expected;
          const auto at =
              static_cast<std::size_t>(y) * screen.stride() + static_cast<std::size_t>(x);
          worst = std::max(worst, score - probability(odds[at]));
        }
    }
    EXPECT_EQ(found.size(), expected);
    accepted += expected;
  }
  EXPECT_GT(accepted, 0U);
  std::cout << "  of " << accepted << " cells the screen's score is at most " << worst
            << " lower\n";
  EXPECT_LE(2 * worst, source.screen_margin);
}

TEST_F(Screens, JudgeCropsWithinTheirMargin) {
  auto pnet = ProposalNet::open(*network_);
  auto exact = NetworkPart::open(*network_, "rnet", kScoresAndShifts);
  const auto& source = network_->data.at("rnet");
  const auto trained = read_rnet(*source.graph);
  ASSERT_TRUE(pnet && exact && trained);
  RefineScreen screen(*trained);
  CropNet net = CropNet::refine(*trained);
  float worst = 0;
  std::size_t crops = 0;
  for (const Image& picture : pictures_) {
    const std::array views{picture.view()};
    const std::array pyramids{*make_pyramid(picture.width(), picture.height(), 20, 0.709)};
    const auto cells = pnet->find_cells(views, pyramids, 0.6F);
    for (const Candidate& box : boxes_of(cells, pyramids)) {
      const image::Window window = pixels_of(box.box, picture.width(), picture.height());
      if (window.width <= 0 || window.height <= 0) continue;
      std::vector<float> pixels(std::size_t{3} * 24 * 24);
      image::resize_area_planar(views[0], window, 24, 24, 127.5F, 0.0078125F, pixels.data(), 24,
                                24 * 24);
      const auto answer = exact->run(pixels, {1, 3, 24, 24});
      ASSERT_TRUE(answer);
      const float score = answer->at(0).floats()[1];
      worst = std::max(worst, score - probability(screen.look(pixels).at(0)));
      const Verdict verdict = net.look(pixels).at(0);
      EXPECT_NEAR(verdict.score, score, 1e-5);
      for (std::size_t k = 0; k < 4; ++k)
        EXPECT_NEAR(verdict.shift[k], answer->at(1).floats()[k], 1e-5);
      ++crops;
    }
  }
  EXPECT_GT(crops, 0U);
  std::cout << "  of " << crops << " crops the screen's score is at most " << worst << " lower\n";
  EXPECT_LE(2 * worst, source.screen_margin);
}

}  // namespace
}  // namespace visavis::detect
