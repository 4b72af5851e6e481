#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <visavis/store/tsv.hpp>

namespace visavis::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Tsv, EscapesWhatWouldBreakALine) {
  EXPECT_EQ(escape_field("a\tb\nc\\d"), R"(a\tb\nc\\d)");
  EXPECT_EQ(*unescape_field(R"(a\tb\nc\\d)"), "a\tb\nc\\d");
  EXPECT_EQ(*unescape_field(R"(\\t)"), R"(\t)");
  EXPECT_EQ(to_line({"x", "", "y\t"}), "x\t\ty\\t\n");
  EXPECT_EQ(to_line({"", "x"}), "\tx\n");
}

TEST(Tsv, RefusesAnUnknownEscape) {
  EXPECT_FALSE(unescape_field(R"(a\)"));
  EXPECT_FALSE(unescape_field(R"(a\x)"));
}

TEST(Tsv, ReadsLines) {
  const auto rows = parse_tsv("a\tb\r\n\n\tc\\n\nlast");
  ASSERT_TRUE(rows);
  EXPECT_THAT(*rows,
              ElementsAre(ElementsAre("a", "b"), ElementsAre("", "c\n"), ElementsAre("last")));
  EXPECT_TRUE(parse_tsv("")->empty());
  EXPECT_THAT(*parse_tsv("a\t\n"), ElementsAre(ElementsAre("a", "")));
}

TEST(Tsv, SaysWhichLineIsWrong) {
  const auto rows = parse_tsv("fine\n\nbad\\q\n");
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::kDecodeFailed);
  EXPECT_THAT(rows.error().message, HasSubstr("line 3"));
  EXPECT_FALSE(parse_tsv("\xff\n"));
}

}  // namespace
}  // namespace visavis::store
