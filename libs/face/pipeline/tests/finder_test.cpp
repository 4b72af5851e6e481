#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>
#include <visavis/pipeline/finder.hpp>

#include "fakes.hpp"

namespace visavis::pipeline {
namespace {

TEST(OpenFinder, RefusesANetworkThatIsNoDetector) {
  const auto finder = open_finder(fake_recogniser(), nullptr);
  ASSERT_FALSE(finder);
  EXPECT_EQ(finder.error().code, ErrorCode::kModelMismatch);
}

/// Finds a face in images of an even or of an odd width only, and counts what it was shown.
class Half final : public detect::Detector {
 public:
  Half(int remainder, float confidence, std::size_t& shown)
      : remainder_(remainder), confidence_(confidence), shown_(shown) {}
  Result<std::vector<std::vector<Face>>> detect(std::span<const ImageView> images) override {
    shown_ += images.size();
    std::vector<std::vector<Face>> found(images.size());
    for (std::size_t i = 0; i < images.size(); ++i)
      if (images[i].width % 2 == remainder_)
        found[i].push_back({.box = {.x = 0, .y = 0, .width = 5, .height = 5},
                            .confidence = confidence_,
                            .landmarks = kTemplate});
    return found;
  }
  [[nodiscard]] bool finds_landmarks() const noexcept override { return true; }

 private:
  int remainder_;
  float confidence_;
  std::size_t& shown_;
};

TEST(SecondLook, ShowsTheSecondDetectorOnlyWhatTheFirstFoundNothingIn) {
  std::size_t shown_first = 0;
  std::size_t shown_second = 0;
  const auto detector = with_second_look(std::make_unique<Half>(0, .9F, shown_first),
                                         std::make_unique<Half>(1, .8F, shown_second));
  EXPECT_TRUE(detector->finds_landmarks());
  const Image even(10, 10);
  const Image odd(11, 10);
  const std::vector views{even.view(), odd.view(), even.view(), odd.view()};
  const auto found = detector->detect(views).value();
  EXPECT_EQ(shown_first, 4U);
  EXPECT_EQ(shown_second, 2U);
  ASSERT_EQ(found.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_EQ(found[i].size(), 1U);
    EXPECT_EQ(found[i][0].confidence, i % 2 == 0 ? .9F : .8F);
  }
  EXPECT_EQ(detector->detect(std::vector{even.view()})->size(), 1U);
  EXPECT_EQ(shown_second, 2U);
}

}  // namespace
}  // namespace visavis::pipeline
