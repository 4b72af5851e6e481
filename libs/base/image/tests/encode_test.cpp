#include "visavis/image/encode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "pictures.hpp"
#include "visavis/core/file.hpp"
#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

Image ramp(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      image.row(y)[3 * x] = static_cast<std::uint8_t>(4 * x);
      image.row(y)[3 * x + 1] = static_cast<std::uint8_t>(4 * y);
      image.row(y)[3 * x + 2] = 100;
    }
  return image;
}

TEST(EncodePng, GivesBackEveryByte) {
  const Image image = noise(37, 23);
  const auto bytes = encode_png(image.view());
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto back = decode(*bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->format, Format::kPng);
  EXPECT_EQ(back->image.bytes(), image.bytes());
}

TEST(EncodeJpeg, ComesCloseAtHighQualityAndGrowsWithIt) {
  const Image image = ramp(60, 50);
  const auto fine = encode_jpeg(image.view(), 95);
  const auto coarse = encode_jpeg(image.view(), 30);
  ASSERT_TRUE(fine && coarse);
  EXPECT_GT(fine->size(), coarse->size());
  const auto back = decode(*fine);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->image.bytes().size(), image.bytes().size());
  int worst = 0;
  for (std::size_t i = 0; i < image.bytes().size(); ++i)
    worst = std::max(worst, std::abs(back->image.bytes()[i] - image.bytes()[i]));
  EXPECT_LE(worst, 4);
}

TEST(Encode, RefusesAnEmptyPicture) {
  EXPECT_EQ(encode_png(ImageView{}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(encode_jpeg(ImageView{}).error().code, ErrorCode::kInvalidArgument);
}

TEST(WriteImage, ChoosesByTheNamesEnd) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / "visavis_write_image";
  const Image image = noise(5, 4);
  for (const auto& [name, format] :
       {std::pair{"a.PNG", Format::kPng}, {"b.jpg", Format::kJpeg}, {"c.Jpeg", Format::kJpeg}}) {
    ASSERT_TRUE(write_image(folder / name, image.view()));
    const auto bytes = read_file(folder / name, 1 << 20);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(sniff(*bytes), format) << name;
  }
  for (const std::string name : {"d.bmp", "e", "f.png.txt"}) {
    const auto written = write_image(folder / name, image.view());
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(std::filesystem::exists(folder / name));
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace visavis::image
