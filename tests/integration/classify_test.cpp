// A recogniser with a second head that can be computed by hand: the embedding is the mean of each
// colour, the classes are a matrix times that.

#include <gmock/gmock.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/store/npy.hpp>

#include "program.hpp"

namespace visavis::integration {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;

const std::vector<Floats> kWeights{{1, 0, 0}, {0, -2, 0}, {0, 0, 3}, {1, 1, 1}};
const Floats kBias{0, .5F, 0, -.25F};

graph::Node node(std::string op, std::vector<std::string> inputs, std::string output) {
  return {.op = std::move(op),
          .name = {},
          .inputs = std::move(inputs),
          .outputs = {std::move(output)},
          .attributes = {}};
}

/// The mean of each colour, or what the classes make of it.
std::vector<std::byte> network(bool classes) {
  graph::Graph graph{
      .name = "means",
      .opset = 13,
      .inputs = {{.name = "x", .type = graph::ElementType::kFloat32, .shape = {-1, 3, 112, 112}}},
      .outputs = {{.name = classes ? "logits" : "means",
                   .type = graph::ElementType::kFloat32,
                   .shape = {-1, classes ? 4 : 3}}},
      .initializers = {},
      .nodes = {node("GlobalAveragePool", {"x"}, "p"), node("Flatten", {"p"}, "means")}};
  if (classes) {
    Floats weights;
    for (const Floats& row : kWeights) weights.insert(weights.end(), row.begin(), row.end());
    graph.initializers = {{.name = "w", .shape = {4, 3}, .values = weights},
                          {.name = "b", .shape = {4}, .values = kBias}};
    graph.nodes.push_back(node("Gemm", {"means", "w", "b"}, "logits"));
    graph.nodes.back().attributes.emplace_back("transB", std::int64_t{1});
  }
  return graph::write_onnx(graph).value();
}

class ClassifyTest : public FaceTest {
 protected:
  void SetUp() override {
    FaceTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(write_file(at("network.onnx"), network(false)));
    ASSERT_TRUE(write_file(at("classes.onnx"), network(true)));
    write("mine.json", R"({"schema":"visavis.manifest/1","id":"mine","title":"t",
"role":"recogniser","family":"embedding","files":[{"name":"network","importer":"onnx"},
{"name":"classes","importer":"onnx"}],"weights_licence":"mine","training_data":"none",
"preparation":{"width":112,"height":112,"colour":"rgb","mean":[127.5,127.5,127.5],
"scale":[0.0078125,0.0078125,0.0078125]},"alignment":"arcface","dimension":3,
"norm_is_quality":false})");
    ASSERT_EQ(visavis({"models", "fetch", "mtcnn", "--models", at("store")}).code, 0);
    ASSERT_EQ(visavis({"models", "add", at("mine.json"), "network=" + at("network.onnx"),
                       "classes=" + at("classes.onnx"), "--models", at("store")})
                  .code,
              0);
  }

  [[nodiscard]] Answer embed(std::vector<std::string> more) const {
    std::vector<std::string> words{"embed", photo("obama2.jpg"), "--out",     at("e.npy"),
                                   "--raw", "--models",          at("store"), "--recogniser",
                                   "mine",  "--select",          "largest"};
    words.insert(words.end(), more.begin(), more.end());
    return visavis(words);
  }
};

TEST_F(ClassifyTest, GivesTheProbabilitiesOfTheSecondHead) {
  write("people.txt", "ada\ngrace\nalan\nkurt\n");
  const Answer answer = embed({"--classify", "--top", "3", "--labels", at("people.txt"), "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const auto means = store::read_npy(at("e.npy"));
  ASSERT_TRUE(means) << means.error().message;
  std::vector<double> shares;
  double sum = 0;
  for (std::size_t c = 0; c < kWeights.size(); ++c) {
    double logit = kBias[c];
    for (std::size_t i = 0; i < 3; ++i)
      logit += static_cast<double>(kWeights[c][i]) * means->values[i];
    shares.push_back(std::exp(logit));
    sum += shares.back();
  }
  const nlohmann::json classes = answer.json()["images"][0]["classes"][0];
  ASSERT_EQ(classes.size(), 3U);
  const std::vector<std::string> names{"ada", "grace", "alan", "kurt"};
  double before = 1;
  for (const nlohmann::json& one : classes) {
    const auto index = one["class"].get<std::size_t>();
    EXPECT_EQ(one["label"], names.at(index));
    EXPECT_NEAR(one["probability"].get<double>(), shares.at(index) / sum, 1e-5);
    EXPECT_LE(one["probability"].get<double>(), before);  // the likeliest first
    before = one["probability"].get<double>();
  }
  EXPECT_GE(before, *std::ranges::min_element(shares) / sum);
  EXPECT_THAT(embed({"--classify"}).out, HasSubstr("PROBABILITY"));
}

TEST_F(ClassifyTest, IsLeftOutUnlessAskedFor) {
  const Answer answer = embed({"--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  EXPECT_FALSE(answer.json()["images"][0].contains("classes"));
}

TEST_F(ClassifyTest, SaysWhatCannotBe) {
  write("people.txt", "ada\ngrace\n");
  const Answer few = embed({"--classify", "--labels", at("people.txt")});
  EXPECT_EQ(few.code, 2);
  EXPECT_THAT(few.err, HasSubstr("has 2 names for 4 classes"));
  EXPECT_EQ(embed({"--labels", at("people.txt")}).code, 2);
  const Answer none = visavis({"embed", photo("obama2.jpg"), "--out", at("e.npy"), "--classify"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("faceplugin-512 tells no classes"));
}

}  // namespace
}  // namespace visavis::integration
