#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "program.hpp"

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class QuantizeTest : public ThreePeopleTest {
 protected:
  /// How fast it is, is no matter for a test; the reference engine has nothing to compile.
  [[nodiscard]] Answer quantize(const std::vector<std::string>& more) const {
    std::vector<std::string> words{"quantize", "--images",    at("in"), "--out",    at("out"),
                                   "--json",   "--min-speed", ".01",    "--engine", "reference"};
    words.insert(words.end(), more.begin(), more.end());
    const bool tested = std::ranges::any_of(more, [](const std::string& word) {
      return word == "--pairs" || word == "--test-people" || word == "--detector";
    });
    if (!tested) words.emplace_back("--untested");
    return visavis(words);
  }
  [[nodiscard]] bool is_written(const std::string& name) const {
    return fs::exists(folder() / "out" / name);
  }
};

TEST_F(QuantizeTest, PublishesWhatKeepsToItsLimits) {
  const std::vector<std::string> words{"--chips",  "4",   "--held-out",   "1",
                                       "--method", "mse", "--min-cosine", ".9"};
  const Answer answer = quantize(words);
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["schema"], "visavis.quantize/1");
  EXPECT_EQ(json["passed"], true);
  EXPECT_EQ(json["id"], "faceplugin-512-int8");
  EXPECT_EQ(json["method"], "mse");
  EXPECT_EQ(json["layers"].size(), 50U);  // its convolutions
  EXPECT_EQ(json["gate"][0]["figure"], "mean cosine");
  EXPECT_EQ(bytes_of(at("out/faceplugin-512-int8.certificate.json")), answer.out);
  const Answer inside =
      visavis({"models", "inspect", at("out/faceplugin-512-int8.onnx"), "--json"});
  EXPECT_EQ(inside.json()["sha256"], json["sha256"]);
  EXPECT_GT(inside.json()["operators"]["QuantizeLinear"], 30);
  const Answer again = quantize(words);
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
}

/// What is published is a recipe: the file that was tested comes out of the float one again.
TEST_F(QuantizeTest, TheRecipeMakesTheFileThatWasTested) {
  ASSERT_EQ(quantize({"--chips", "4", "--held-out", "1", "--method", "mse", "--min-cosine", ".9",
                      "--id", "mine"})
                .code,
            0);
  const auto manifest = nlohmann::json::parse(bytes_of(at("out/mine.json")));
  const nlohmann::json& file = manifest["files"][0];
  EXPECT_EQ(file["importer"], "onnx:free-batch");
  // One for each convolution's input, and for what each of the 12 sums takes from a convolution.
  EXPECT_EQ(file["int8"]["activations"].size(), 50U + 12U);
  EXPECT_EQ(file["int8"]["weight_steps"], 64);
  EXPECT_EQ(file["onnx_bytes"], bytes_of(at("out/mine.onnx")).size());
  EXPECT_EQ(manifest["measured"]["model"], "faceplugin-512");
  // The float network's say nothing of another one.
  EXPECT_FALSE(manifest.contains("certificates"));
  fs::create_directories(folder() / "store" / "manifests");
  fs::copy_file(at("out/mine.json"), at("store/manifests/mine.json"));
  const Answer fetched = visavis({"models", "fetch", "mine", "--models", at("store")});
  ASSERT_EQ(fetched.code, 0) << fetched.err;
  EXPECT_EQ(bytes_of(folder() / "store" / "files" / file["onnx_sha256"].get<std::string>()),
            bytes_of(at("out/mine.onnx")));
  const Answer added =
      visavis({"models", "add", at("out/mine.json"), at("out/mine.onnx"), "--models", at("other")});
  EXPECT_EQ(added.code, 0) << added.err;
}

TEST_F(QuantizeTest, OfADetectorThatFindsTheSameFaces) {
  // A photo is observed, the others are tested.
  const std::vector<std::string> words{
      "--detector", "faceplugin-detect", "--chips", "1", "--held-out", "1", "--method", "mse"};
  const Answer answer = quantize(words);
  ASSERT_NE(answer.code, 2) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["source"], "faceplugin-detect");
  EXPECT_EQ(json["layers"].size(), 52U);  // its convolutions
  EXPECT_EQ(json["gate"][0]["figure"], "faces found again");
  EXPECT_EQ(json["gate"][0]["limit"], .995);
  EXPECT_EQ(json["faces"]["float"], 3);  // one on each of the other photos
  std::vector<std::string> strict = words;
  strict.insert(strict.end(), {"--min-overlap", "1", "--id", "strict"});
  const Answer refused = quantize(strict);
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.json()["gate"][0]["passed"], false);
  EXPECT_TRUE(refused.json()["network"].is_null());
}

/// All weights are halves, and the manifest proves how far its answers are from the original's.
TEST_F(QuantizeTest, F16OfADetectorHasACertificateOfItsOwn) {
  const Answer answer =
      quantize({"--weights", "f16", "--detector", "faceplugin-detect", "--held-out", "1"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["id"], "faceplugin-detect-f16");
  EXPECT_EQ(json["gate"][0]["figure"], "faces found again");
  EXPECT_EQ(json["gate"][0]["f16"], 1);
  EXPECT_EQ(json["faces"]["float"], 4);  // one on each of the other photos
  const std::string path = at("out/faceplugin-detect-f16.json");
  const auto manifest = nlohmann::json::parse(bytes_of(path));
  ASSERT_EQ(manifest["certificates"].size(), 1U);
  EXPECT_EQ(manifest["certificates"][0]["result_sha256"], json["sha256"]);
  ASSERT_EQ(visavis({"models", "add", path, at("out/faceplugin-detect-f16.onnx"), "--models",
                     at("store")})
                .code,
            0);
  const Answer shown =
      visavis({"models", "show", "faceplugin-detect-f16", "--models", at("store"), "--json"});
  const nlohmann::json file = shown.json()["model"]["files"][0];
  EXPECT_EQ(file["f16"], true);
  const nlohmann::json& engine = file["certificate"]["engines"].at(0);
  EXPECT_EQ(engine["engine"], "reference");
  // Another network, by what halves round: neither the same nor far away.
  EXPECT_GT(engine["max_abs"], 1e-5);
  EXPECT_LT(engine["max_abs"], .01);
  EXPECT_GT(engine["min_cosine"], .9999);
}

TEST_F(QuantizeTest, PublishesNothingThatFails) {
  const Answer answer = quantize({"--chips", "4", "--held-out", "1", "--method", "minmax",
                                  "--all-int8", "--min-cosine", ".999999"});
  EXPECT_EQ(answer.code, 1) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["passed"], false);
  EXPECT_EQ(json["gate"][0]["passed"], false);
  EXPECT_TRUE(json["network"].is_null());
  EXPECT_FALSE(is_written("faceplugin-512-int8.onnx"));
  EXPECT_FALSE(is_written("faceplugin-512-int8.json"));
}

TEST_F(QuantizeTest, NeverObservesWhatItTestsOn) {
  write("pairs.tsv",
        "obama/obama.jpg\tobama/obama2.jpg\t1\nobama/obama3.jpg\tbiden/biden.jpg\t0\n");
  const Answer answer = quantize({"--pairs", at("pairs.tsv"), "--chips", "1", "--held-out", "1"});
  EXPECT_EQ(answer.code, 3);
  EXPECT_THAT(answer.err, HasSubstr("there are 1 faces to observe and 2 are wanted"));
  write("pairs.tsv",
        "obama/obama.jpg\tobama/obama9.jpg\t1\nobama/obama3.jpg\tbiden/biden.jpg\t0\n");
  const Answer missing = quantize({"--pairs", at("pairs.tsv")});
  EXPECT_EQ(missing.code, 3);
  EXPECT_THAT(missing.err, HasSubstr("obama/obama9.jpg"));
}

TEST_F(QuantizeTest, WantsToTestOnPeople) {
  const Answer answer = visavis({"quantize", "--images", at("in"), "--out", at("out")});
  EXPECT_EQ(answer.code, 2);
  EXPECT_THAT(answer.err, HasSubstr("give --pairs or --test-people, or --untested"));
  EXPECT_EQ(quantize({"--untested", "--test-people", at("people.txt")}).code, 2);
  EXPECT_EQ(quantize({"--untested", "--detector", "faceplugin-detect"}).code, 2);
}

TEST_F(QuantizeTest, TestsOnFacesOrNotAtAll) {
  const std::string grey = "P6 64 64 255\n" + std::string(std::size_t{64} * 64 * 3, '\x80');
  for (const char* name : {"in/wall/1.ppm", "in/wall/2.ppm", "in/door/1.ppm"}) {
    fs::create_directories(fs::path(at(name)).parent_path());
    write(name, grey);
  }
  write("pairs.tsv", "wall/1.ppm\twall/2.ppm\t1\nwall/1.ppm\tdoor/1.ppm\t0\n");
  const Answer answer =
      quantize({"--weights", "f16", "--held-out", "1", "--pairs", at("pairs.tsv")});
  EXPECT_EQ(answer.code, 3) << answer.out;
  EXPECT_THAT(answer.err, HasSubstr("no photo of the test shows a face"));
  EXPECT_FALSE(is_written("faceplugin-512-f16.onnx"));
}

TEST_F(QuantizeTest, ObservesAsManyOfEveryKind) {
  write("kinds.tsv",
        "path\twho\nobama/obama.jpg\tone\nobama/obama2.jpg\tone\nobama/obama3.jpg\tone\n"
        "biden/biden.jpg\tother\ncollins/astronaut.png\tother\n");
  const Answer answer = quantize(
      {"--balance", at("kinds.tsv"), "--chips", "4", "--held-out", "1", "--method", "minmax"});
  EXPECT_EQ(answer.code, 3) << answer.out;
  EXPECT_THAT(answer.err, HasSubstr("there are 4 faces to observe and 5 are wanted"));
}

TEST_F(QuantizeTest, SaysWhatCannotBe) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--id", "../escaped"},
           {"--method", "best"},
           {"--recogniser", "fusion-704"},
           {"--recogniser", "faceplugin-512-int8"},
           {"--detector", "mtcnn"},
           {"--weight-steps", "128"},
           {"--chips", "1", "--held-out", "1", "--method", "minmax", "--keep-float", "nowhere"},
           {"--kept", ".2"},
           {"--min-speed", "0"}})
    EXPECT_EQ(quantize(words).code, 2) << words[1];
  write("people.txt", "nobody\n");
  EXPECT_EQ(quantize({"--test-people", at("people.txt")}).code, 3);
  EXPECT_FALSE(fs::exists(folder() / "escaped.onnx"));
}

}  // namespace
}  // namespace visavis::integration
