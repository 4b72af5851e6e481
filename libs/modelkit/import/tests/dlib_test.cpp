/// Networks as dlib 20 serializes them (dlib/serialize.h, dlib/cuda/tensor_tools.cpp), by hand.

#include "../src/dlib.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {
namespace {

using Kind = DlibLayer::Kind;

std::string number(std::uint64_t value) {
  std::string bytes;
  for (; value > 0 || bytes.empty(); value >>= 8U) bytes += static_cast<char>(value & 0xFFU);
  return static_cast<char>(bytes.size()) + bytes;
}

std::string text(const std::string& value) { return number(value.size()) + value; }

std::string tensor(const std::vector<std::uint64_t>& shape, const std::vector<float>& values) {
  std::string bytes = number(2);
  for (const std::uint64_t n : shape) bytes += number(n);
  bytes.resize(bytes.size() + values.size() * 4);
  if (!values.empty())
    std::memcpy(bytes.data() + bytes.size() - values.size() * 4, values.data(), values.size() * 4);
  return bytes;
}

/// One kernel of 1 × 1 and its bias.
std::string convolution() { return text("con_4") + tensor({2, 1, 1, 1}, {3, 4}) + number(1); }

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

Result<std::vector<std::byte>> import(const std::string& file) {
  return import_model(
      {.name = {}, .sha256 = {}, .source = {}, .importer = "dlib:resnet", .onnx_sha256 = {}},
      bytes_of(file));
}

TEST(Dlib, ReadsLayersAndPassesOverWhatLiesBetween) {
  const std::string file = number(1) + text("loss_metric_2") + convolution() + number(0) +
                           text("affine_") + tensor({1, 2, 1, 1}, {5, 6}) + text("relu_") +
                           text("fc_2") + number(2) + number(3) +
                           tensor({3, 2, 1, 1}, {1, 2, 3, 4, 5, 6}) + number(7);
  DlibReader reader(bytes_of(file));
  const auto con = reader.next();
  ASSERT_TRUE(con && *con);
  EXPECT_EQ((*con)->kind, Kind::kConvolution);
  EXPECT_EQ((*con)->name, "con_4");
  EXPECT_EQ((*con)->outputs, 1);
  EXPECT_EQ((*con)->values, (std::vector<float>{3, 4}));
  const auto affine = reader.next();
  ASSERT_TRUE(affine && *affine);
  EXPECT_EQ((*affine)->kind, Kind::kAffine);
  EXPECT_EQ((*affine)->values, (std::vector<float>{5, 6}));
  const auto dense = reader.next();
  ASSERT_TRUE(dense && *dense);
  EXPECT_EQ((*dense)->kind, Kind::kDense);
  EXPECT_EQ((*dense)->outputs, 2);
  EXPECT_EQ((*dense)->values.size(), 6U);
  const auto end = reader.next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

TEST(Dlib, ListsWhatIsInside) {
  const auto found = inspect(bytes_of(number(1) + convolution()));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->format, "dlib");
  ASSERT_EQ(found->weights.size(), 1U);
  EXPECT_EQ(found->weights[0].name, "1 con_4");
  EXPECT_EQ(found->parameters, 2U);
}

TEST(Dlib, RefusesAnotherNetwork) {
  for (const std::string& file : {number(1) + convolution(), std::string(), number(1)}) {
    const auto onnx = import(file);
    ASSERT_FALSE(onnx);
    EXPECT_EQ(onnx.error().code, ErrorCode::kModelMismatch) << onnx.error().message;
  }
}

TEST(Dlib, RefusesDamageAndSizesThatLie) {
  const std::string whole = convolution();
  std::vector<std::string> files;
  for (std::size_t length = text("con_4").size(); length < whole.size(); ++length)
    files.push_back(whole.substr(0, length));
  const std::uint64_t huge = std::uint64_t{1} << 62U;
  files.push_back(text("con_4") + tensor({huge, 4, 1, 1}, {1}) + number(1));
  files.push_back(text("con_4") + tensor({huge, huge, huge, huge}, {1}) + number(1));
  files.push_back(text("con_4") + tensor({0, 1, 1, 1}, {}) + number(1));
  files.push_back(text("con_4") + number(1) + whole);  // version of a tensor
  files.push_back(text("con_4") + number(2) + std::string("\x81\x01", 2) + whole);  // negative
  files.push_back(text("con_4") + number(2) + std::string("\x09", 1) + whole);      // nine bytes
  for (const std::string& file : files) {
    const auto onnx = import(file);
    ASSERT_FALSE(onnx);
    EXPECT_EQ(onnx.error().code, ErrorCode::kDecodeFailed) << onnx.error().message;
  }
}

}  // namespace
}  // namespace visavis::modelkit
