#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "program.hpp"

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// Three photos of one person, one of each of two others.
class QualityTest : public FaceTest {
 protected:
  void SetUp() override {
    FaceTest::SetUp();
    if (IsSkipped()) return;
    put("obama", {"obama.jpg", "obama2.jpg", "obama3.jpg"});
    put("biden", {"biden.jpg"});
    put("collins", {"astronaut.png"});
  }
  [[nodiscard]] Answer evaluate(const std::vector<std::string>& more) const {
    std::vector<std::string> words{"evaluate", "quality", "--images", at("in"), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return visavis(words);
  }

 private:
  void put(const std::string& person, const std::vector<const char*>& photos) const {
    fs::create_directories(folder() / "in" / person);
    for (const char* name : photos)
      fs::create_symlink(photo(name), folder() / "in" / person / name);
  }
};

// By hand: 3 pairs of one person and 3 + 3 + 1 of two among five photos; across both lists twice as
// many, because a photo is not compared with itself.
TEST_F(QualityTest, ComparesGoodAndBadPhotos) {
  const Answer answer = evaluate({"--degrade", "downscale:2", "--no-cache"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["schema"], "visavis.evaluate-quality/1");
  EXPECT_EQ(json["split"], "degrade");
  EXPECT_EQ(json["degradations"], "downscale:2");
  EXPECT_EQ(json["seed"], 1);
  EXPECT_EQ(json["people"], 3);
  EXPECT_EQ(json["high_images"], 5);
  EXPECT_EQ(json["high_high"]["genuine"], 3);
  EXPECT_EQ(json["high_high"]["impostor"], 7);
  EXPECT_EQ(json["low_high"]["genuine"], 6);
  EXPECT_EQ(json["low_high"]["impostor"], 14);
  EXPECT_EQ(json["low_low"]["genuine"], 3);
  EXPECT_EQ(json["high_high"]["average_precision"], 1);
  EXPECT_EQ(json["high_high"]["search"]["rank"]["1"], 1);
  EXPECT_EQ(json["high_high"]["search"]["mated"], 2);
  EXPECT_EQ(json["high_high"]["search"]["non_mated"], 2);
}

TEST_F(QualityTest, WritesAReportOfEachKindOfPairs) {
  const Answer answer = evaluate({"--degrade", "downscale:2", "--no-cache", "--report", at("out"),
                                  "--dataset", "three people"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json found = answer.json();
  for (const std::string kind : {"high_high", "low_high", "low_low"}) {
    const auto report = nlohmann::json::parse(bytes_of(at("out/" + kind + ".json")));
    EXPECT_EQ(report["schema"], "visavis.report/1");
    EXPECT_EQ(report["protocol"], "quality " + kind);
    EXPECT_EQ(report["dataset"], "three people");
    EXPECT_EQ(report["rates"].back()["fmr"], 1) << "every impostor has a face, and is accepted";
    EXPECT_EQ(report["precision_recall"].back()["recall"], 1);
    const double genuine = found[kind]["genuine"];
    EXPECT_DOUBLE_EQ(report["precision_recall"].back()["precision"],
                     genuine / (genuine + found[kind]["impostor"].get<double>()));
    EXPECT_EQ(report["reject"].size(), found[kind]["reject"].size());
    EXPECT_EQ(report["ranks"][0], found[kind]["search"]["rank"]["1"]);
  }
  const std::string page = bytes_of(at("out/report.html"));
  EXPECT_THAT(page, HasSubstr("3 evaluations compared"));
  EXPECT_THAT(page, HasSubstr("quality low_high: "));
  EXPECT_EQ(visavis({"evaluate", "--compare", at("out/high_high.json"), at("out/low_low.json"),
                     "--out", at("both.html")})
                .code,
            0);
}

TEST_F(QualityTest, ReportGoesNowhereButIntoAFolder) {
  write("file", "");
  const Answer answer = evaluate({"--no-cache", "--report", at("file")});
  EXPECT_EQ(answer.code, 2) << answer.err;
}

TEST_F(QualityTest, SplitsByFactsToo) {
  const Answer answer = evaluate({"--split", "size", "--no-cache"});
  // A third of five photos is one: it cannot be compared.
  EXPECT_EQ(answer.code, 3);
  EXPECT_THAT(answer.err, HasSubstr("no pairs"));
}

// Two of obama's three photos and the two of the others are as many of each pose.
TEST_F(QualityTest, BalancesByAttributes) {
  write("poses.tsv",
        "path\tpose\nobama/obama.jpg\ta\nobama/obama2.jpg\ta\nobama/obama3.jpg\ta\n"
        "biden/biden.jpg\tb\ncollins/astronaut.png\tb\nnobody/1.jpg\tb\n");
  const Answer answer =
      evaluate({"--degrade", "downscale:2", "--balance", at("poses.tsv"), "--no-cache"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["high_images"], 4);
  EXPECT_EQ(json["low_images"], 4);
  EXPECT_EQ(json["high_high"]["genuine"], 1);
  EXPECT_EQ(json["high_high"]["impostor"], 5);
  const nlohmann::json& high = json["balance"]["high"];
  EXPECT_EQ(json["balance"]["of"], "images");
  EXPECT_EQ(high["of_each"], 2);
  EXPECT_EQ(high["unlisted_images"], 0);
  EXPECT_EQ(high["cells"][0]["values"]["pose"], "a");
  EXPECT_EQ(high["cells"][0]["available"], 3);
  EXPECT_EQ(high["cells"][0]["images"], 2);
}

TEST_F(QualityTest, RefusesAttributesThatSayNothing) {
  write("bad.tsv", "person\tgender\nobama\n");
  const Answer bad = evaluate({"--balance", at("bad.tsv"), "--no-cache"});
  EXPECT_EQ(bad.code, 3);
  EXPECT_THAT(bad.err, HasSubstr("row 2 of the list of attributes"));
  write("one.tsv", "person\tgender\nobama\tm\nbiden\tm\ncollins\tf\n");
  const Answer one = evaluate({"--balance", at("one.tsv"), "--no-cache"});
  EXPECT_EQ(one.code, 3);
  EXPECT_THAT(one.err, HasSubstr("only one person"));
  EXPECT_EQ(evaluate({"--balance", at("missing.tsv"), "--no-cache"}).code, 3);
}

TEST_F(QualityTest, SameSeedMeasuresTheSame) {
  const auto figures = [&](const std::string& seed) {
    nlohmann::json json =
        evaluate({"--degrade", "noise:20;blur:2", "--seed", seed, "--no-cache"}).json();
    return json["low_high"].dump();
  };
  EXPECT_EQ(figures("1"), figures("1"));
}

/// What is made worse is not what is remembered of the photo as it is, and the other way round.
TEST_F(QualityTest, CacheKeepsGoodAndBadApart) {
  fs::create_directory(folder() / "cache");
  const auto run = [&] {
    return visavis({"evaluate", "quality", "--images", at("in"), "--degrade", "blur:3", "--models",
                    (cache() / "models").string(), "--json"},
                   {"/usr/bin/env", "VISAVIS_CACHE=" + at("cache")})
        .json();
  };
  const nlohmann::json first = run();
  const nlohmann::json second = run();
  EXPECT_EQ(second["from_cache"], 10);
  EXPECT_EQ(first["low_low"], second["low_low"]);
  EXPECT_EQ(first["high_high"], second["high_high"]);
  EXPECT_EQ(first["from_cache"], 0) << "the bad ones are not taken for the good ones";
}

TEST_F(QualityTest, WhatCannotBeDoneIsSaid) {
  EXPECT_EQ(evaluate({"--degrade", "fog:1"}).code, 2);
  EXPECT_EQ(evaluate({"--degrade", "blur:nan"}).code, 2);
  EXPECT_EQ(evaluate({"--split", "size", "--degrade", "blur:1"}).code, 2);
  EXPECT_EQ(evaluate({"--split", "luck"}).code, 2);
  EXPECT_EQ(evaluate({"--people", at("absent.txt")}).code, 3);
  write("alone.txt", "obama\n");
  const Answer alone = evaluate({"--people", at("alone.txt"), "--no-cache"});
  EXPECT_EQ(alone.code, 3);
  EXPECT_THAT(alone.err, HasSubstr("no pairs of two people"));
}

}  // namespace
}  // namespace visavis::integration
