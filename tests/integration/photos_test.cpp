#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <span>
#include <visavis/core/file.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/image/encode.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/store/npy.hpp>
#include <visavis/store/tsv.hpp>

#include "program.hpp"

namespace visavis::integration {
namespace {

using ::testing::HasSubstr;

Image open(const std::string& path) {
  const auto bytes = read_file(path, 64U << 20U);
  return bytes ? image::decode(*bytes)->image : Image();
}

TEST_F(FaceTest, DetectFindsPresidentAndTellsWhatRan) {
  const Answer answer = visavis({"detect", photo("obama2.jpg"), "--json", "--draw", at("d.png")});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["schema"], "visavis.detect/1");
  EXPECT_EQ(json["precision"], "f32");
  EXPECT_EQ(json["engine"], "native");
  EXPECT_GT(json["timings"]["load_ms"].get<double>(), 0);
  ASSERT_EQ(json["images"][0]["faces"].size(), 1U);
  EXPECT_EQ(json["images"][0]["faces"][0]["landmarks"].size(), 5U);
  const Image drawn = open(at("d.png"));
  EXPECT_EQ(drawn.width(), json["images"][0]["width"].get<int>());
  EXPECT_NE(drawn.bytes(), open(photo("obama2.jpg")).bytes());
}

TEST_F(FaceTest, ForcedEngineIsTheOneThatRan) {
  const nlohmann::json json = visavis({"engines", "--json"}).json();
  for (const nlohmann::json& engine : json["engines"]) {
    if (!engine["usable"].get<bool>()) continue;
    const std::string name = engine["name"];
    if (name == "reference") continue;  // it takes minutes for a photo, and has a suite of its own
    const Answer answer = visavis({"detect", photo("obama2.jpg"), "--json", "--engine", name,
                                   "--detector", "faceplugin-detect"});
    ASSERT_EQ(answer.code, 0) << name << ": " << answer.err;
    EXPECT_EQ(answer.json()["engine"], name);
    EXPECT_EQ(answer.json()["images"][0]["faces"].size(), 1U);
  }
}

TEST_F(FaceTest, TwoHundredFacesAreFound) {
  const Image portrait = open(photo("astronaut.png"));
  const Image face = image::resize_area(portrait.view(), {150, 20, 150, 150}, 80, 80);
  Image crowd(20 * 80, 10 * 80);
  for (int y = 0; y < crowd.height(); ++y)
    for (int x = 0; x < 20; ++x)
      std::copy_n(face.row(y % 80), std::size_t{3} * 80, crowd.row(y) + std::ptrdiff_t{3} * 80 * x);
  ASSERT_TRUE(image::write_image(at("crowd.png"), crowd.view()));
  const Answer answer = visavis({"detect", at("crowd.png"), "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  EXPECT_EQ(answer.json()["images"][0]["faces"].size(), 200U);
}

TEST_F(FaceTest, DetectTakesTheCascadesParameters) {
  const auto faces = [&](const std::vector<std::string>& options) {
    std::vector<std::string> words{"detect"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {photo("biden.jpg"), "--json"});
    const Answer answer = visavis(words);
    EXPECT_EQ(answer.code, 0) << answer.err;
    return answer.json()["images"][0]["faces"].size();
  };
  EXPECT_GE(faces({"--thresholds", ".6,.7,.7"}), 1U);
  EXPECT_EQ(faces({"--thresholds", ".6,.7,1"}), 0U) << "no score is above 1";
  EXPECT_EQ(faces({"--min-face", "2000", "--factor", "0.5"}), 0U) << "larger than the photo";
  EXPECT_EQ(visavis({"detect", photo("obama2.jpg"), "--factor", ".99999999"}).code, 2);
  const auto pyramid =
      visavis({"detect", photo("obama2.jpg"), "--detector", "faceplugin-detect", "--factor", ".6"});
  EXPECT_EQ(pyramid.code, 2);
  EXPECT_NE(pyramid.err.find("leave --factor out"), std::string::npos) << pyramid.err;
  EXPECT_EQ(visavis({"detect", photo("obama2.jpg"), "--landmarks", "mtcnn"}).code, 2);
  EXPECT_GE(faces({"--detector", "faceplugin-detect", "--thresholds", ".5"}), 1U);
  for (const char* wrong : {".6,.7", ".6,,.7", "a,b,c", "", ".6,.7,.7,", "nan,1,1", ".6,.7,2"})
    EXPECT_EQ(visavis({"detect", photo("biden.jpg"), "--thresholds", wrong}).code, 2) << wrong;
}

TEST_F(FaceTest, AlignWritesChipsOfTheSizeThatWasAsked) {
  const Answer answer =
      visavis({"align", photo("obama2.jpg"), "--out", at("chips"), "--template", "facenet",
               "--size", "160", "--margin", "20", "--prewhiten", "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json face = answer.json()["images"][0]["faces"][0];
  EXPECT_EQ(open(face["chip"]).width(), 160);
  const auto floats = store::read_npy(face["floats"].get<std::string>());
  ASSERT_TRUE(floats);
  ASSERT_EQ(floats->values.size(), 3U * 160 * 160);
  double sum = 0;
  double squares = 0;
  for (const float value : floats->values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const auto n = static_cast<double>(floats->values.size());
  EXPECT_NEAR(sum / n, 0, 1e-3);
  EXPECT_NEAR(squares / n, 1, 1e-3);
  EXPECT_EQ(visavis({"align", photo("obama2.jpg"), "--out", at("c"), "--margin", "9"}).code, 2)
      << "a margin means nothing to the ArcFace template";
}

TEST_F(FaceTest, EmbedWritesMatrixAndTable) {
  const Answer answer = visavis({"embed", photo("obama2.jpg"), photo("biden.jpg"), "--out",
                                 at("e.npy"), "--select", "largest", "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const auto matrix = store::read_npy(at("e.npy"));
  ASSERT_TRUE(matrix);
  ASSERT_EQ(matrix->rows, 2U);
  ASSERT_EQ(matrix->columns, 512U);
  for (std::size_t row = 0; row < 2; ++row) {
    double squares = 0;
    for (const float value : std::span(matrix->values).subspan(row * 512, 512))
      squares += static_cast<double>(value) * value;
    EXPECT_NEAR(squares, 1, 1e-5);
  }
  std::ifstream table(at("e.tsv"));
  std::string line;
  std::getline(table, line);
  EXPECT_EQ(line, "row\tpath\tface\tperson\tquality\tnorm");
  std::getline(table, line);
  EXPECT_THAT(line, HasSubstr("0\t" + photo("obama2.jpg") + "\t0\tphotos\t"));
}

TEST_F(FaceTest, CompareGivesSymmetricMatrix) {
  const Answer answer = visavis({"compare", photo("obama.jpg"), photo("obama2.jpg"),
                                 photo("biden.jpg"), "--select", "largest", "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  ASSERT_EQ(json["names"].size(), 3U);
  const nlohmann::json& d = json["distances"];
  EXPECT_EQ(d[0][0], 0);
  EXPECT_EQ(d[0][1], d[1][0]);
  // Cosines of an independent pipeline (numpy MTCNN, OpenCV warp, ONNX Runtime): .753, -.040, .091.
  EXPECT_NEAR(d[0][1].get<double>(), 1 - .753, .03);
  EXPECT_NEAR(d[0][2].get<double>(), 1 + .040, .03);
  EXPECT_NEAR(d[1][2].get<double>(), 1 - .091, .03);
}

TEST_F(FaceTest, FolderIsWalkedInByteOrder) {
  std::filesystem::create_directories(folder() / "in" / "b");
  for (const char* name : {"in/b/1.png", "in/c.png", "in/B.png", "in/a.png", "in/notes.txt"})
    write(name, name == std::string_view("in/notes.txt") ? "no photo" : "P5 1 1 255 x");
  const nlohmann::json json = visavis({"detect", at("in"), "--json"}).json();
  std::vector<std::string> paths;
  for (const nlohmann::json& image : json["images"]) paths.push_back(image["path"]);
  EXPECT_EQ(paths, (std::vector{at("in/B.png"), at("in/a.png"), at("in/b/1.png"), at("in/c.png")}));
  EXPECT_TRUE(json["errors"].empty()) << json;
}

TEST_F(FaceTest, BenchMeasuresEveryStage) {
  const Answer answer =
      visavis({"bench", photo("obama2.jpg"), "--repeat", "2", "--threads", "1", "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  std::vector<std::string> stages;
  const nlohmann::json json = answer.json();
  for (const nlohmann::json& row : json["stages"]) {
    stages.push_back(row["stage"]);
    EXPECT_GT(row["p50_ms"].get<double>(), 0);
    EXPECT_EQ(row["image"], "obama2.jpg");
  }
  EXPECT_THAT(stages,
              ::testing::UnorderedElementsAre("decode", "detect", "align", "embed", "network",
                                              "quality", "identify", "end_to_end"));
}

/// What was found does not go with the picture of it.
TEST_F(FaceTest, FacesStayWhereTheirDrawingCannotBeWritten) {
  const Answer answer = visavis({"detect", photo("obama.jpg"), "--draw", at("drawn.jpg"), "--json"},
                                {"/usr/bin/prlimit", "--fsize=1000"});
  EXPECT_EQ(answer.code, 4);
  const nlohmann::json json = answer.json();
  ASSERT_EQ(json["images"].size(), 1U);
  EXPECT_EQ(json["images"][0]["faces"].size(), 2U);
  EXPECT_FALSE(json["images"][0].contains("drawn"));
  ASSERT_EQ(json["errors"].size(), 1U);
  EXPECT_EQ(json["errors"][0]["path"], at("drawn.jpg"));
  EXPECT_FALSE(std::filesystem::exists(at("drawn.jpg")));
}

}  // namespace
}  // namespace visavis::integration
