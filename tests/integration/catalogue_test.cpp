#include <gmock/gmock.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "../../libs/modelkit/import/tests/torch_file.hpp"
#include "program.hpp"

namespace visavis::integration {
namespace {

using ::testing::HasSubstr;

TEST_F(ProgramTest, HelpTellsEveryVerbWithAnExample) {
  const Answer all = visavis({"--help"});
  EXPECT_EQ(all.code, 0);
  for (const char* verb : {"detect", "align", "embed", "compare", "verify", "enrol", "identify",
                           "models", "engines", "bench", "cluster"}) {
    EXPECT_THAT(all.out, HasSubstr(verb));
    const Answer one = visavis({verb, "--help"});
    EXPECT_EQ(one.code, 0) << verb;
    if (std::string_view(verb) == "models") continue;  // its own verbs have one each
    EXPECT_THAT(one.out, HasSubstr("Example:")) << verb;
  }
}

TEST_F(ProgramTest, WhoIsNotUnderstoodGetsTwo) {
  EXPECT_EQ(visavis({}).code, 2);
  EXPECT_EQ(visavis({"recognise"}).code, 2);
  EXPECT_EQ(visavis({"detect"}).code, 2);
  EXPECT_EQ(visavis({"detect", "a.jpg", "--no-such-option"}).code, 2);
  EXPECT_EQ(visavis({"detect", "a.jpg", "--threads", "many"}).code, 2);
  EXPECT_EQ(visavis({"detect", "a.jpg", "--engine", "abacus"}).code, 2);
  EXPECT_EQ(visavis({"detect", "a.jpg", "--detector", "faceplugin-512"}).code, 2);
  EXPECT_EQ(visavis({"models", "show", "no-such-model"}).code, 2);
  EXPECT_EQ(visavis({"enrol", "--gallery", at("g")}).code, 2);
  EXPECT_EQ(visavis({"identify", "a.jpg"}).code, 2);
}

TEST_F(ProgramTest, EnginesExplainEveryAbsence) {
  const Answer answer = visavis({"engines", "--json"});
  ASSERT_EQ(answer.code, 0);
  const nlohmann::json json = answer.json();
  EXPECT_EQ(json["schema"], "visavis.engines/1");
  EXPECT_TRUE(json["errors"].empty());
  ASSERT_FALSE(json["engines"].empty());
  for (const nlohmann::json& engine : json["engines"])
    EXPECT_NE(engine["usable"].get<bool>(), engine["reason"].is_string()) << engine;
  // Known everywhere, also where nothing can run it.
  const auto tensorrt = std::ranges::find_if(
      json["engines"], [](const nlohmann::json& engine) { return engine["name"] == "tensorrt"; });
  ASSERT_NE(tensorrt, json["engines"].end());
  if (!(*tensorrt)["usable"]) {
    const Answer asked = visavis({"models", "verify", "faceplugin-512", "--engine", "tensorrt"});
    EXPECT_EQ(asked.code, 4);
    EXPECT_THAT(asked.err, HasSubstr("tensorrt engine"));
  }
}

TEST_F(ProgramTest, ModelsListShowsLicenceAndDataApart) {
  const nlohmann::json json = visavis({"models", "list", "--json"}).json();
  EXPECT_EQ(json["schema"], "visavis.models/1");
  ASSERT_GE(json["models"].size(), 5U);
  for (const nlohmann::json& model : json["models"]) {
    EXPECT_FALSE(model["weights_licence"].get<std::string>().empty()) << model["id"];
    EXPECT_FALSE(model["training_data"].get<std::string>().empty()) << model["id"];
  }
  const nlohmann::json free =
      visavis({"models", "list", "--licence", "permissive", "--json"}).json();
  ASSERT_EQ(free["models"].size(), 1U);
  EXPECT_EQ(free["models"][0]["id"], "dlib-resnet-128");
  EXPECT_EQ(visavis({"models", "list", "--licence", "any"}).code, 2);
  const nlohmann::json shown = visavis({"models", "show", "mtcnn", "--json"}).json();
  EXPECT_EQ(shown["model"]["id"], "mtcnn");
  ASSERT_EQ(shown["model"]["files"].size(), 3U);
  for (const nlohmann::json& file : shown["model"]["files"])
    EXPECT_GE(file["certificate"]["engines"].size(), 4U) << file["name"];
}

TEST_F(ProgramTest, ModelsListTellsWhatInt8CostsAndBrings) {
  const nlohmann::json json = visavis({"models", "list", "--json"}).json();
  std::size_t packs = 0;
  for (const nlohmann::json& model : json["models"]) {
    const bool is_int8 = model["precision"] == "int8";
    EXPECT_EQ(is_int8, !model["measured"].is_null()) << model["id"];
    if (!is_int8) continue;
    ++packs;
    const nlohmann::json& measured = model["measured"];
    EXPECT_EQ(measured["model"].get<std::string>() + "-int8", model["id"]);
    EXPECT_GE(measured["figures"].size(), 4U);
    EXPECT_THAT(measured["provenance"].get<std::string>(), HasSubstr("thread"));
    EXPECT_GT(model["bytes"], 100'000);
  }
  EXPECT_GE(packs, 2U);
  EXPECT_THAT(visavis({"models", "list"}).out,
              HasSubstr("faceplugin-512-int8     faceplugin-512     accuracy"));
  EXPECT_THAT(visavis({"models", "show", "faceplugin-512-int8"}).out,
              HasSubstr("then its int8 recipe"));
}

/// The same file as when it was measured, whatever machine makes it; and it answers as ONNX
/// Runtime.
TEST_F(FaceTest, Int8PacksAreMadeFromThePackageOfTheFloatModel) {
  for (const char* id : {"faceplugin-512-int8", "mobilefacenet-192-int8"}) {
    const Answer fetched = visavis({"models", "fetch", id});
    ASSERT_EQ(fetched.code, 0) << fetched.err;
    const Answer verified = visavis({"models", "verify", id, "--json"});
    EXPECT_EQ(verified.code, 0) << verified.err;
    EXPECT_EQ(verified.json()["models"][0]["answer"], "passed") << verified.out;
  }
}

TEST_F(FaceTest, ModelsVerifyRunsTheGoldens) {
  const Answer answer = visavis({"models", "verify", "faceplugin-512", "--json"});
  EXPECT_EQ(answer.code, 0) << answer.err;
  EXPECT_EQ(answer.json()["models"][0]["answer"], "passed");
}

TEST_F(FaceTest, FusionIsAModelLikeAnyOther) {
  const nlohmann::json shown = visavis({"models", "show", "fusion-704", "--json"}).json()["model"];
  EXPECT_EQ(shown["dimension"], 704);
  EXPECT_EQ(shown["files"].size(), 2U);
  EXPECT_EQ(shown["files"][0]["name"], "faceplugin-512/network");
  EXPECT_TRUE(shown["fetched"].get<bool>());
  EXPECT_TRUE(shown["calibrated"].get<bool>());
  const Answer verified = visavis({"models", "verify", "fusion-704", "--json"});
  EXPECT_EQ(verified.code, 0) << verified.err;
  EXPECT_EQ(verified.json()["models"][0]["checks"].size(), 2U);
}

/// Its similarity is the weighted mean of what its members say of the same two photos.
TEST_F(FaceTest, FusionWeighsItsMembersSimilarities) {
  const auto similarity = [&](const std::string& recogniser) {
    const Answer answer = visavis({"verify", photo("obama.jpg"), photo("obama2.jpg"),
                                   "--recogniser", recogniser, "--flip", "--json"});
    EXPECT_EQ(answer.code, 0) << answer.err;
    EXPECT_TRUE(answer.json()["same"].get<bool>()) << recogniser;
    return answer.json()["similarity"].get<double>();
  };
  EXPECT_NEAR(similarity("fusion-704"),
              .7 * similarity("faceplugin-512") + .3 * similarity("mobilefacenet-192"), 1e-4);
}

TEST_F(FaceTest, FusionEnrolsAndIsEmbeddedAgainFromKeptChips) {
  ASSERT_EQ(
      visavis({"enrol", "--gallery", at("g"), "ada", photo("obama.jpg"), "--keep", "chips"}).code,
      0);
  const Answer moved =
      visavis({"gallery", "re-embed", at("g"), "--recogniser", "fusion-704", "--json"});
  ASSERT_EQ(moved.code, 0) << moved.err;
  EXPECT_EQ(moved.json()["from_chips"], 1);
  const Answer found = visavis({"identify", photo("obama2.jpg"), "--gallery", at("g"),
                                "--recogniser", "fusion-704", "--json"});
  ASSERT_EQ(found.code, 0) << found.err;
  EXPECT_EQ(found.json()["images"][0]["faces"][0]["person"], "ada");
  EXPECT_EQ(visavis({"identify", photo("obama2.jpg"), "--gallery", at("g")}).code, 3)
      << "another model";
}

TEST_F(ProgramTest, MalformedFusionIsToldToWhoAsksForIt) {
  std::filesystem::create_directories(at("store/manifests"));
  write("store/manifests/mine.json",
        R"({"schema":"visavis.manifest/1","id":"mine","title":"t","role":"recogniser",
"family":"fusion","fusion":{"members":[{"model":"faceplugin-512","weight":0.5},
{"model":"absent","weight":0.5}],"provenance":"by hand"},"weights_licence":"MIT",
"training_data":"unknown","dimension":704,"norm_is_quality":true})");
  const Answer shown = visavis({"models", "show", "mine", "--models", at("store")});
  EXPECT_EQ(shown.code, 4);
  EXPECT_THAT(shown.err, HasSubstr("fusion.members[1].model absent is not known"));
  const Answer listed = visavis({"models", "list", "--models", at("store"), "--json"});
  EXPECT_EQ(listed.code, 4);
  EXPECT_THAT(listed.json()["errors"][0]["path"].get<std::string>(), HasSubstr("mine.json"));
}

class StateDictTest : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write("mine.json",
          R"({"schema":"visavis.manifest/1","id":"mine","title":"t","role":"recogniser",
"family":"embedding","files":[{"name":"network","importer":"pytorch:mobilefacenet"}],
"weights_licence":"mine","training_data":"none","preparation":{"width":112,"height":112,
"colour":"rgb","mean":[127.5,127.5,127.5],"scale":[0.0078125,0.0078125,0.0078125]},
"alignment":"arcface","dimension":512,"norm_is_quality":true})");
  }

  void write_weights(const std::vector<modelkit::TorchTensor>& tensors) const {
    const std::vector<std::byte> file = modelkit::torch_file(tensors, "state_dict");
    write("weights.pt", {reinterpret_cast<const char*>(file.data()), file.size()});
  }

  [[nodiscard]] Answer add() const {
    return visavis(
        {"models", "add", at("mine.json"), at("weights.pt"), "--models", at("store"), "--json"});
  }
};

/// A network of PyTorch's that a person brings: what it is, how it is added, that it runs.
TEST_F(StateDictTest, IsInspectedAddedAndRun) {
  const auto golden = nlohmann::json::parse(std::ifstream(
      std::string(VISAVIS_SOURCE_DIR) + "/tests/golden/architectures/mobilefacenet-treb1en.json"));
  std::vector<modelkit::TorchTensor> tensors;
  for (const auto& module : golden["modules"])
    modelkit::append_tensors(
        {.kind = module[0], .name = module[1], .shape = module[2], .spread = module[3]}, tensors);
  write_weights(tensors);
  const Answer inside = visavis({"models", "inspect", at("weights.pt"), "--json"});
  ASSERT_EQ(inside.code, 0) << inside.err;
  EXPECT_EQ(inside.json()["format"], "PyTorch state dict");
  EXPECT_EQ(inside.json()["importers"], nlohmann::json({"pytorch:mobilefacenet"}));
  const Answer added = add();
  ASSERT_EQ(added.code, 0) << added.err;
  const nlohmann::json certificate = added.json()["model"]["files"][0]["certificate"];
  ASSERT_FALSE(certificate["engines"].empty());
  for (const nlohmann::json& engine : certificate["engines"])
    EXPECT_GT(engine["min_cosine"], .999999) << engine["engine"];
  const Answer verified = visavis({"models", "verify", "mine", "--models", at("store"), "--json"});
  EXPECT_EQ(verified.code, 0) << verified.err;
  const Answer known = visavis({"models", "inspect", "mine", "--models", at("store"), "--json"});
  ASSERT_EQ(known.code, 0) << known.err;
  EXPECT_EQ(known.json()["path"], "mine");
  EXPECT_EQ(known.json()["sha256"], added.json()["model"]["files"][0]["onnx_sha256"]);

  const Answer typo = visavis({"models", "remove", "mine", "mien", "--models", at("store")});
  EXPECT_EQ(typo.code, 2);
  EXPECT_THAT(typo.err, HasSubstr("there is no model mien"));
  const Answer removed = visavis({"models", "remove", "mine", "--models", at("store"), "--json"});
  ASSERT_EQ(removed.code, 0) << removed.err;
  EXPECT_EQ(removed.json()["models"][0]["files"], 1);
  EXPECT_EQ(removed.json()["models"][0]["forgotten"], true);
  EXPECT_EQ(visavis({"models", "show", "mine", "--models", at("store")}).code, 2);
  EXPECT_TRUE(std::filesystem::is_empty(at("store/files")));
}

TEST_F(StateDictTest, OfAnotherNetworkIsRefusedWithWhatDiffers) {
  write_weights({{.name = "conv_6_sep.conv.weight", .shape = {2}, .values = {1, 2}},
                 {.name = "other", .shape = {1}, .values = {3}}});
  const Answer added = add();
  EXPECT_EQ(added.code, 3);
  EXPECT_THAT(added.err, HasSubstr("weights are missing (conv1.conv.weight, conv1.bn.weight"));
  EXPECT_THAT(added.err, HasSubstr("conv_6_sep.conv.weight has shape [2], not [512, 128, 1, 1]"));
  EXPECT_THAT(added.err, HasSubstr("1 is left over (other)"));
  EXPECT_FALSE(std::filesystem::exists(at("store/manifests/mine.json")));
}

/// What a manifest says of a SavedModel is what `--tag` and `--signature` say.
TEST_F(ProgramTest, ManifestsChooseANetworkOfASavedModel) {
  const std::string source = std::string(VISAVIS_SOURCE_DIR) +
                             "/libs/modelkit/import/tests/data/tensorflow/several.savedmodel";
  const auto add = [&](const std::string& importer, const std::string& choice) {
    write("mine.json", R"({"schema":"visavis.manifest/1","id":"mine","title":"t","role":"detector",
"family":"f","files":[{"name":"network","importer":")" +
                           importer + "\"," + choice +
                           R"("companions":[{"name":"variables/variables.index"},
{"name":"variables/variables.data-00000-of-00001"}]}],"weights_licence":"mine",
"training_data":"none","preparation":{"width":0,"height":0,"colour":"rgb","mean":[0,0,0],
"scale":[1,1,1]}})");
    return visavis({"models", "add", at("mine.json"), source + "/saved_model.pb", "--models",
                    at("store"), "--json"});
  };
  const Answer unknown = add("tensorflow", R"("tag":"parts","signature":"rows",)");
  EXPECT_EQ(unknown.code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("it has no signature rows; there are: doubled, halves"));
  const Answer other = add("tflite", R"("signature":"halves",)");
  EXPECT_EQ(other.code, 3);
  EXPECT_THAT(other.err, HasSubstr("files[0].signature is for the importer tensorflow only"));
  const Answer added = add("tensorflow", R"("tag":"parts","signature":"halves",)");
  ASSERT_EQ(added.code, 0) << added.err;
  const nlohmann::json file = added.json()["model"]["files"][0];
  EXPECT_EQ(file["tag"], "parts");
  EXPECT_EQ(file["signature"], "halves");
  const auto compared_with = [&](const std::string& signature) {
    return visavis({"equivalence", source,
                    at("store/files/" + file["onnx_sha256"].get<std::string>()), "--source-tag",
                    "parts", "--source-signature", signature})
        .code;
  };
  EXPECT_EQ(compared_with("halves"), 0);
  EXPECT_NE(compared_with("doubled"), 0);
}

/// The layers of OpenVINO's file, beside which its weights lie.
TEST_F(ProgramTest, DrawsANetworkOfOpenVinos) {
  const std::string source =
      std::string(VISAVIS_SOURCE_DIR) + "/libs/modelkit/import/tests/data/openvino/halves.xml";
  const Answer answer =
      visavis({"models", "inspect", source, "--layers", "--draw", at("net.svg"), "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  const std::string drawing = bytes_of(at("net.svg"));
  EXPECT_TRUE(drawing.starts_with("<svg "));
  EXPECT_TRUE(drawing.ends_with("</svg>\n"));
  EXPECT_THAT(drawing,
              HasSubstr("halves.xml: " + std::to_string(json["layers"].size()) + " layers"));
  // A convolution of 3 x 3 from 3 channels to 4 at 6 x 6: its multiply-adds are 27 * 4 * 36.
  EXPECT_THAT(drawing, HasSubstr("1 x 4 x 6 x 6"));
  EXPECT_THAT(drawing, HasSubstr(">3888 mul-adds<"));
  for (const nlohmann::json& layer : json["layers"])
    EXPECT_THAT(drawing, HasSubstr(">" + layer["name"].get<std::string>() + "<"));
}

TEST_F(ProgramTest, FileThatIsNoModelIsBadInput) {
  write("text.onnx", "certainly not a model");
  const Answer answer = visavis({"models", "inspect", at("text.onnx")});
  EXPECT_EQ(answer.code, 3);
  EXPECT_THAT(answer.err, HasSubstr("text.onnx"));
  EXPECT_EQ(visavis({"models", "inspect", at("absent.onnx")}).code, 3);
  EXPECT_THAT(visavis({"models", "inspect", "nobody"}).err,
              HasSubstr("no such file, and no model of that name"));
}

TEST_F(ProgramTest, AnswerThatCannotBeWrittenIsAnEnvironmentError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const std::string command = std::string(VISAVIS_PROGRAM) + " engines > /dev/full 2> /dev/null";
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 4);
}

TEST_F(ProgramTest, ReaderThatWentAwayIsNoFailure) {
  EXPECT_EQ(visavis_without_reader({"engines"}), 0);
}

TEST_F(ProgramTest, VerbsWithoutModelsNeedNoCacheFolder) {
  const std::vector<std::string> homeless{"/usr/bin/env",  "-u", "HOME",          "-u",
                                          "VISAVIS_CACHE", "-u", "XDG_CACHE_HOME"};
  EXPECT_EQ(visavis({"engines"}, homeless).code, 0);
  EXPECT_EQ(visavis({"gallery", "stats", at("absent")}, homeless).code, 3);
  const Answer list = visavis({"models", "list"}, homeless);
  EXPECT_EQ(list.code, 4);
  EXPECT_THAT(list.err, HasSubstr("VISAVIS_CACHE"));
  EXPECT_EQ(visavis({"models", "list", "--models", at("store")}, homeless).code, 0);
}

TEST_F(ProgramTest, WhatCannotBeParsedIsToldInJsonToo) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"frobnicate", "--json"}, std::vector<std::string>{"--json"},
        std::vector<std::string>{"detect", "--json"},
        std::vector<std::string>{"verify", "a.jpg", "b.jpg", "--bogus", "--json"},
        std::vector<std::string>{"verify", "a.jpg", "b.jpg", "--threshold", "nan", "--json"},
        std::vector<std::string>{"gallery", "--json"}}) {
    const Answer answer = visavis(words);
    EXPECT_EQ(answer.code, 2);
    const nlohmann::json json = answer.json();
    EXPECT_EQ(json["schema"], "visavis.error/1");
    EXPECT_EQ(json["errors"][0]["code"], "invalid_argument");
    EXPECT_TRUE(json["errors"][0]["path"].is_null());
  }
  EXPECT_THAT(visavis({"detect", "--bogus"}).out, ::testing::IsEmpty());
}

TEST_F(ProgramTest, UnknownVerbIsNamed) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"frobnicate", "x"},
        std::vector<std::string>{"gallery", "frobnicate"}}) {
    const Answer answer = visavis(words);
    EXPECT_EQ(answer.code, 2);
    EXPECT_THAT(answer.err, HasSubstr("frobnicate"));
  }
}

}  // namespace
}  // namespace visavis::integration
