#include "visavis/core/wire.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace visavis {
namespace {

constexpr std::size_t kAll = 1000;

// A message with messages (field 1) and texts (field 2); such a message may hold itself.
extern const WireForm kForm;
const std::array<WireForm::Field, 2> kFields = {{{1, &kForm}, {2, nullptr}}};
const WireForm kForm{.fields = kFields};

std::size_t counted(const std::string& message, std::size_t most = kAll) {
  return count_fields(std::as_bytes(std::span(message)), kForm, most);
}

// Tags by hand: number << 3 | type; 2 is of a length, 0 a varint, 1 eight bytes, 5 four, 3 and 4
// where a group begins and ends.
TEST(Wire, CountsWhatItsFormNames) {
  EXPECT_EQ(counted(""), 0U);
  EXPECT_EQ(counted({"\x0a\0\x0a\0\x12\1x\x1a\1x", 10}), 3U);
  EXPECT_EQ(counted({"\x0a\6\x0a\0\x12\2\x0a\0", 8}), 3U);  // a text is no message
  EXPECT_EQ(counted({"\x08\xff\1\x09"
                     "12345678"
                     "\x0d"
                     "1234"
                     "\x13\x14\x0a\0",
                     21}),
            1U);
  EXPECT_EQ(counted({"\x8a\0\0", 3}), 1U);  // the same tag in two bytes
}

TEST(Wire, EndsWhereItIsToldOrNothingIsWellFormed) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += std::string("\x0a\0", 2);
  EXPECT_EQ(counted(many), 100U);
  EXPECT_EQ(counted(many, 7), 7U);
  EXPECT_EQ(counted({"\x0a\0\x0a\5\x0a\0\x0a\0", 8}), 1U);  // longer than what is left
  EXPECT_EQ(counted("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 0U);
  EXPECT_EQ(counted("\x0a"), 0U);
}

// Each message in the one before, as deep as a parser goes.
TEST(Wire, GoesNoDeeperThanAParser) {
  std::string message;
  for (int i = 0; i < 2000; ++i) {
    std::string size;
    std::size_t left = message.size();
    for (; left > 127; left >>= 7U) size += static_cast<char>(left | 128U);
    size += static_cast<char>(left);
    message = "\x0a" + size + message;
  }
  const std::size_t count = counted(message, 10'000);
  EXPECT_GE(count, 100U);
  EXPECT_LE(count, 110U);
}

}  // namespace
}  // namespace visavis
