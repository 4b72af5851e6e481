#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/models/store.hpp>

namespace visavis::models {
namespace {

using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    dir_ = std::filesystem::temp_directory_path() /
           ("visavis_store_test_" + std::to_string(::getpid()));
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_ / "shipped");
  }
  ~StoreTest() override { std::filesystem::remove_all(dir_); }

  void write_manifest(const std::string& folder, const std::string& file, const std::string& id,
                      const std::string& title = "t") {
    ASSERT_TRUE(write_file(
        dir_ / folder / file,
        R"({"schema":"visavis.manifest/1","id":")" + id + R"(","title":")" + title +
            R"(","role":"detector","family":"f","files":[{"name":"network","sha256":")" + digest_ +
            R"(","importer":"onnx","onnx_sha256":")" + digest_ +
            R"("}],"weights_licence":"MIT","training_data":"unknown","preparation":{"width":0,)"
            R"("height":0,"colour":"rgb","mean":[0,0,0],"scale":[1,1,1]}})"));
  }
  Store open() { return *Store::open({dir_ / "shipped"}, dir_ / "root"); }

  std::filesystem::path dir_;
  std::string contents_ = "network";
  std::string digest_ = visavis::to_hex(sha256(std::string_view(contents_)));
};

TEST_F(StoreTest, FindsShippedAndAddedManifests) {
  write_manifest("shipped", "a.json", "a", "shipped");
  write_manifest("root/manifests", "a.json", "a", "added");
  write_manifest("root/manifests", "b.json", "b");
  const Store store = open();
  ASSERT_EQ(store.manifests().size(), 2U);
  EXPECT_EQ(store.find("a")->title, "shipped");
  EXPECT_TRUE(store.find("b"));
  EXPECT_EQ(store.find("c").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store.find("c").error().message, "there is no model c; known are: a, b");
}

TEST_F(StoreTest, KeepsWorkingBesideABadManifest) {
  write_manifest("shipped", "a.json", "a");
  write_manifest("shipped", "b.json", "other");
  ASSERT_TRUE(write_file(dir_ / "shipped" / "c.json", "{"));
  const Store store = open();
  EXPECT_EQ(store.manifests().size(), 1U);
  ASSERT_EQ(store.refused().size(), 2U);
  EXPECT_THAT(store.refused()[0].second.message, HasSubstr("file's name differ"));
  EXPECT_THAT(store.refused()[1].second.message, HasSubstr("not JSON"));
}

class FusionTest : public StoreTest {
 protected:
  void write_recogniser(const std::string& id, int dimension, const std::string& more = "") {
    write(id, R"("files":[{"name":"network","sha256":")" + digest_ +
                  R"(","importer":"onnx","onnx_sha256":")" + digest_ +
                  R"("}],"preparation":{"width":4,"height":4,"colour":"rgb","mean":[0,0,0],)"
                  R"("scale":[1,1,1]},"norm_is_quality":true,"alignment":"arcface","dimension":)" +
                  std::to_string(dimension) + more);
  }
  void write_fusion(const std::string& id, const std::string& a, const std::string& b,
                    int dimension) {
    write(id, R"("fusion":{"members":[{"model":")" + a + R"(","weight":0.5},{"model":")" + b +
                  R"(","weight":0.5}],"provenance":"by hand"},"norm_is_quality":true,)"
                  R"("dimension":)" +
                  std::to_string(dimension));
  }
  /// Why the fusion of this id cannot be used; it is told by who asks for it, too.
  std::string refusal(const std::string& id) {
    const Store store = open();
    const auto found = store.find(id);
    EXPECT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::kDecodeFailed);
    EXPECT_FALSE(store.refused().empty());
    return found.error().message;
  }

 private:
  void write(const std::string& id, const std::string& fields) {
    ASSERT_TRUE(
        write_file(dir_ / "shipped" / (id + ".json"),
                   R"({"schema":"visavis.manifest/1","id":")" + id +
                       R"(","title":"t","role":"recogniser","family":"f","weights_licence":"MIT",)"
                       R"("training_data":"unknown",)" +
                       fields + "}"));
  }
};

TEST_F(FusionTest, LooksUpMembersWhateverTheOrderOfTheFiles) {
  write_fusion("a-fusion", "m", "n", 5);
  write_recogniser("m", 2);
  write_recogniser("n", 3);
  const Store store = open();
  const Result<Manifest> fusion = store.find("a-fusion");
  ASSERT_TRUE(fusion) << fusion.error().message;
  EXPECT_EQ(fusion->fusion->members[1].manifest->dimension, 3);
  EXPECT_EQ(fusion->alignment, AlignmentTemplate::kArcFace);
  EXPECT_FALSE(store.has(*fusion));
  ASSERT_TRUE(store.put(std::as_bytes(std::span(contents_))));
  EXPECT_TRUE(store.has(*fusion));
}

TEST_F(FusionTest, RefusesMembersThatCannotBeFused) {
  write_recogniser("m", 2);
  write_manifest("shipped", "detector.json", "detector");
  write_fusion("unknown", "m", "absent", 5);
  EXPECT_THAT(refusal("unknown"), HasSubstr("fusion.members[1].model absent is not known"));
  write_fusion("itself", "m", "itself", 5);
  EXPECT_THAT(refusal("itself"), HasSubstr("itself is the fusion itself"));
  write_fusion("here", "m", "there", 5);
  write_fusion("there", "m", "here", 5);
  EXPECT_THAT(refusal("here"), HasSubstr("there is a fusion, and a member has files of its own"));
  EXPECT_THAT(refusal("there"), HasSubstr("here is a fusion"));
  write_fusion("seeing", "m", "detector", 5);
  EXPECT_THAT(refusal("seeing"), HasSubstr("detector is no recogniser"));
}

TEST_F(FusionTest, RefusesAnotherDimensionThanItsMembers) {
  write_recogniser("m", 2);
  write_recogniser("n", 3);
  write_fusion("f", "m", "n", 6);
  EXPECT_THAT(refusal("f"), HasSubstr("dimension must be the members' sum, 5"));
}

TEST_F(StoreTest, OpensWhereNothingIs) {
  const Result<Store> store = Store::open({dir_ / "none"}, dir_ / "nowhere");
  ASSERT_TRUE(store);
  EXPECT_TRUE(store->manifests().empty());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "nowhere"));
}

TEST_F(StoreTest, ReadsOnlyWhatHasTheRightHash) {
  write_manifest("shipped", "a.json", "a");
  const Store store = open();
  const Manifest manifest = *store.find("a");
  EXPECT_FALSE(store.has(manifest));
  EXPECT_EQ(store.read(manifest.files[0]).error().code, ErrorCode::kNotFound);

  ASSERT_TRUE(store.put(std::as_bytes(std::span(contents_))));
  EXPECT_TRUE(store.has(manifest));
  EXPECT_EQ(store.read(manifest.files[0])->size(), contents_.size());

  ASSERT_TRUE(write_file(store.path_of(digest_), std::string_view(contents_).substr(0, 3)));
  EXPECT_EQ(store.read(manifest.files[0]).error().code, ErrorCode::kModelMismatch);
  // Putting it again repairs it.
  ASSERT_TRUE(store.put(std::as_bytes(std::span(contents_))));
  EXPECT_TRUE(store.read(manifest.files[0]));
}

TEST_F(StoreTest, SaysWhenItCannotWrite) {
  const Store store = *Store::open({}, "/proc/none");
  EXPECT_EQ(store.put(std::as_bytes(std::span(contents_))).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace visavis::models
