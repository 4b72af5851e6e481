#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/models/network.hpp>

namespace visavis::models {
namespace {

using testing::HasSubstr;

/// y = relu(x), of any batch, height and width.
std::vector<std::byte> relu_network() {
  graph::Graph graph;
  graph.inputs = {{.name = "x", .shape = {-1, 3, -1, -1}}};
  graph.outputs = {{.name = "y", .shape = {-1, 3, -1, -1}}};
  graph::Node node;
  node.op = "Relu";
  node.inputs = {"x"};
  node.outputs = {"y"};
  graph.nodes = {node};
  return *graph::write_onnx(graph);
}

class LoadNetwork : public testing::Test {
 protected:
  LoadNetwork() {
    dir_ = std::filesystem::temp_directory_path() /
           ("visavis_network_test_" + std::to_string(::getpid()));
    std::filesystem::remove_all(dir_);
    const std::string digest = visavis::to_hex(sha256(bytes_));
    EXPECT_TRUE(write_file(
        dir_ / "shipped" / "relu.json",
        R"({"schema":"visavis.manifest/1","id":"relu","title":"t","role":"detector","family":"f",)"
        R"("files":[{"name":"network","sha256":")" +
            digest + R"(","importer":"onnx","onnx_sha256":")" + digest +
            R"("}],"weights_licence":"none","training_data":"none","preparation":{"width":0,)"
            R"("height":0,"colour":"rgb","mean":[0,0,0],"scale":[1,1,1]}})"));
  }
  ~LoadNetwork() override { std::filesystem::remove_all(dir_); }
  void SetUp() override {
    const auto engine = runtime::find_engine("auto");
    if (!engine) GTEST_SKIP() << engine.error().message;
  }
  [[nodiscard]] Store store() const { return *Store::open({dir_ / "shipped"}, dir_ / "root"); }

  std::filesystem::path dir_;
  std::vector<std::byte> bytes_ = relu_network();
};

TEST_F(LoadNetwork, CompilesAndWarmsUp) {
  ASSERT_TRUE(store().put(bytes_));
  const auto network = load_network(store(), "relu", {});
  ASSERT_TRUE(network) << network.error().message;
  ASSERT_EQ(network->parts.count("network"), 1U);
  EXPECT_GT(network->times.load_ms, 0);
  EXPECT_GT(network->times.warm_up_ms, 0);
  const auto session = network->parts.at("network")->session();
  ASSERT_TRUE(session);
  const std::vector<float> values = {-1, 2, -3};
  const std::vector<std::int64_t> shape = {1, 3, 1, 1};
  const runtime::TensorView view = runtime::view_of(values, shape);
  const auto outputs = (*session)->run({&view, 1});
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_THAT((*outputs)[0].floats(), testing::ElementsAre(0, 2, 0));
}

TEST_F(LoadNetwork, RunsOnTheEngineThatWasAskedFor) {
  ASSERT_TRUE(store().put(bytes_));
  for (const runtime::EngineEntry& entry : runtime::engines()) {
    if (entry.engine == nullptr || !entry.engine->probe().usable) continue;
    const auto network =
        load_network(store(), "relu", {.engine = std::string(entry.name), .load = {}});
    ASSERT_TRUE(network) << entry.name << ": " << network.error().message;
    EXPECT_EQ(network->parts.at("network")->engine_name(), entry.name);
  }
  EXPECT_EQ(load_network(store(), "relu", {.engine = "abacus", .load = {}}).error().code,
            ErrorCode::kNotFound);
}

TEST_F(LoadNetwork, SaysWhatToDoAboutAMissingFile) {
  const auto network = load_network(store(), "relu", {});
  ASSERT_FALSE(network);
  EXPECT_EQ(network.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(network.error().message,
            "relu: the model file network has not been fetched; run: visavis models fetch relu");
  EXPECT_EQ(load_network(store(), "none", {}).error().message,
            "there is no model none; known are: relu");
}

TEST_F(LoadNetwork, LoadsOnlyThePartsThatAreAskedFor) {
  // The second file is not there: who does not ask for it does not need it.
  const std::string digest = visavis::to_hex(sha256(bytes_));
  const std::string file = R"("importer":"onnx","sha256":")" + digest + R"(","onnx_sha256":")";
  ASSERT_TRUE(write_file(
      dir_ / "shipped" / "two.json",
      R"({"schema":"visavis.manifest/1","id":"two","title":"t","role":"detector","family":"f",)"
      R"("files":[{"name":"here",)" +
          file + digest + R"("},{"name":"absent",)" + file + std::string(64, '0') +
          R"("}],"weights_licence":"none","training_data":"none","preparation":{"width":0,)"
          R"("height":0,"colour":"rgb","mean":[0,0,0],"scale":[1,1,1]}})"));
  ASSERT_TRUE(store().put(bytes_));
  const auto here = load_network(store(), "two", {.engine = "auto", .load = {}, .parts = {"here"}});
  ASSERT_TRUE(here) << here.error().message;
  EXPECT_EQ(here->parts.size(), 1U);
  EXPECT_EQ(here->parts.count("here"), 1U);
  EXPECT_EQ(load_network(store(), "two", {}).error().code, ErrorCode::kNotFound);
  const auto none =
      load_network(store(), "two", {.engine = "auto", .load = {}, .parts = {"here", "third"}});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kModelMismatch);
  EXPECT_EQ(none.error().message, "two has no part third");
}

TEST_F(LoadNetwork, LoadsTheMembersOfAFusion) {
  const std::string digest = visavis::to_hex(sha256(bytes_));
  const std::string head = R"({"schema":"visavis.manifest/1","title":"t","role":"recogniser",)"
                           R"("family":"f","weights_licence":"none","training_data":"none",)"
                           R"("norm_is_quality":false,)";
  for (const std::string id : {"a", "b"})
    ASSERT_TRUE(
        write_file(dir_ / "shipped" / (id + ".json"),
                   head + R"("id":")" + id + R"(","files":[{"name":"network","sha256":")" + digest +
                       R"(","importer":"onnx","onnx_sha256":")" + digest +
                       R"("}],"preparation":{"width":4,"height":4,"colour":"rgb","mean":[0,0,0],)"
                       R"("scale":[1,1,1]},"alignment":"arcface","dimension":2})"));
  ASSERT_TRUE(
      write_file(dir_ / "shipped" / "both.json",
                 head + R"("id":"both","fusion":{"members":[{"model":"a","weight":0.5},)"
                        R"({"model":"b","weight":0.5}],"provenance":"by hand"},"dimension":4})"));
  EXPECT_THAT(load_network(store(), "both", {}).error().message,
              HasSubstr("a: the model file network has not been fetched"));
  ASSERT_TRUE(store().put(bytes_));
  const auto network = load_network(store(), "both", {});
  ASSERT_TRUE(network) << network.error().message;
  ASSERT_EQ(network->members.size(), 2U);
  EXPECT_TRUE(network->parts.empty());
  EXPECT_EQ(any_part(*network), network->members[0]->parts.at("network").get());
  EXPECT_GT(network->times.load_ms, network->members[1]->times.load_ms);
}

TEST_F(LoadNetwork, RefusesADamagedFile) {
  ASSERT_TRUE(store().put(bytes_));
  const std::filesystem::path file = store().path_of(store().manifests()[0].files[0].onnx_sha256);
  ASSERT_TRUE(write_file(file, std::span<const std::byte>(bytes_).first(bytes_.size() / 2)));
  const auto cut = load_network(store(), "relu", {});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kModelMismatch);
  EXPECT_THAT(cut.error().message, HasSubstr("is damaged"));
}

}  // namespace
}  // namespace visavis::models
