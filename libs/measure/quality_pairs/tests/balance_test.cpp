#include "visavis/quality_pairs/balance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::quality_pairs {
namespace {

TEST(ParseAttributes, OfPeopleAndOfPhotos) {
  const auto people = parse_attributes("person\tgender\tage\nada\tf\told\nbob\tm\tyoung\n");
  ASSERT_TRUE(people) << people.error().message;
  EXPECT_TRUE(people->of_people);
  EXPECT_EQ(people->names, (std::vector<std::string>{"gender", "age"}));
  EXPECT_EQ(people->values.at("bob"), (std::vector<std::string>{"m", "young"}));
  const auto photos = parse_attributes("path\tpose\r\nada/1.jpg\tfrontal\r\n");
  ASSERT_TRUE(photos);
  EXPECT_FALSE(photos->of_people);
  EXPECT_EQ(photos->values.at("ada/1.jpg"), std::vector<std::string>{"frontal"});
}

TEST(ParseAttributes, SaysWhatIsWrong) {
  const auto message = [](std::string_view text) {
    const auto read = parse_attributes(text);
    EXPECT_FALSE(read) << text;
    if (read) return std::string();
    EXPECT_EQ(read.error().code, ErrorCode::kDecodeFailed);
    return read.error().message;
  };
  EXPECT_EQ(message(""), "the list of attributes is empty");
  for (const char* header : {"ada\tf\n", "person\nada\n", "person\t\nada\tf\n", "name\tgender\n"})
    EXPECT_NE(message(header).find("begins with a line"), std::string::npos) << header;
  EXPECT_NE(message("person\tage\tage\nada\t1\t2\n").find("two columns"), std::string::npos);
  EXPECT_NE(message("person\tage\n").find("nothing but its header"), std::string::npos);
  EXPECT_NE(message("person\tage\nada\t1\nbob\n").find("row 3"), std::string::npos);
  EXPECT_NE(message("person\tage\nada\t\n").find("row 2"), std::string::npos);
  EXPECT_NE(message("person\tage\nada\t1\t2\n").find("row 2"), std::string::npos);
  EXPECT_NE(message("person\tage\nada\t1\nada\t1\n").find("twice"), std::string::npos);
  EXPECT_FALSE(parse_attributes("person\tage\nada\t\xFF\n")) << "not UTF-8";
}

/// Six women and two men with two photos each, and one of whom nothing is known.
class DrawBalancedTest : public testing::Test {
 protected:
  DrawBalancedTest() {
    attributes_.names = {"gender"};
    for (const char* name : {"a", "b", "c", "d", "e", "f"}) attributes_.values[name] = {"female"};
    for (const char* name : {"x", "y"}) attributes_.values[name] = {"male"};
    for (const auto& [name, values] : attributes_.values) keys_.insert(keys_.end(), 2, name);
    keys_.emplace_back("stranger");
  }
  [[nodiscard]] std::set<std::string> drawn(std::uint64_t seed) const {
    const auto draw = draw_balanced(keys_, attributes_, seed);
    std::set<std::string> names;
    for (const std::size_t i : draw.value().chosen) names.insert(keys_[i]);
    return names;
  }

  Attributes attributes_;
  std::vector<std::string> keys_;
};

TEST_F(DrawBalancedTest, TakesAsManyPeopleOfEveryCellWithAllTheirPhotos) {
  const auto draw = draw_balanced(keys_, attributes_, 1);
  ASSERT_TRUE(draw) << draw.error().message;
  EXPECT_EQ(draw->of_each, 2U);
  EXPECT_EQ(draw->unlisted, 1U);
  ASSERT_EQ(draw->cells.size(), 2U);
  EXPECT_EQ(draw->cells[0].values, std::vector<std::string>{"female"});
  EXPECT_EQ(draw->cells[0].available, 6U);
  EXPECT_EQ(draw->cells[0].photos, 4U);
  EXPECT_EQ(draw->cells[1].available, 2U);
  EXPECT_EQ(draw->cells[1].photos, 4U);
  EXPECT_EQ(draw->chosen.size(), 8U);
  EXPECT_TRUE(std::ranges::is_sorted(draw->chosen));
  std::map<std::string, int> photos;
  for (const std::size_t i : draw->chosen) ++photos[keys_[i]];
  EXPECT_EQ(photos.size(), 4U);
  for (const auto& [name, count] : photos) EXPECT_EQ(count, 2) << name;
}

TEST_F(DrawBalancedTest, TheSeedDecidesWhoIsDrawn) {
  EXPECT_EQ(drawn(1), drawn(1));
  std::set<std::set<std::string>> draws;
  std::set<std::string> everybody;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    draws.insert(drawn(seed));
    everybody.merge(drawn(seed));
  }
  EXPECT_GT(draws.size(), 5U);  // of 15
  EXPECT_EQ(everybody.size(), 8U);
}

/// What is drawn once is drawn again from itself: good and bad photos are of the same people.
TEST_F(DrawBalancedTest, DrawnAgainNothingIsLost) {
  const auto draw = draw_balanced(keys_, attributes_, 7);
  std::vector<std::string> kept;
  for (const std::size_t i : draw->chosen) kept.push_back(keys_[i]);
  EXPECT_EQ(draw_balanced(kept, attributes_, 7)->chosen.size(), kept.size());
}

TEST(InTurn, TakesOneOfEachCellUntilOneHasNoMore) {
  Attributes attributes{.names = {"gender"}};
  attributes.values = {{"a", {"female"}}, {"b", {"female"}}, {"x", {"male"}}, {"y", {"male"}}};
  // Of women seven photos, of men three.
  const std::vector<std::string> keys = {"a", "a", "a", "x", "b", "b", "y", "a", "x", "b"};
  const auto draw = draw_balanced(keys, attributes, 1);
  ASSERT_TRUE(draw) << draw.error().message;
  EXPECT_EQ(draw->chosen.size(), 10U);
  EXPECT_EQ(in_turn(*draw, keys, attributes), (std::vector<std::size_t>{0, 3, 1, 6, 2, 8}));
  EXPECT_TRUE(in_turn({}, keys, attributes).empty());
}

TEST_F(DrawBalancedTest, CellsAreOfAllAttributesTogether) {
  attributes_.names.emplace_back("age");
  for (auto& [name, values] : attributes_.values)
    values.emplace_back(name < "d" || name == "x" ? "old" : "young");
  // Three women each, one man each.
  const auto draw = draw_balanced(keys_, attributes_, 1);
  ASSERT_FALSE(draw);
  EXPECT_EQ(draw.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(draw.error().message.find("\"male, old\""), std::string::npos) << draw.error().message;
}

TEST_F(DrawBalancedTest, RefusesOneCellAndPhotosThatNobodyKnows) {
  for (auto& [name, values] : attributes_.values) values = {"the same"};
  EXPECT_EQ(draw_balanced(keys_, attributes_, 1).error().code, ErrorCode::kInvalidArgument);
  attributes_.values = {{"nobody", {"a"}}};
  EXPECT_EQ(draw_balanced(keys_, attributes_, 1).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace visavis::quality_pairs
