#include "visavis/store/key.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/tests/folder_test.hpp>

namespace visavis::store {
namespace {

namespace fs = std::filesystem;

const std::string kDigits = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

std::vector<std::byte> bytes_of(std::string_view hex) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

class KeyTest : public tests::FolderTest {
 protected:
  [[nodiscard]] fs::path write(std::string_view text, fs::perms mode = fs::perms::owner_read) {
    const fs::path file = folder_ / "key";
    fs::remove(file);
    std::ofstream(file, std::ios::binary) << text;
    fs::permissions(file, mode);
    return file;
  }
};

TEST_F(KeyTest, ReadsSixtyFourDigitsAndALineEnd) {
  for (const std::string& text : {kDigits, kDigits + "\n"}) {
    const auto key = read_key(write(text));
    ASSERT_TRUE(key) << key.error().message;
    for (std::size_t i = 0; i < Key::kBytes; ++i)
      EXPECT_EQ((*key)->bytes()[i], static_cast<std::byte>(i));
  }
}

TEST_F(KeyTest, RefusesEverythingElse) {
  const std::string nearly = kDigits.substr(1);
  for (const std::string& text :
       {std::string(), nearly, "g" + nearly, " " + nearly, kDigits + "0", kDigits + "\r\n",
        kDigits + "\n\n", "0x" + kDigits, std::string(64, '\0'), std::string(100'000, '0')}) {
    const auto key = read_key(write(text));
    ASSERT_FALSE(key) << text.size() << " bytes";
    EXPECT_EQ(key.error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(key.error().message.contains("0a0b")) << "a message never holds a key";
  }
  EXPECT_EQ(read_key(folder_ / "none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_key(folder_).error().code, ErrorCode::kUnavailable);
}

TEST_F(KeyTest, RefusesAFileThatOthersMayRead) {
  for (const fs::perms others : {fs::perms::group_read, fs::perms::others_read,
                                 fs::perms::group_write, fs::perms::others_all}) {
    const auto key = read_key(write(kDigits, fs::perms::owner_read | others));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(key.error().message.contains("chmod 600"));
  }
}

TEST_F(KeyTest, ReadsAPipe) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ASSERT_EQ(::write(ends[1], kDigits.data(), kDigits.size()), 64);
  ::close(ends[1]);
  EXPECT_TRUE(read_key("/dev/fd/" + std::to_string(ends[0])));
  ::close(ends[0]);
}

TEST_F(KeyTest, MakesFilesThatDifferAndOverwritesNone) {
  const ::mode_t before = ::umask(0);
  ASSERT_TRUE(make_key_file(folder_ / "a"));
  ASSERT_TRUE(make_key_file(folder_ / "b"));
  ::umask(before);
  EXPECT_EQ(fs::status(folder_ / "a").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  const auto a = read_key(folder_ / "a");
  const auto b = read_key(folder_ / "b");
  ASSERT_TRUE(a && b);
  EXPECT_FALSE(std::ranges::equal((*a)->bytes(), (*b)->bytes()));

  EXPECT_EQ(make_key_file(folder_ / "a").error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(std::ranges::equal((*read_key(folder_ / "a"))->bytes(), (*a)->bytes()));
  fs::create_symlink(folder_ / "elsewhere", folder_ / "link");
  EXPECT_FALSE(make_key_file(folder_ / "link")) << "nor through a link that leads nowhere";
  EXPECT_EQ(make_key_file(folder_ / "none" / "key").error().code, ErrorCode::kUnavailable);
}

/// RFC 5869, appendix A, test case 3 has 22 bytes of 0x0b for a key; ours have 32. The expected
/// values come from Python's hmac module: tests/make_hkdf.py.
TEST(KeyDerivationTest, IsHkdfWithSha256) {
  const std::vector<std::byte> input(Key::kBytes, std::byte{0x0b});
  const Key key(std::span<const std::byte, Key::kBytes>(input.data(), Key::kBytes));
  const auto expect = [&](const Key& derived, std::string_view hex) {
    EXPECT_TRUE(std::ranges::equal(derived.bytes(), bytes_of(hex))) << hex;
  };
  expect(key.derive(""), "27488977d7c845fa17e618b4e225651a0a417521175396f455da2c465679eea8");
  expect(key.derive("\xf0\xf1\xf2", bytes_of("000102030405060708090a0b0c")),
         "cd53dac0cb62aac1565e2cf197ec80f554b3637a28ced13e598bae984da0686b");
}

}  // namespace
}  // namespace visavis::store
