#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "program.hpp"

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// With a list of pairs of them.
class ConvertTest : public ThreePeopleTest {
 protected:
  void SetUp() override {
    ThreePeopleTest::SetUp();
    if (IsSkipped()) return;
    write("pairs.tsv",
          "obama/obama.jpg\tobama/obama2.jpg\t1\n"
          "obama/obama3.jpg\tobama/obama2.jpg\t1\n"
          "obama/obama.jpg\tbiden/biden.jpg\t0\n"
          "biden/biden.jpg\tcollins/astronaut.png\t0\n");
  }

  /// A model beside itself, on another engine.
  [[nodiscard]] Answer equivalence(const std::vector<std::string>& more) const {
    std::vector<std::string> words{
        "equivalence", "faceplugin-512", "faceplugin-512", "--engine", "onnxruntime", "--random",
        "1",           "--pairs",        at("pairs.tsv"),  "--images", at("in"),      "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return visavis(words);
  }

  [[nodiscard]] Answer convert(const std::string& source, const std::vector<std::string>& more,
                               const std::string& target = "new.onnx") const {
    std::vector<std::string> words{"convert", source,          at(target), "--random", "1",
                                   "--pairs", at("pairs.tsv"), "--images", at("in"),   "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return visavis(words);
  }
};

TEST_F(ConvertTest, CertifiesWhatBothFormsSayOfPhotos) {
  const Answer answer = convert("faceplugin-512", {});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["source"]["path"], "faceplugin-512");
  EXPECT_EQ(bytes_of(at("new.onnx.certificate.json")), answer.out);
  const nlohmann::json& effect = json["recognition"];
  EXPECT_EQ(effect["passed"], true);
  EXPECT_EQ(effect["pairs"], 4);
  EXPECT_EQ(effect["photos"], 5);
  EXPECT_EQ(effect["recogniser"], "faceplugin-512");
  // Obama's photos have a cosine of .75, he and Biden one of -.04.
  EXPECT_GT(effect["threshold"], -.05);
  EXPECT_LT(effect["threshold"], .76);
  std::vector<std::string> names;
  for (const nlohmann::json& figure : effect["figures"]) names.push_back(figure["figure"]);
  EXPECT_THAT(names, testing::ElementsAre("mean cosine", "least cosine", "accuracy",
                                          "pairs judged otherwise"));
  EXPECT_GT(effect["figures"][1]["result"], .999999);
  EXPECT_EQ(effect["figures"][2]["source"], 1);
  EXPECT_EQ(effect["figures"][3]["result"], 0);
}

TEST_F(ConvertTest, WritesNothingThatCostsTooMuch) {
  // No form is better by a tenth than what is right already.
  const Answer answer = convert("faceplugin-512", {"--max-accuracy-loss", "-.1"});
  EXPECT_EQ(answer.code, 1) << answer.err;
  EXPECT_EQ(answer.json()["equivalent"], true);
  EXPECT_EQ(answer.json()["recognition"]["passed"], false);
  EXPECT_FALSE(fs::exists(at("new.onnx")));
  EXPECT_FALSE(fs::exists(at("new.onnx.certificate.json")));
}

TEST_F(ConvertTest, TellsWhatEnginesSayOfPhotos) {
  const Answer answer = equivalence({});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["source"]["engine"], "reference");
  EXPECT_EQ(json["result"]["engine"], "onnxruntime");
  const nlohmann::json& effect = json["recognition"];
  EXPECT_EQ(effect["source_engine"], "reference");
  EXPECT_EQ(effect["recogniser"], "faceplugin-512");
  EXPECT_EQ(effect["photos"], 5);
  EXPECT_GT(effect["figures"][1]["result"], .999999);
  EXPECT_EQ(equivalence({"--max-accuracy-loss", "-.1"}).code, 1);
}

TEST_F(ConvertTest, TellsOfPhotosThoughAnswersDiffer) {
  const Answer answer = visavis({"equivalence", "faceplugin-512", "mobilefacenet-192", "--json"});
  EXPECT_EQ(answer.code, 1) << answer.err;
  EXPECT_THAT(answer.json()["other_form"].get<std::string>(),
              HasSubstr("is 1 x 512 in one and 1 x 192 in the other"));
  const Answer strict = equivalence({"--min-cosine", "1", "--max-abs", "0"});
  EXPECT_EQ(strict.code, 1) << strict.err;
  EXPECT_EQ(strict.json()["equivalent"], false);
  EXPECT_EQ(strict.json()["recognition"]["photos"], 5);
}

TEST_F(ConvertTest, RunsTheSourceOnTheEngineThatIsNamed) {
  const Answer answer = visavis({"convert", "faceplugin-512", at("new.onnx"), "--random", "1",
                                 "--source-engine", "onnxruntime", "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  EXPECT_EQ(answer.json()["source"]["engine"], "onnxruntime");
}

TEST_F(ConvertTest, SaysWhatCannotBe) {
  const auto refusal = [&](const std::string& source, const std::vector<std::string>& more,
                           int code) {
    const Answer answer = convert(source, more);
    EXPECT_EQ(answer.code, code) << source;
    EXPECT_FALSE(fs::exists(at("new.onnx")));
    return answer.err;
  };
  EXPECT_THAT(refusal("faceplugin-512", {"--recogniser", "mobilefacenet-192"}, 2),
              HasSubstr("it puts out 512 numbers and not 192"));
  EXPECT_THAT(refusal("faceplugin-512", {"--recogniser", "dlib-resnet-128"}, 2),
              HasSubstr("no form of the recogniser dlib-resnet-128"));
  EXPECT_THAT(refusal("faceplugin-512", {"--recogniser", "fusion-704"}, 2),
              HasSubstr("fusion-704 is not one network"));
  EXPECT_THAT(refusal("mtcnn", {}, 2), HasSubstr("not one network"));
  EXPECT_EQ(refusal("faceplugin-detect", {}, 2).empty(), false);
  EXPECT_THAT(refusal("nobody", {"--recogniser", "faceplugin-512"}, 3), HasSubstr("no such file"));
  fs::create_symlink(at("nowhere"), at("new.onnx.certificate.json"));
  EXPECT_THAT(refusal("faceplugin-512", {}, 2), HasSubstr("is there already"));
  EXPECT_FALSE(fs::exists(at("nowhere")));
  fs::remove(at("new.onnx.certificate.json"));
  write("pairs.tsv", "obama/obama.jpg\tobama/obama9.jpg\t1\nobama/obama.jpg\tbiden/biden.jpg\t0\n");
  EXPECT_THAT(refusal("faceplugin-512", {}, 3), HasSubstr("obama/obama9.jpg"));
  EXPECT_EQ(visavis({"convert", "faceplugin-512", at("new.onnx"), "--pairs", at("pairs.tsv")}).code,
            2);
  EXPECT_EQ(visavis({"convert", "faceplugin-512", at("new.onnx"), "--models", at("empty")}).code,
            4);
}

}  // namespace
}  // namespace visavis::integration
