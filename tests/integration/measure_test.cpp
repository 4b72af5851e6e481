#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <span>
#include <visavis/store/npy.hpp>

#include "program.hpp"

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Three photos of one person, two of others and one of nobody.
class VerificationTest : public FaceTest {
 protected:
  void SetUp() override {
    FaceTest::SetUp();
    if (IsSkipped()) return;
    fs::create_directory(folder() / "in");
    for (const char* name : {"obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg", "astronaut.png"})
      fs::create_symlink(photo(name), folder() / "in" / name);
    write("in/grey.ppm", "P6 64 64 255\n" + std::string(std::size_t{64} * 64 * 3, '\x80'));
  }
  [[nodiscard]] std::string content(std::string_view name) const {
    std::ifstream file(at(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] Answer evaluate(const std::string& pairs) const {
    write("pairs.tsv", pairs);
    return visavis({"evaluate", "verification", "--images", at("in"), "--pairs", at("pairs.tsv"),
                    "--no-cache", "--json"});
  }
};

/// One genuine pair cannot be judged; ten times three impostor pairs.
std::string pairs_with_a_faceless_photo() {
  std::string list =
      "obama2.jpg\tobama3.jpg\t1\n"
      "obama2.jpg\tobama.jpg\t1\n"
      "obama2.jpg\tgrey.ppm\t1\n";
  for (int i = 0; i < 10; ++i)
    list +=
        "obama2.jpg\tbiden.jpg\t0\n"
        "obama2.jpg\tastronaut.png\t0\n"
        "biden.jpg\tastronaut.png\t0\n";
  return list;
}

TEST_F(VerificationTest, WritesAReportAndComparesReports) {
  write("pairs.tsv", pairs_with_a_faceless_photo());
  const std::vector<std::string> verb{"evaluate", "verification",  "--images",  at("in"),
                                      "--pairs",  at("pairs.tsv"), "--no-cache"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), verb.begin(), verb.end());
    return visavis(more);
  };
  const Answer answer =
      with({"--report", at("out/one"), "--worst", "2", "--dataset", "six <photos>"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("report.html"));
  const nlohmann::json report = nlohmann::json::parse(content("out/one/report.json"));
  EXPECT_EQ(report["schema"], "visavis.report/1");
  EXPECT_EQ(report["dataset"], "six <photos>");
  EXPECT_EQ(report["subject"]["recogniser"], "faceplugin-512");
  ASSERT_EQ(report["false_matches"].size(), 2U);
  // From the page's folder.
  EXPECT_EQ(report["false_matches"][0]["a"].get<std::string>().rfind("../../in/", 0), 0U);
  EXPECT_EQ(report["false_non_matches"].size(), 2U) << "the pair without a face has no score";
  std::uint64_t impostors = 0;
  for (const auto& bin : report["histogram"]["impostor"]) impostors += bin.get<std::uint64_t>();
  EXPECT_EQ(impostors, 30U);
  const std::string page = content("out/one/report.html");
  EXPECT_THAT(page, HasSubstr("six &lt;photos&gt;"));
  EXPECT_THAT(page, HasSubstr("<svg"));

  const std::string one = at("out/one/report.json");
  ASSERT_EQ(visavis({"evaluate", "--compare", one, one, "--out", at("both.html")}).code, 0);
  EXPECT_THAT(content("both.html"), HasSubstr("2 evaluations compared"));
  EXPECT_EQ(visavis({"evaluate", "--compare", at("pairs.tsv"), "--out", at("x.html")}).code, 3);
  EXPECT_EQ(visavis({"evaluate", "--compare", one, "--out", one}).code, 2) << "that is an input";
  EXPECT_EQ(visavis({"evaluate"}).code, 2);
  EXPECT_EQ(with({"--worst", "2"}).code, 2) << "--worst without --report";
  EXPECT_EQ(with({"--report", at("pairs.tsv")}).code, 2) << "a file is in the place of the folder";
}

TEST_F(VerificationTest, FacelessPhotoCountsAsNonMatchAndIsNoError) {
  const Answer answer = evaluate(pairs_with_a_faceless_photo());
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["schema"], "visavis.evaluate-verification/1");
  EXPECT_TRUE(json["errors"].empty()) << json["errors"];
  EXPECT_EQ(json["failed_images"], 1);
  EXPECT_EQ(json["images"], 6);
  EXPECT_THAT(json["without_face"], ElementsAre(at("in/grey.ppm")));
  // By hand, given only that both genuine pairs with faces score above every impostor pair. The
  // three genuine pairs make three folds of 1 + 10 pairs, and in the third the genuine one is lost:
  // 1, 1, 10/11, so a mean of 32/33 and a population deviation of √2/33.
  EXPECT_EQ(json["pairs"], 33);
  EXPECT_EQ(json["accuracy"]["folds"].size(), 3U);
  EXPECT_NEAR(json["accuracy"]["mean"].get<double>(), 32. / 33, 1e-12);
  EXPECT_NEAR(json["accuracy"]["std"].get<double>(), std::sqrt(2.) / 33, 1e-12);
  // Two of three genuine pairs beat every impostor; FAR meets FRR where one third of each is wrong.
  EXPECT_NEAR(json["auc"].get<double>(), 2. / 3, 1e-12);
  EXPECT_NEAR(json["eer"].get<double>(), 1. / 3, 1e-12);
  // 30 impostor pairs support a FAR of 1e-1 (three expected) and no smaller one.
  EXPECT_EQ(json["tar_at_far"].size(), 1U);
  EXPECT_NEAR(json["tar_at_far"]["1e-1"].get<double>(), 2. / 3, 1e-12);
  const nlohmann::json& without = json["without_failures"];
  EXPECT_EQ(without["pairs"], 32);
  EXPECT_TRUE(without["accuracy"].is_null()) << "a fold has no genuine pair left";
  EXPECT_EQ(without["auc"], 1.0);
  EXPECT_EQ(without["eer"], 0.0);
  EXPECT_EQ(without["tar_at_far"]["1e-1"], 1.0);
}

TEST_F(VerificationTest, PhotoThatCannotBeReadIsAnErrorToo) {
  const Answer answer = evaluate(pairs_with_a_faceless_photo() + "obama2.jpg\tabsent.jpg\t0\n");
  EXPECT_EQ(answer.code, 3);
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["failed_images"], 2);
  EXPECT_THAT(json["without_face"], ElementsAre(at("in/grey.ppm")));
  ASSERT_EQ(json["errors"].size(), 1U);
  EXPECT_EQ(json["errors"][0]["path"], at("in/absent.jpg"));
  EXPECT_EQ(json["errors"][0]["code"], "not_found");
  EXPECT_EQ(json["pairs"], 34) << "its pair is a non-match, which is right for two people";
  EXPECT_EQ(json["without_failures"]["pairs"], 32);
}

TEST_F(VerificationTest, SecondRunTakesWhatTheFirstFound) {
  write("pairs.tsv", pairs_with_a_faceless_photo());
  fs::create_directory(folder() / "cache");
  const auto run = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{
        "evaluate", "verification",  "--images", at("in"),
        "--pairs",  at("pairs.tsv"), "--models", (cache() / "models").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return visavis(arguments, {"/usr/bin/env", "VISAVIS_CACHE=" + at("cache")});
  };
  const nlohmann::json unkept = run({"--json", "--no-cache"}).json();
  EXPECT_FALSE(fs::exists(folder() / "cache" / "embeddings"));
  nlohmann::json first = run({"--json"}).json();
  nlohmann::json second = run({"--json"}).json();
  EXPECT_EQ(first["from_cache"], 0);
  EXPECT_EQ(second["from_cache"], 6) << "the photo of nobody, too";
  EXPECT_THAT(run({}).out, HasSubstr("6 photos were embedded by an earlier run"));
  EXPECT_EQ(run({"--json", "--flip"}).json()["from_cache"], 0);
  EXPECT_EQ(run({"--json", "--no-cache"}).json()["from_cache"], 0);
  for (nlohmann::json* json : {&first, &second}) {
    (*json)["from_cache"] = 0;
    (*json)["timings"] = unkept["timings"];
    EXPECT_EQ(*json, unkept);
  }
  fs::remove(folder() / "in" / "obama.jpg");  // another photo under the same name is another photo
  fs::copy_file(photo("biden.jpg"), folder() / "in" / "obama.jpg");
  EXPECT_EQ(run({"--json"}).json()["from_cache"], 6) << "one by the hash of its copy";
}

/// A folder for each of two people, one of whom has a photo without a face.
class AllPairsTest : public VerificationTest {
 protected:
  void SetUp() override {
    VerificationTest::SetUp();
    if (IsSkipped()) return;
    for (const char* person : {"Barack", "Joe\tB", "absent"})
      fs::create_directories(folder() / "people" / person);
    for (const char* name : {"obama.jpg", "obama2.jpg", "obama3.jpg"})
      fs::create_symlink(photo(name), folder() / "people" / "Barack" / name);
    fs::create_symlink(photo("biden.jpg"), folder() / "people" / "Joe\tB" / "1.jpg");
    fs::copy_file(folder() / "in" / "grey.ppm", folder() / "people" / "Joe\tB" / "2.ppm");
    fs::create_symlink(photo("astronaut.png"), folder() / "people" / "astronaut.png");
  }
  [[nodiscard]] Answer all_pairs(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"evaluate",   "verification", "--images",
                                       at("people"), "--all-pairs",  "--no-cache"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return visavis(arguments);
  }
};

TEST_F(AllPairsTest, ComparesEveryPhotoWithEveryOther) {
  const Answer answer = all_pairs({"--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["schema"], "visavis.evaluate-verification/1");
  EXPECT_EQ(json["protocol"], "all-pairs");
  EXPECT_EQ(json["people"], 2);
  EXPECT_EQ(json["images"], 5);
  EXPECT_EQ(json["failed_images"], 1);
  EXPECT_EQ(json["in_no_folder"], 1);
  EXPECT_EQ(json["missing_people"], 0);
  // Three pairs of the one and one of the other, which cannot be scored; 3 · 2 of both.
  EXPECT_EQ(json["genuine"], 4);
  EXPECT_EQ(json["impostor"], 6);
  EXPECT_EQ(json["without_failures"]["genuine"], 3);
  EXPECT_EQ(json["without_failures"]["impostor"], 3);
  EXPECT_NEAR(json["without_failures"]["auc"].get<double>(), 1, 1e-9);
  // Three of four genuine pairs win over all six, the fourth ties with the three without a score.
  EXPECT_NEAR(json["auc"].get<double>(), (3 * 6 + 3 * .5) / 24, 1e-9);
  EXPECT_TRUE(json["tar_at_far"].empty()) << "one pair of people promises nothing";
  EXPECT_THAT(all_pairs({}).out, HasSubstr("1 photos in nobody's folder left out"));
}

TEST_F(AllPairsTest, PeopleOfAListAreTaken) {
  write("names.txt", "Barack\nJoe\\tB\nnobody\n");
  const nlohmann::json json = all_pairs({"--people", at("names.txt"), "--json"}).json();
  EXPECT_EQ(json["images"], 5);
  EXPECT_EQ(json["missing_people"], 1);
  write("names.txt", "Barack\n");
  const Answer alone = all_pairs({"--people", at("names.txt")});
  EXPECT_EQ(alone.code, 3);
  EXPECT_THAT(alone.err, HasSubstr("two people"));
}

TEST_F(AllPairsTest, GroupsAreToldApart) {
  write("pairs.tsv",
        "Barack/obama.jpg\tBarack/obama2.jpg\t1\nBarack/obama.jpg\tJoe\\tB/1.jpg\t0\n");
  write("groups.tsv", "Barack\tpresidents\nsomebody\tothers\n");
  const auto judge = [&](const std::string& groups) {
    return visavis({"evaluate", "verification", "--images", at("people"), "--pairs",
                    at("pairs.tsv"), "--far", ".001", "--groups", at(groups), "--no-cache",
                    "--json"});
  };
  const nlohmann::json groups = judge("groups.tsv").json()["groups"];
  EXPECT_EQ(groups["ungrouped_people"], 1);
  ASSERT_EQ(groups["points"].size(), 1U);
  EXPECT_TRUE(groups["points"][0]["far"].is_null());
  ASSERT_EQ(groups["points"][0]["groups"].size(), 1U);
  const nlohmann::json& presidents = groups["points"][0]["groups"][0];
  EXPECT_EQ(presidents["group"], "presidents");
  EXPECT_EQ(presidents["genuine"], 1);
  EXPECT_EQ(presidents["fnmr"], 0.0);
  EXPECT_TRUE(presidents["fmr"].is_null()) << "no two people of the group are compared";
  write("groups.tsv", "Barack\n");
  EXPECT_EQ(judge("groups.tsv").code, 3);
  EXPECT_EQ(judge("nowhere.tsv").code, 3);
}

TEST_F(AllPairsTest, GroupsAreComparedWithFolders) {
  const Answer answer =
      visavis({"evaluate", "clustering", "--images", at("people"), "--no-cache", "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["schema"], "visavis.evaluate-clustering/1");
  EXPECT_EQ(json["people"], 2);
  // Three photos of one together, one of the other alone, and the grey one alone.
  EXPECT_EQ(json["groups"], 3);
  EXPECT_EQ(json["images"], 5);
  EXPECT_EQ(json["failed_images"], 1);
  EXPECT_EQ(json["pairwise"]["precision"], 1.0);
  EXPECT_EQ(json["pairwise"]["recall"], .75);  // three of four pairs
  EXPECT_EQ(json["bcubed"]["precision"], 1.0);
  EXPECT_NEAR(json["bcubed"]["recall"].get<double>(), (3 + .5 + .5) / 5, 1e-12);
  EXPECT_EQ(visavis({"evaluate", "clustering", "--images", at("people/absent")}).code, 3);
}

TEST_F(AllPairsTest, OptionsThatMakeNoSenseAreUsage) {
  EXPECT_EQ(all_pairs({"--pairs", at("pairs.tsv")}).code, 2);
  EXPECT_EQ(all_pairs({"--far", ".001"}).code, 2);
  EXPECT_EQ(visavis({"evaluate", "verification", "--images", at("people")}).code, 2);
}

TEST_F(VerificationTest, ThresholdComesFromAnotherListOrTheCalibration) {
  write("train.tsv", "obama.jpg\tobama2.jpg\t1\nobama.jpg\tbiden.jpg\t0\n");
  write("pairs.tsv", "obama.jpg\tobama3.jpg\t1\nobama3.jpg\tastronaut.png\t0\n");
  const auto judge = [&](const std::string& option, const std::string& value) {
    return visavis({"evaluate", "verification", "--images", at("in"), "--pairs", at("pairs.tsv"),
                    option, value, "--no-cache", "--json"});
  };
  const nlohmann::json json = judge("--threshold-from", at("train.tsv")).json();
  EXPECT_EQ(json["accuracy"]["mean"], 1.0);
  EXPECT_EQ(json["accuracy"]["folds"].size(), 1U);
  EXPECT_EQ(json["at_threshold"]["far"], 0.0);
  EXPECT_EQ(json["images"], 3) << "of the list that is judged";
  EXPECT_NEAR(judge("--far", ".001").json()["at_threshold"]["threshold"].get<double>(), .3432, 1e-3)
      << "docs/accuracy.md";
  EXPECT_EQ(judge("--far", "1e-9").code, 2);
}

/// Lists beside the photos; a photo of nobody, one that is absent, and an astronaut whom the
/// gallery does not know.
TEST_F(VerificationTest, ProbesAreSearchedInAGallery) {
  write("in/gallery.tsv", "path\tperson\nobama.jpg\tBarack\nbiden.jpg\tJoe\n");
  write("in/probes.tsv",
        "obama2.jpg\tBarack\nobama3.jpg\tBarack\ngrey.ppm\tJoe\nastronaut.png\tEileen\n"
        "absent.jpg\tnobody\n");
  const std::vector<std::string> arguments{
      "evaluate", "identification",    "--gallery", at("in/gallery.tsv"),
      "--probes", at("in/probes.tsv"), "--no-cache"};
  auto with_json = arguments;
  with_json.emplace_back("--json");
  const Answer answer = visavis(with_json);
  EXPECT_EQ(answer.code, 3);  // for the photo that is absent
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["people"], 2);
  EXPECT_EQ(json["mated"], 3);
  EXPECT_EQ(json["non_mated"], 2);
  // Both photos of the one are found first, the photo of nobody never.
  EXPECT_NEAR(json["rank"]["1"].get<double>(), 2. / 3, 1e-12);
  EXPECT_NEAR(json["rank"]["2"].get<double>(), 2. / 3, 1e-12);
  EXPECT_TRUE(json["rank_1_interval"].is_null());
  EXPECT_TRUE(json["fnir_at_fpir"].empty());
  EXPECT_EQ(json["images"], 7);
  EXPECT_EQ(json["failed_images"], 2);
  EXPECT_THAT(json["without_face"], ElementsAre(at("in/grey.ppm")));
  ASSERT_EQ(json["errors"].size(), 1U);
  EXPECT_EQ(json["errors"][0]["path"], at("in/absent.jpg"));
  EXPECT_THAT(visavis(arguments).out, HasSubstr("2 people, 3 searches for one of them"));
}

TEST_F(VerificationTest, ProbeListsThatAreNoneAreBadInput) {
  write("list.tsv", "obama.jpg\n");
  const Answer answer = visavis(
      {"evaluate", "identification", "--gallery", at("list.tsv"), "--probes", at("list.tsv")});
  EXPECT_EQ(answer.code, 3);
  EXPECT_THAT(answer.err, HasSubstr("list.tsv: row 1"));
  EXPECT_EQ(visavis({"evaluate", "identification", "--gallery", at("nowhere.tsv"), "--probes",
                     at("list.tsv")})
                .code,
            3);
}

TEST_F(VerificationTest, ListsThatCannotBeJudgedAreBadInput) {
  EXPECT_EQ(evaluate("obama.jpg\tobama2.jpg\t1\n").code, 3) << "no pair of two people";
  const Answer answer = evaluate("obama.jpg\tobama2.jpg\tperhaps\n");
  EXPECT_EQ(answer.code, 3);
  EXPECT_THAT(answer.err, HasSubstr("pairs.tsv"));
}

TEST_F(VerificationTest, PhotosThatCannotBeReadAreNamedThoughTheListCannotBeJudged) {
  const Answer answer = evaluate("obama.jpg\tabsent.jpg\t1\n");
  EXPECT_EQ(answer.code, 3);
  EXPECT_THAT(answer.err, HasSubstr("absent.jpg: "));
  EXPECT_THAT(answer.err, HasSubstr("pairs of two people"));
}

TEST_F(VerificationTest, CalibrateSaysThatAFolderIsMissing) {
  const Answer answer = visavis({"calibrate", "--images", at("nowhere"), "--json"});
  EXPECT_EQ(answer.code, 3);
  EXPECT_EQ(answer.json()["errors"][0]["code"], "not_found");
  EXPECT_THAT(answer.err, HasSubstr(at("nowhere")));
  EXPECT_THAT(answer.err, ::testing::Not(HasSubstr("two people")));
}

TEST_F(VerificationTest, TwoPeopleCalibrateNothing) {
  fs::create_directories(folder() / "people" / "a");
  fs::create_directories(folder() / "people" / "b");
  fs::create_symlink(photo("obama2.jpg"), folder() / "people" / "a" / "1.jpg");
  fs::create_symlink(photo("biden.jpg"), folder() / "people" / "b" / "1.jpg");
  const Answer answer = visavis({"calibrate", "--images", at("people"), "--out",
                                 at("calibration.json"), "--no-cache", "--json"});
  EXPECT_EQ(answer.code, 3);
  EXPECT_THAT(answer.err, HasSubstr("too few people"));
  EXPECT_FALSE(fs::exists(at("calibration.json")));
}

TEST_F(VerificationTest, TemplatesAreJudgedAsIjbHasThem) {
  write("in/templates.txt",
        "obama.jpg 1 10\nobama2.jpg 1 11\ngrey.ppm 1 11\nobama3.jpg 2 12\nbiden.jpg 3 13\n"
        "grey.ppm 4 14\n");
  write("pairs.txt", "1 2 1\n1 4 1\n1 3 0\n2 3 0\n");
  const auto judge = [&](const std::string& fusion) {
    return visavis({"evaluate", "verification", "--images", at("in"), "--pairs", at("pairs.txt"),
                    "--templates", at("in/templates.txt"), "--fusion", fusion, "--far", ".001",
                    "--no-cache", "--json"});
  };
  for (const char* fusion : {"mean", "quality"}) {
    const nlohmann::json json = judge(fusion).json();
    EXPECT_EQ(json["protocol"], "templates");
    EXPECT_EQ(json["images"], 4);
    EXPECT_EQ(json["failed_images"], 1);
    EXPECT_EQ(json["template_photos"], 5);
    EXPECT_EQ(json["at_threshold"]["frr"], .5) << "one of two has no face";
    EXPECT_EQ(json["at_threshold"]["far"], 0.0);
  }
  write("groups.tsv", "1\tx\n2\tx\n3\tx\n");
  const Answer worst =
      visavis({"evaluate", "verification", "--images", at("in"), "--pairs", at("pairs.txt"),
               "--templates", at("in/templates.txt"), "--groups", at("groups.tsv"), "--far", ".001",
               "--report", at("out"), "--worst", "1", "--no-cache", "--json"});
  ASSERT_EQ(worst.code, 0) << worst.err;
  const nlohmann::json rates = worst.json()["groups"]["points"][0]["groups"][0];
  EXPECT_EQ(rates["people"], 2) << "1, 2 and 4 are one person";
  EXPECT_EQ(rates["impostor"], 2);
  const nlohmann::json missed =
      nlohmann::json::parse(content("out/report.json"))["false_non_matches"];
  ASSERT_EQ(missed.size(), 1U) << "1 and 4 have no score";
  EXPECT_EQ(missed[0]["a_template"], "1");
  EXPECT_EQ(missed[0]["b_template"], "2");
  EXPECT_EQ(missed[0]["b"], "../in/obama3.jpg");
  write("gallery.tsv", "1\tBarack\n3\tJoe\n");
  write("probes.tsv", "2\tBarack\n");
  const nlohmann::json found =
      visavis({"evaluate", "identification", "--gallery", at("gallery.tsv"), "--probes",
               at("probes.tsv"), "--templates", at("in/templates.txt"), "--no-cache", "--json"})
          .json();
  EXPECT_EQ(found["rank"]["1"], 1.0);
  write("pairs.txt", "1 2 1\n1 9 0\n");
  const Answer unknown = judge("mean");
  EXPECT_EQ(unknown.code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("not on the list of templates"));
}

TEST_F(VerificationTest, DetectionIsComparedWithAList) {
  write("in/faces.tsv", "path\tn_faces\nobama.jpg\t1\ngrey.ppm\t2\nbiden.jpg\t1\nabsent.jpg\t1\n");
  const Answer answer = visavis({"evaluate", "detection", "--truth", at("in/faces.tsv"), "--json"});
  EXPECT_EQ(answer.code, 3) << "a photo is absent";
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["schema"], "visavis.evaluate-detection/1");
  EXPECT_EQ(json["truth"], "counts");
  EXPECT_EQ(json["images"], 4);
  EXPECT_EQ(json["failed_images"], 1);
  EXPECT_EQ(json["faces"], 5);
  EXPECT_EQ(json["recall"], .4);  // two of five
  EXPECT_TRUE(json["recall_interval"].is_null()) << "four photos";
  EXPECT_EQ(visavis({"evaluate", "landmarks", "--truth", at("in/faces.tsv")}).code, 3);
  write("in/faces.tsv", "obama.jpg\tmany\nbiden.jpg\tmore\n");
  EXPECT_EQ(visavis({"evaluate", "detection", "--truth", at("in/faces.tsv")}).code, 3);
}

/// What `detect` says is the truth, moved by a tenth of the eyes' distance.
TEST_F(VerificationTest, LandmarksAreComparedWithAList) {
  const nlohmann::json found = visavis({"detect", at("in/obama.jpg"), "--json"}).json();
  const nlohmann::json& points = found["images"][0]["faces"][0]["landmarks"];
  const auto eyes = std::hypot(points[0][0].get<double>() - points[1][0].get<double>(),
                               points[0][1].get<double>() - points[1][1].get<double>());
  std::string line = "obama.jpg";
  for (const auto& point : points)
    line += "\t" + std::to_string(point[0].get<double>() + eyes / 10) + "\t" +
            std::to_string(point[1].get<double>());
  write("in/points.tsv", line + "\n");
  const nlohmann::json json =
      visavis({"evaluate", "landmarks", "--truth", at("in/points.tsv"), "--json"}).json();
  EXPECT_EQ(json["recall"], 1.0);
  EXPECT_EQ(json["landmarks"]["faces"], 1);
  EXPECT_NEAR(json["landmarks"]["nme"].get<double>(), .1, 1e-4);
}

/// Calibrates on people of LFW, two photos each.
class CalibrateTest : public FaceTest {
 protected:
  // 26 people are 325 pairs of people: enough for a FAR of 1e-1 (30 expected), not for 1e-2.
  static constexpr std::size_t kCalibrated = 26;
  static constexpr std::size_t kObserved = 4;

  void SetUp() override {
    FaceTest::SetUp();
    if (IsSkipped()) return;
    const char* data = std::getenv("VISAVIS_DATA");
    const fs::path lfw =
        fs::path(data == nullptr ? VISAVIS_SOURCE_DIR "/../shared/data" : data) / "lfw" / "images";
    if (!fs::exists(lfw)) GTEST_SKIP() << "LFW is not there: set VISAVIS_DATA";
    std::set<fs::path> sorted(fs::directory_iterator(lfw), fs::directory_iterator{});
    for (const fs::path& person : sorted) {
      if (names_.size() == kCalibrated + kObserved) break;
      const std::string name = person.filename().string();
      if (!fs::exists(person / (name + "_0002.jpg"))) continue;
      fs::create_directories(folder() / "in" / name);
      for (const char* end : {"_0001.jpg", "_0002.jpg"})
        fs::create_symlink(person / (name + end), folder() / "in" / name / (name + end));
      names_.push_back(name);
    }
    ASSERT_EQ(names_.size(), kCalibrated + kObserved);
    write_names("people.txt", std::span(names_).first(kCalibrated));
    write_names("others.txt", std::span(names_).subspan(kCalibrated));
  }
  void write_names(const std::string& file, std::span<const std::string> names) const {
    std::string text;
    for (const std::string& name : names) text += name + "\n";
    write(file, text);
  }
  std::vector<std::string> names_;
};

/// Cosines between rows of unit length, two rows a person, from the largest.
struct Cosines {
  std::vector<double> genuine;
  std::vector<double> impostor;
};

Cosines cosines_of(const store::Matrix& matrix, std::size_t first, std::size_t end) {
  Cosines cosines;
  for (std::size_t i = first; i < end; ++i) {
    for (std::size_t j = first; j < i; ++j) {
      double dot = 0;
      for (std::size_t k = 0; k < matrix.columns; ++k)
        dot += static_cast<double>(matrix.values[i * matrix.columns + k]) *
               matrix.values[j * matrix.columns + k];
      (i / 2 == j / 2 ? cosines.genuine : cosines.impostor).push_back(dot);
    }
  }
  std::ranges::sort(cosines.genuine, std::greater{});
  std::ranges::sort(cosines.impostor, std::greater{});
  return cosines;
}

double share_from(const std::vector<double>& scores, double threshold) {
  const auto accepted = std::ranges::count_if(scores, [&](double s) { return s >= threshold; });
  return static_cast<double>(accepted) / static_cast<double>(scores.size());
}

TEST_F(CalibrateTest, ThresholdIsTheOneOfAllPairsOfPeople) {
  const Answer embedded =
      visavis({"embed", at("in"), "--select", "center", "--out", at("e.npy"), "--json"});
  ASSERT_EQ(embedded.code, 0) << embedded.err;
  const auto matrix = store::read_npy(at("e.npy"));
  ASSERT_TRUE(matrix);
  ASSERT_EQ(matrix->rows, 2 * (kCalibrated + kObserved));

  fs::create_directories(folder() / "in" / names_[0]);
  write("in/" + names_[0] + "/grey.ppm",
        "P6 64 64 255\n" + std::string(std::size_t{64} * 64 * 3, '\x80'));
  const Answer answer =
      visavis({"calibrate", "--images", at("in"), "--people", at("people.txt"), "--observe",
               at("others.txt"), "--out", at("c.json"), "--no-cache", "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["schema"], "visavis.calibrate/1");
  EXPECT_TRUE(json["errors"].empty()) << json["errors"];
  EXPECT_THAT(json["without_face"], ElementsAre(at("in/" + names_[0] + "/grey.ppm")));
  EXPECT_TRUE(fs::exists(at("c.json")));

  // 52 faces: 52·51/2 = 1326 pairs, 26 of them of one person.
  const nlohmann::json& calibration = json["calibration"];
  EXPECT_EQ(calibration["impostor_pairs"], 1300);
  EXPECT_EQ(calibration["genuine_pairs"], 26);
  ASSERT_EQ(calibration["by_far"].size(), 1U);
  EXPECT_EQ(calibration["by_far"][0]["far"], .1);
  const Cosines own = cosines_of(*matrix, 0, 2 * kCalibrated);
  ASSERT_EQ(own.impostor.size(), 1300U);
  const double threshold = calibration["by_far"][0]["threshold"];
  // 130 of 1300 may be accepted: it lies just above the one that follows them.
  EXPECT_NEAR(threshold, own.impostor[130], 1e-5);
  EXPECT_NEAR(calibration["by_far"][0]["frr"].get<double>(), 1 - share_from(own.genuine, threshold),
              1e-9);

  const Cosines others = cosines_of(*matrix, 2 * kCalibrated, matrix->rows);
  ASSERT_EQ(json["observed"].size(), 1U);
  EXPECT_NEAR(json["observed"][0]["observed_far"].get<double>(),
              share_from(others.impostor, threshold), 1e-9);
  EXPECT_NEAR(json["observed"][0]["observed_frr"].get<double>(),
              1 - share_from(others.genuine, threshold), 1e-9);
}

}  // namespace
}  // namespace visavis::integration
