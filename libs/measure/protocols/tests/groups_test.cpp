#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/protocols/all_pairs.hpp>
#include <visavis/protocols/groups.hpp>
#include <visavis/protocols/identification.hpp>
#include <visavis/protocols/templates.hpp>
#include <visavis/protocols/verification.hpp>

namespace visavis::protocols {
namespace {

Embedding at_degrees(double degrees) {
  const double angle = degrees * 3.14159265358979323846 / 180;
  return {.model = ModelId{1},
          .values = {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))},
          .norm = 1};
}

/// Six people 8 degrees apart in one group, six people 20 degrees apart in another, one in none;
/// two photos each, 2 degrees apart in the first group and 6 in the second.
class GroupsTest : public ::testing::Test {
 protected:
  GroupsTest() {
    for (int i = 0; i < 6; ++i) {
      add("near" + std::to_string(i), 8. * i, 2, "near");
      add("far" + std::to_string(i), 100 + 20. * i, 6, "far");
    }
    add("nobody", 300, 1, "");
  }
  void add(const std::string& person, double degrees, double apart, const std::string& group) {
    people_.push_back(person);
    faces_.push_back({.person = person, .embedding = at_degrees(degrees)});
    faces_.push_back({.person = person, .embedding = at_degrees(degrees + apart)});
    embeddings_[person + "/0"] = at_degrees(degrees);
    embeddings_[person + "/1"] = at_degrees(degrees + apart);
    if (!group.empty()) groups_[person] = group;
  }
  [[nodiscard]] PairList all_pairs() const {
    PairList list{.protocol = "pairs", .pairs = {}, .folds = 0};
    for (const std::string& a : people_) {
      list.pairs.push_back({a + "/0", a + "/1", true, 0});
      for (const std::string& b : people_) {
        if (a >= b) continue;
        for (const char* i : {"/0", "/1"})
          for (const char* j : {"/0", "/1"}) list.pairs.push_back({a + i, b + j, false, 0});
      }
    }
    return list;
  }
  std::vector<std::string> people_;
  std::vector<LabelledFace> faces_;
  Embeddings embeddings_;
  Groups groups_;
};

/// At 7 degrees: of the near group's 15 pairs of people, the five neighbours are 8, 6, 10 and 8
/// degrees apart, so one of their four pairs is accepted: 5 of 60. Of the far group none, and no
/// genuine pair is refused; at 5 degrees all of the far group's are.
TEST_F(GroupsTest, RatesOfPairsAtOneThresholdByHand) {
  VerificationOptions options{.threshold = std::cos(7 * 3.14159265358979323846 / 180),
                              .replicates = 200,
                              .groups = groups_};
  const auto report = verify_pairs(all_pairs(), embeddings_, options);
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_TRUE(report->groups);
  EXPECT_EQ(report->groups->ungrouped_people, 1U);
  const GroupPoint& point = report->groups->points.at(0);
  EXPECT_FALSE(point.far);
  ASSERT_EQ(point.groups.size(), 2U);
  const GroupRates& far = point.groups[0];
  const GroupRates& near = point.groups[1];
  EXPECT_EQ(far.group, "far");
  EXPECT_EQ(near.group, "near");
  EXPECT_EQ(near.people, 6U);
  EXPECT_EQ(near.genuine, 6U);
  EXPECT_EQ(near.impostor, 60U);
  EXPECT_DOUBLE_EQ(near.fmr->value, 5. / 60);
  EXPECT_DOUBLE_EQ(near.fnmr->value, 0);
  EXPECT_DOUBLE_EQ(far.fmr->value, 0);
  ASSERT_TRUE(near.fmr->interval);
  EXPECT_LT(near.fmr->interval->low, 5. / 60);
  EXPECT_GT(near.fmr->interval->high, 5. / 60);
  options.threshold = std::cos(5 * 3.14159265358979323846 / 180);
  const auto strict = verify_pairs(all_pairs(), embeddings_, options);
  EXPECT_DOUBLE_EQ(strict->groups->points[0].groups[0].fnmr->value, 1);
  EXPECT_DOUBLE_EQ(strict->groups->points[0].groups[1].fnmr->value, 0);
}

TEST_F(GroupsTest, AllPairsGiveWhatTheirListGives) {
  const auto executor = make_thread_pool(2);
  AllPairsOptions options;
  options.fars = {.05};
  options.groups = groups_;
  const std::vector<std::string> failed{"near0", "far1", "else"};
  const auto all = compare_all(faces_, failed, options, *executor);
  ASSERT_TRUE(all && all->groups);
  EXPECT_EQ(all->groups->ungrouped_people, 2U);
  ASSERT_EQ(all->groups->points.size(), 1U);

  PairList list = all_pairs();
  Embeddings embeddings = embeddings_;
  for (const std::string& person : failed) embeddings[person + "/9"] = std::nullopt;
  const auto photos = embeddings;
  list.pairs.clear();
  for (auto a = photos.begin(); a != photos.end(); ++a)
    for (auto b = photos.begin(); b != a; ++b)
      list.pairs.push_back(
          {a->first, b->first,
           a->first.substr(0, a->first.find('/')) == b->first.substr(0, b->first.find('/')), 0});
  const auto listed = verify_pairs(
      list, embeddings, {.threshold = all->groups->points[0].threshold, .groups = groups_});
  ASSERT_TRUE(listed) << listed.error().message;
  for (std::size_t k = 0; k < 2; ++k) {
    const GroupRates& a = all->groups->points[0].groups[k];
    const GroupRates& b = listed->groups->points[0].groups[k];
    EXPECT_EQ(a.group, b.group);
    EXPECT_EQ(a.genuine, b.genuine);
    EXPECT_EQ(a.impostor, b.impostor);
    EXPECT_DOUBLE_EQ(a.fmr->value, b.fmr->value);
    EXPECT_DOUBLE_EQ(a.fnmr->value, b.fnmr->value);
    EXPECT_EQ(a.fmr->interval.has_value(), b.fmr->interval.has_value());
  }
  EXPECT_GT(all->groups->points[0].groups[1].fmr->value, 0);
}

TEST_F(GroupsTest, ListsWhoseFoldersAreNotPeopleHaveNoGroups) {
  PairList list{.protocol = "pairs",
                .pairs = {{"near0/0", "near0/1", false, 0}, {"near0/0", "near1/0", true, 0}},
                .folds = 0};
  EXPECT_EQ(verify_pairs(list, embeddings_, {.groups = groups_}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(GroupsTest, SearchesByHand) {
  // Near people 0 to 2 and far people 0 to 2 are known, the others strangers; ten photos of each
  // stranger so that a rate of .1 is supported (60 searches).
  std::vector<LabelledPhoto> gallery;
  std::vector<LabelledPhoto> probes;
  for (const char* kind : {"near", "far"})
    for (int i = 0; i < 6; ++i) {
      const std::string person = kind + std::to_string(i);
      if (i < 3) {
        gallery.push_back({person + "/0", person});
        probes.push_back({person + "/1", person});
        continue;
      }
      for (int k = 0; k < 10; ++k) {
        const std::string photo = person + "/" + std::to_string(k);
        embeddings_[photo] = embeddings_[person + "/0"];
        probes.push_back({photo, person});
      }
    }
  const auto executor = make_inline_executor();
  const auto report = identify_probes(gallery, probes, embeddings_, {}, *executor, groups_);
  ASSERT_TRUE(report && report->groups);
  ASSERT_EQ(report->points.size(), 1U);
  // .1 of 60 searches lets six through: near3's ten photos, 8 degrees from near2, are too many, so
  // the threshold lies above cos 8° and everybody (2 and 6 degrees) is found.
  const GroupSearchPoint& point = report->groups->points.at(0);
  EXPECT_EQ(point.groups[0].mated, 3U);
  EXPECT_EQ(point.groups[0].non_mated, 30U);
  EXPECT_DOUBLE_EQ(point.groups[0].fnir->value, 0);
  EXPECT_DOUBLE_EQ(point.groups[1].fnir->value, 0);
  EXPECT_DOUBLE_EQ(point.groups[1].fpir->value, 0);
  EXPECT_EQ(point.groups[1].people, 6U);
}

TEST(ParseGroups, ReadsLinesAndRefusesWhatIsWrong) {
  const auto groups = parse_groups("person\tgroup\nada\tx\nbob\\tb\ty\nada\tx\n");
  ASSERT_TRUE(groups);
  EXPECT_EQ(*groups, (Groups{{"ada", "x"}, {"bob\tb", "y"}}));
  EXPECT_EQ(*group_of(*groups, "ada"), "x");
  EXPECT_EQ(*group_of(*groups, "team/ada"), "x");
  EXPECT_EQ(group_of(*groups, "eve"), nullptr);
  for (const char* text : {"", "ada\n", "ada\t\n", "ada\tx\ty\n", "ada\tx\nada\ty\n", "\tx\n"})
    EXPECT_EQ(parse_groups(text).error().code, ErrorCode::kDecodeFailed) << text;
}

Embeddings two_of_each(const std::vector<std::string>& people) {
  Embeddings embeddings;
  float angle = 0;
  for (const std::string& person : people) {
    for (const char* number : {"1", "2"}) {
      embeddings.emplace(
          person + number,
          Embedding{.model = ModelId{1}, .values = {std::cos(angle), std::sin(angle)}, .norm = 1});
      angle += .05F;
    }
    angle += .4F;
  }
  return embeddings;
}

// Three people with two templates each; nobody says anything of c, and of b one template only.
TEST(TemplateGroups, AreOfTemplatesOfOnePerson) {
  auto list = parse_template_pairs("a1 a2 1\nb1 b2 1\nc1 c2 1\na1 b1 0\na2 b1 0\nb1 c1 0\n");
  ASSERT_TRUE(list);
  const Embeddings embeddings = two_of_each({"a", "b", "c"});
  const auto judge = [&](const Groups& groups) {
    return verify_pairs(*list, embeddings, {.threshold = .99, .groups = groups});
  };
  const auto report = judge({{"a1", "x"}, {"a2", "x"}, {"b2", "x"}});
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_TRUE(report->groups);
  EXPECT_EQ(report->groups->ungrouped_people, 1U);
  const GroupRates& rates = report->groups->points.at(0).groups.at(0);
  EXPECT_EQ(rates.people, 2U);
  EXPECT_EQ(rates.genuine, 2U);
  EXPECT_EQ(rates.impostor, 2U);
  EXPECT_EQ(rates.fmr->value, 0);
  EXPECT_EQ(rates.fnmr->value, 0);
  const auto torn = judge({{"a1", "x"}, {"a2", "y"}});
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace visavis::protocols
