/// MTCNN against facenet-pytorch 2.6 itself: tests/golden/mtcnn.json says how it was made.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <set>
#include <string>
#include <vector>
#include <visavis/geometry/box.hpp>

#include "crop_net.hpp"
#include "network_part.hpp"
#include "photographs.hpp"
#include "proposal.hpp"
#include "side_by_side.hpp"
#include "trained.hpp"
#include "visavis/detect/detector.hpp"

namespace visavis::detect {
namespace {

using nlohmann::json;

constexpr float kLeastOverlap = 0.99F;
constexpr float kMostPixels = 0.1F;
constexpr float kNearThreshold = 0.02F;

Face face_of(const json& entry) {
  const auto& b = entry["box"];
  const float x = b[0], y = b[1], right = b[2], bottom = b[3];
  Face face{.box = {.x = x, .y = y, .width = right - x, .height = bottom - y},
            .confidence = entry["probability"],
            .landmarks = {}};
  for (std::size_t k = 0; k < 5; ++k)
    face.landmarks[k] = {.x = entry["landmarks"][2 * k], .y = entry["landmarks"][2 * k + 1]};
  return face;
}

bool same(const Face& a, const Face& b) {
  if (geometry::overlap(a.box, b.box) < kLeastOverlap) return false;
  for (std::size_t k = 0; k < 5; ++k)
    if (std::hypot(a.landmarks[k].x - b.landmarks[k].x, a.landmarks[k].y - b.landmarks[k].y) >
        kMostPixels)
      return false;
  return std::abs(a.confidence - b.confidence) < kNearThreshold;
}

/// Faces of `some` without an equal among `others`.
std::vector<Face> missing(const std::vector<Face>& some, const std::vector<Face>& others) {
  std::vector<Face> result;
  std::ranges::copy_if(some, std::back_inserter(result), [&](const Face& face) {
    return std::ranges::none_of(others, [&](const Face& other) { return same(face, other); });
  });
  return result;
}

std::string title(const json& entry) {
  return (entry.contains("lfw") ? "LFW " + entry["lfw"].dump() : entry["member"].dump()) + " " +
         entry["operations"].dump() + " " + entry["thresholds"].dump();
}

void expect_near_threshold(const std::vector<Face>& faces, float threshold, const char* what) {
  for (const Face& face : faces) {
    std::cout << "  differs: " << what << " with confidence " << face.confidence << " at "
              << face.box.x << ' ' << face.box.y << ' ' << face.box.width << ' ' << face.box.height
              << '\n';
    EXPECT_NEAR(face.confidence, threshold, kNearThreshold) << what;
  }
}

DetectorOptions options_of(const json& entry) {
  return {.min_face_px = entry["min_face"],
          .thresholds = entry["thresholds"].get<std::vector<float>>(),
          .factor = entry["factor"]};
}

/// Everything that the golden has of one source.
class MtcnnGolden : public testing::TestWithParam<const char*> {};

TEST_P(MtcnnGolden, FindsTheSameFaces) {
  const auto mtcnn = network("mtcnn", "auto");
  if (!mtcnn) GTEST_SKIP() << mtcnn.error();
  int compared = 0;
  std::set<std::string> absent;
  for (const json& entry : golden()["photographs"]) {
    const std::string source = entry.contains("lfw") ? "lfw" : entry["archive"].get<std::string>();
    if (!source.starts_with(GetParam())) continue;
    SCOPED_TRACE(title(entry));
    const auto picture = picture_of(entry);
    if (!picture) {
      absent.insert(picture.error());
      continue;
    }
    const auto detector = open_detector(*mtcnn, options_of(entry));
    ASSERT_TRUE(detector) << detector.error().message;
    const auto found = (*detector)->detect(std::array{picture->view()});
    ASSERT_TRUE(found) << found.error().message;
    std::vector<Face> expected;
    for (const json& face : entry["faces"]) expected.push_back(face_of(face));
    const float threshold = entry["thresholds"][2];
    expect_near_threshold(missing(expected, found->front()), threshold, "a face not found");
    expect_near_threshold(missing(found->front(), expected), threshold, "a face too many");
    EXPECT_TRUE(std::ranges::is_sorted(found->front(), std::ranges::greater{}, &Face::confidence));
    ++compared;
  }
  RecordProperty("compared", compared);
  for (const std::string& reason : absent) std::cout << "  not compared: " << reason << '\n';
  if (compared == 0) GTEST_SKIP() << *absent.begin();
}

INSTANTIATE_TEST_SUITE_P(Sources, MtcnnGolden,
                         testing::Values("lfw", "face_recognition", "vladmandic", "scikit_image"),
                         [](const auto& test) { return std::string(test.param); });

/// The networks alone, on inputs that do not pass through a detector.
class MtcnnNets : public testing::TestWithParam<const char*> {};

std::vector<float> tensor_of(const Image& image) {
  const std::size_t plane = image.bytes().size() / 3;
  std::vector<float> values(3 * plane);
  for (std::size_t i = 0; i < plane; ++i)
    for (std::size_t c = 0; c < 3; ++c)
      values[c * plane + i] = (static_cast<float>(image.bytes()[3 * i + c]) - 127.5F) * 0.0078125F;
  return values;
}

TEST_P(MtcnnNets, AnswerTheSame) {
  const auto mtcnn = network("mtcnn", "auto");
  if (!mtcnn) GTEST_SKIP() << mtcnn.error();
  int compared = 0;
  for (const json& entry : golden()["nets"]) {
    if (entry["net"] != GetParam()) continue;
    Image image;
    if (entry.contains("pattern")) {
      image = pattern(entry["pattern"][0], entry["pattern"][1]);
    } else {
      auto picture = picture_of(entry);
      if (!picture) {
        std::cout << "  not compared: " << picture.error() << '\n';
        continue;
      }
      image = *std::move(picture);
    }
    std::vector<std::int64_t> channels;
    for (const json& output : entry["outputs"]) channels.push_back(output["shape"][1]);
    auto net = NetworkPart::open(**mtcnn, GetParam(), channels);
    ASSERT_TRUE(net) << net.error().message;
    const auto outputs = net->run(tensor_of(image), {1, 3, image.height(), image.width()});
    ASSERT_TRUE(outputs) << outputs.error().message;
    for (std::size_t k = 0; k < channels.size(); ++k) {
      EXPECT_EQ((*outputs)[k].shape, entry["outputs"][k]["shape"].get<std::vector<std::int64_t>>());
      const auto expected = entry["outputs"][k]["values"].get<std::vector<float>>();
      EXPECT_THAT((*outputs)[k].floats(), testing::Pointwise(testing::FloatNear(1e-4F), expected));
    }
    ++compared;
  }
  EXPECT_GE(compared, 1);
}

/// P-Net's maps from its windows, [channels, height, width] like the golden's.
std::vector<Verdict> look_at_windows(ProposalWindows& pnet, const std::vector<float>& pixels,
                                     int width, int height) {
  std::vector<Verdict> map;
  for (int y = 0; y < map_side(height); ++y)
    for (int x = 0; x < map_side(width); ++x) {
      const int w = std::min(12, width - 2 * x), h = std::min(12, height - 2 * y);
      std::vector<float> window;
      for (int row = 0; row < 3 * h; ++row) {
        const auto* from = pixels.data() + (row / h * height + 2 * y + row % h) * width + 2 * x;
        window.insert(window.end(), from, from + w);
      }
      map.push_back(pnet.look(window, w, h).at(0));
    }
  return map;
}

TEST_P(MtcnnNets, OurKernelsAnswerTheSame) {
  const auto mtcnn = network("mtcnn", "auto");
  if (!mtcnn) GTEST_SKIP() << mtcnn.error();
  const std::string part = GetParam();
  const graph::Graph& graph = *(*mtcnn)->data.at(part).graph;
  const auto trained = part == "pnet"   ? read_pnet(graph)
                       : part == "rnet" ? read_rnet(graph)
                                        : read_onet(graph);
  ASSERT_TRUE(trained) << trained.error().message;
  int compared = 0;
  for (const json& entry : golden()["nets"]) {
    if (entry["net"] != part) continue;
    Image image;
    if (entry.contains("pattern")) {
      image = pattern(entry["pattern"][0], entry["pattern"][1]);
    } else {
      auto picture = picture_of(entry);
      if (!picture) continue;  // the test above names it
      image = *std::move(picture);
    }
    const std::vector<float> pixels = tensor_of(image);
    std::vector<Verdict> verdicts;
    if (part == "pnet") {
      ProposalWindows pnet(*trained);
      verdicts = look_at_windows(pnet, pixels, image.width(), image.height());
    } else {
      verdicts = part == "rnet" ? CropNet::refine(*trained).look(pixels)
                                : CropNet::output(*trained).look(pixels);
    }
    for (const json& output : entry["outputs"]) {
      const auto channels = output["shape"][1].get<std::size_t>();
      const auto expected = output["values"].get<std::vector<float>>();
      ASSERT_EQ(expected.size(), channels * verdicts.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const Verdict& verdict = verdicts[i % verdicts.size()];
        const std::size_t c = i / verdicts.size();
        const float answer = channels == 2   ? (c == 1 ? verdict.score : 1 - verdict.score)
                             : channels == 4 ? verdict.shift[c]
                                             : verdict.points[c];
        ASSERT_NEAR(answer, expected[i], 1e-4) << channels << ' ' << i;
      }
    }
    ++compared;
  }
  EXPECT_GE(compared, 1);
}

INSTANTIATE_TEST_SUITE_P(Parts, MtcnnNets, testing::Values("pnet", "rnet", "onet"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace visavis::detect
