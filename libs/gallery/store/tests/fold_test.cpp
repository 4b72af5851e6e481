#include "fold.hpp"

#include <gtest/gtest.h>

namespace visavis::store {
namespace {

// Pairs of CaseFolding.txt (Unicode 15), status C.
TEST(FoldCase, KnowsTheScriptsThatHaveCases) {
  EXPECT_EQ(fold_case("Ada LOVELACE 1815"), "ada lovelace 1815");
  EXPECT_EQ(fold_case("ÅNGSTRÖM"), "ångström");
  EXPECT_EQ(fold_case("ПЁТР"), "пётр");
  EXPECT_EQ(fold_case("ΩΜΕΓΑ"), "ωμεγα");
  EXPECT_EQ(fold_case("ՀԱՅ"), "հայ");
  EXPECT_EQ(fold_case("\U00010400"), "\U00010428");  // Deseret, four bytes
  EXPECT_EQ(fold_case("山田 محمد 😀"), "山田 محمد 😀");
  EXPECT_EQ(fold_case(""), "");
}

TEST(FoldCase, IsCodePointByCodePoint) {
  EXPECT_EQ(fold_case("STRASSE"), "strasse");
  EXPECT_EQ(fold_case("Straße"), "straße") << "not ss";
  EXPECT_NE(fold_case("\u00c9"), fold_case("E\u0301")) << "composed and not";
}

TEST(FoldCase, LeavesWhatIsNoText) {
  EXPECT_EQ(fold_case("A\xff"), "A\xff");
  EXPECT_EQ(fold_case("\xc3"), "\xc3");
}

}  // namespace
}  // namespace visavis::store
