#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/models/store.hpp>

namespace visavis::models {
namespace {

using testing::HasSubstr;

constexpr std::string_view kCommon = R"("title":"t","weights_licence":"mine",
"training_data":"mine","norm_is_quality":false,"role":"recogniser")";

class RemoveModelTest : public testing::Test {
 protected:
  RemoveModelTest() {
    dir_ = std::filesystem::temp_directory_path() /
           ("visavis_remove_test_" + std::to_string(::getpid()));
    std::filesystem::remove_all(dir_);
  }
  ~RemoveModelTest() override { std::filesystem::remove_all(dir_); }

  [[nodiscard]] Store store() const { return *Store::open({dir_ / "shipped"}, dir_ / "root"); }
  [[nodiscard]] std::filesystem::path own(const std::string& id) const {
    return dir_ / "root" / "manifests" / (id + ".json");
  }
  [[nodiscard]] std::filesystem::path shipped(const std::string& id) const {
    return dir_ / "shipped" / (id + ".json");
  }
  /// A recogniser whose network is `bytes`, which the store has.
  void put(const std::filesystem::path& manifest, const std::string& bytes) const {
    const std::string hash = visavis::to_hex(sha256(bytes));
    const std::string text =
        R"({"schema":"visavis.manifest/1","id":")" + manifest.stem().string() + "\"," +
        std::string(kCommon) +
        R"(,"family":"embedding","files":[{"name":"network","importer":"onnx","sha256":")" + hash +
        R"(","onnx_sha256":")" + hash +
        R"("}],"preparation":{"width":4,"height":4,"colour":"rgb","mean":[0,0,0],"scale":[1,1,1]},
"alignment":"arcface","dimension":2})";
    ASSERT_TRUE(write_file(manifest, text));
    ASSERT_TRUE(store().put(std::as_bytes(std::span(bytes))));
  }
  [[nodiscard]] bool has(const std::string& bytes) const {
    return std::filesystem::exists(store().path_of(visavis::to_hex(sha256(bytes))));
  }

  std::filesystem::path dir_;
};

TEST_F(RemoveModelTest, ForgetsAModelThatWasAdded) {
  put(own("mine"), "weights");
  const Result<Removed> removed = remove_model(store(), "mine");
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(removed->files, 1U);
  EXPECT_EQ(removed->bytes, 7U);
  EXPECT_TRUE(removed->manifest);
  EXPECT_FALSE(has("weights"));
  EXPECT_FALSE(store().find("mine"));
  EXPECT_EQ(remove_model(store(), "mine").error().code, ErrorCode::kNotFound);
}

TEST_F(RemoveModelTest, KeepsTheManifestThatIsShipped) {
  put(shipped("known"), "weights");
  const Result<Removed> removed = remove_model(store(), "known");
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(removed->files, 1U);
  EXPECT_FALSE(removed->manifest);
  EXPECT_FALSE(has("weights"));
  EXPECT_TRUE(store().find("known"));
  const Result<Removed> again = remove_model(store(), "known");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->files, 0U);
}

TEST_F(RemoveModelTest, KeepsFilesThatAnotherModelHas) {
  put(shipped("known"), "weights");
  put(own("mine"), "weights");
  const Result<Removed> removed = remove_model(store(), "mine");
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(removed->files, 0U);
  EXPECT_TRUE(removed->manifest);
  EXPECT_TRUE(has("weights"));
}

TEST_F(RemoveModelTest, RefusesWhatAFusionNeeds) {
  put(own("a"), "one");
  put(own("b"), "two");
  ASSERT_TRUE(write_file(own("both"), R"({"schema":"visavis.manifest/1","id":"both",)" +
                                          std::string(kCommon) + R"(,"family":"fusion",
"fusion":{"members":[{"model":"a","weight":0.5},{"model":"b","weight":0.5}],
"provenance":"by hand"},"dimension":4})"));
  ASSERT_TRUE(store().find("both")) << store().find("both").error().message;
  const Result<Removed> refused = remove_model(store(), "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("part of both"));
  EXPECT_TRUE(has("one"));
  ASSERT_TRUE(remove_model(store(), "both"));
  EXPECT_TRUE(has("one"));
  EXPECT_TRUE(remove_model(store(), "a"));
  EXPECT_FALSE(has("one"));
}

TEST_F(RemoveModelTest, RemovesAManifestThatCannotBeRead) {
  ASSERT_TRUE(write_file(own("broken"), "{"));
  const Result<Removed> removed = remove_model(store(), "broken");
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_TRUE(removed->manifest);
  EXPECT_TRUE(store().refused().empty());
}

TEST_F(RemoveModelTest, TouchesNothingOutside) {
  ASSERT_TRUE(write_file(dir_ / "root" / "precious.json", "{}"));
  EXPECT_EQ(remove_model(store(), "../precious").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "root" / "precious.json"));
}

}  // namespace
}  // namespace visavis::models
