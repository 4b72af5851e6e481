#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <visavis/core/file.hpp>
#include <visavis/protocols/pairs.hpp>

namespace visavis::protocols {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string error_of(const std::string& text) {
  const auto list = parse_pairs(text);
  if (list) return "no error";
  EXPECT_EQ(list.error().code, ErrorCode::kDecodeFailed);
  return list.error().message;
}

TEST(Pairs, ReadsFoldsOfLfwsView2) {
  const auto list = parse_pairs(
      "2\t1\nAda_L\t1\t12\nAda_L\t3\tBo\t1\n"
      "Bo\t10\t1234\nBo\t2\tCy\t1\n");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->protocol, "lfw-view2");
  EXPECT_EQ(list->folds, 2U);
  ASSERT_EQ(list->pairs.size(), 4U);
  EXPECT_EQ(list->pairs[0].a, "Ada_L/Ada_L_0001.jpg");
  EXPECT_EQ(list->pairs[0].b, "Ada_L/Ada_L_0012.jpg");
  EXPECT_TRUE(list->pairs[0].same);
  EXPECT_EQ(list->pairs[1].b, "Bo/Bo_0001.jpg");
  EXPECT_FALSE(list->pairs[1].same);
  EXPECT_EQ(list->pairs[1].fold, 0U);
  EXPECT_EQ(list->pairs[2].b, "Bo/Bo_1234.jpg");
  EXPECT_EQ(list->pairs[3].fold, 1U);
  EXPECT_THAT(images_of(*list),
              ElementsAre("Ada_L/Ada_L_0001.jpg", "Ada_L/Ada_L_0003.jpg", "Ada_L/Ada_L_0012.jpg",
                          "Bo/Bo_0001.jpg", "Bo/Bo_0002.jpg", "Bo/Bo_0010.jpg", "Bo/Bo_1234.jpg",
                          "Cy/Cy_0001.jpg"));
}

TEST(Pairs, DealsView1ToFolds) {
  const auto list = parse_pairs("2\nA\t1\t2\nA\t1\t3\nA\t1\tB\t1\nA\t2\tB\t1\n");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->protocol, "lfw-view1");
  EXPECT_EQ(list->folds, 2U);
  EXPECT_EQ(list->pairs[0].fold, 0U);
  EXPECT_EQ(list->pairs[1].fold, 1U);
  EXPECT_EQ(list->pairs[2].fold, 0U);
  EXPECT_EQ(list->pairs[3].fold, 1U);
}

TEST(Pairs, ReadsATableWithAndWithoutAHeader) {
  for (const char* text : {"path_a\tpath_b\tsame\nx y.jpg\tb.jpg\t1\nx y.jpg\tc.jpg\t0\n",
                           "x y.jpg\tb.jpg\t1\r\nx y.jpg\tc.jpg\t0"}) {
    const auto list = parse_pairs(text);
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_EQ(list->protocol, "pairs");
    ASSERT_EQ(list->pairs.size(), 2U);
    EXPECT_EQ(list->pairs[0].a, "x y.jpg");
    EXPECT_TRUE(list->pairs[0].same);
    EXPECT_FALSE(list->pairs[1].same);
    EXPECT_EQ(list->folds, 0U);  // one pair of a kind cannot be folded
  }
}

TEST(Pairs, SaysWhatIsWrong) {
  EXPECT_THAT(error_of(""), HasSubstr("empty"));
  EXPECT_THAT(error_of("path_a\tpath_b\tsame\n"), HasSubstr("empty"));
  EXPECT_THAT(error_of("a\tb\n"), HasSubstr("row 1"));
  EXPECT_THAT(error_of("a\tb\t1\na\tb\t2\n"), HasSubstr("row 2"));
  EXPECT_THAT(error_of("a\tb\t1\n\tb\t0\n"), HasSubstr("row 2"));
  EXPECT_THAT(error_of("a\tb\t1\na\tb\tmaybe\n"), HasSubstr("row 2"));
  EXPECT_THAT(error_of("2\t1\nA\t1\t2\nA\t1\tB\t1\n"), HasSubstr("announces 4 pairs and holds 2"));
  EXPECT_THAT(error_of("1\nA\t1\t2\nA\t1\t3\n"), HasSubstr("row 3"));
  EXPECT_THAT(error_of("1\nA\t1\tx\nA\t1\tB\t1\n"), HasSubstr("row 2"));
  EXPECT_THAT(error_of("0\n"), HasSubstr("1 folds of 0 pairs"));
  EXPECT_THAT(error_of("10\t0\n"), HasSubstr("10 folds of 0 pairs"));
  EXPECT_THAT(error_of("0\t300\nA\t1\t2\nA\t1\tB\t1\n"), HasSubstr("0 folds of 300 pairs"));
  EXPECT_THAT(error_of("99999999999999999999\t9\n"), HasSubstr("row 1"));
  EXPECT_THAT(error_of("\xff\xfe"), HasSubstr("UTF-8"));
}

std::filesystem::path lfw() {
  const char* data = std::getenv("VISAVIS_DATA");
  return (data != nullptr ? std::filesystem::path(data)
                          : std::filesystem::path(VISAVIS_SOURCE_DIR) / "../shared/data") /
         "lfw";
}

// Counts as the LFW web page and technical report state them.
TEST(Pairs, ReadsTheLfwLists) {
  if (!std::filesystem::exists(lfw() / "pairs.txt"))
    GTEST_SKIP() << "LFW is not there: set VISAVIS_DATA";
  const auto read = [](const char* name) {
    const auto bytes = read_file(lfw() / name, 1 << 24).value();
    return parse_pairs({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).value();
  };
  const PairList view2 = read("pairs.txt");
  EXPECT_EQ(view2.pairs.size(), 6000U);
  EXPECT_EQ(view2.folds, 10U);
  EXPECT_EQ(images_of(view2).size(), 7701U);
  EXPECT_EQ(read("pairsDevTrain.txt").pairs.size(), 2200U);
  EXPECT_EQ(read("pairsDevTest.txt").pairs.size(), 1000U);
}

TEST(Pairs, RepeatedOnesAreCounted) {
  const auto list = parse_pairs("a\tb\t1\nc\td\t0\nb\ta\t1\nc\td\t0\ne\te\t1\n");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->pairs.size(), 5U);
  EXPECT_EQ(list->repeated, 3U);
}

TEST(Pairs, ContradictionsAreRefused) {
  EXPECT_EQ(parse_pairs("a\tb\t1\nb\ta\t0\n").error().code, ErrorCode::kDecodeFailed);
  EXPECT_EQ(parse_pairs("a\tb\t1\nc\tc\t0\n").error().code, ErrorCode::kDecodeFailed);
}

TEST(Pairs, TabInAPersonsNameIsEscaped) {
  const auto list = parse_pairs("Ada\\tL/1.jpg\tAda\\tL/2.jpg\t1\nAda\\tL/1.jpg\tb/1.jpg\t0\n");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->pairs[0].a, "Ada\tL/1.jpg");
  EXPECT_EQ(parse_pairs("Ada\tL/1.jpg\tb/1.jpg\t1\n").error().code, ErrorCode::kDecodeFailed);
}

}  // namespace
}  // namespace visavis::protocols
