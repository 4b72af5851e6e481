#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/models/store.hpp>

namespace visavis::models {
namespace {

using testing::HasSubstr;

std::string hash_of(std::string_view text) { return visavis::to_hex(sha256(text)); }

/// An "importer" that turns the bytes round, so that original and result differ; with companions it
/// puts all of them together, name by name.
Result<std::vector<std::byte>> reversed(const ModelFile& file, std::span<const Original> parts) {
  if (file.importer != "reverse") return fail(ErrorCode::kUnsupported, "no such importer");
  const std::vector<std::byte>& first = parts.front().bytes;
  if (parts.size() == 1) return std::vector<std::byte>(first.rbegin(), first.rend());
  std::string all;
  for (const Original& part : parts) {
    all += part.name + "=";
    all.append(reinterpret_cast<const char*>(part.bytes.data()), part.bytes.size());
    all += ";";
  }
  const auto bytes = std::as_bytes(std::span(all));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

class AddModelTest : public testing::Test {
 protected:
  AddModelTest() {
    dir_ =
        std::filesystem::temp_directory_path() / ("visavis_add_test_" + std::to_string(::getpid()));
    std::filesystem::remove_all(dir_);
    EXPECT_TRUE(write_file(dir_ / "weights", "abc"));
  }
  ~AddModelTest() override { std::filesystem::remove_all(dir_); }

  static std::string manifest(const std::string& hashes = "") {
    return R"({"schema":"visavis.manifest/1","id":"mine","title":"t","role":"detector",
"family":"f","files":[{"name":"network","importer":"reverse")" +
           hashes + R"(}],"weights_licence":"mine","training_data":"mine",
"preparation":{"width":0,"height":0,"colour":"rgb","mean":[0,0,0],"scale":[1,1,1]}})";
  }
  Store store() { return *Store::open({}, dir_ / "root"); }
  Result<Manifest> add(const std::string& text) {
    return add_model(store(), text, {{"network", dir_ / "weights"}}, reversed);
  }

  std::filesystem::path dir_;
};

TEST_F(AddModelTest, FillsInHashesAndKeepsBoth) {
  const Result<Manifest> added = add(manifest());
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(added->files[0].sha256, hash_of("abc"));
  EXPECT_EQ(added->files[0].onnx_sha256, hash_of("cba"));
  const Result<Manifest> found = store().find("mine");
  ASSERT_TRUE(found);
  EXPECT_TRUE(store().has(*found));
  EXPECT_EQ(store().read(found->files[0])->size(), 3U);
}

TEST_F(AddModelTest, KeepsWhatTheCertifierSays) {
  std::size_t asked = 0;
  const Certifier certifier = [&](const Manifest& manifest, const ModelFile& file,
                                  std::span<const std::byte> onnx) -> std::optional<Certificate> {
    ++asked;
    EXPECT_EQ(manifest.id, "mine");
    EXPECT_EQ(onnx.size(), 3U);
    return Certificate{
        .file = file.name,
        .source_sha256 = file.sha256,
        .result_sha256 = file.onnx_sha256,
        .inputs = "two",
        .engines = {{.engine = "e", .version = "1", .max_abs = .125, .min_cosine = .5}}};
  };
  const auto added =
      add_model(store(), manifest(), {{"network", dir_ / "weights"}}, reversed, certifier);
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(asked, 1U);
  const Result<Manifest> found = store().find("mine");
  ASSERT_TRUE(found);
  for (const Manifest& kept : {*added, *found}) {
    ASSERT_EQ(kept.certificates.size(), 1U);
    EXPECT_EQ(kept.certificates[0].source_sha256, hash_of("abc"));
    EXPECT_EQ(kept.certificates[0].result_sha256, hash_of("cba"));
    EXPECT_EQ(kept.certificates[0].inputs, "two");
    EXPECT_EQ(kept.certificates[0].engines.at(0).max_abs, .125);
    EXPECT_EQ(kept.certificates[0].engines.at(0).min_cosine, .5);
  }
}

TEST_F(AddModelTest, CertifiesNothingThatTheImporterDidNotMake) {
  const Certifier never = [](const Manifest&, const ModelFile&, std::span<const std::byte>) {
    ADD_FAILURE();
    return std::optional<Certificate>();
  };
  // The file is what comes out of an original that nobody gave.
  const std::string pinned =
      R"(,"sha256":")" + hash_of("cba") + R"(","onnx_sha256":")" + hash_of("abc") + "\"";
  const auto added =
      add_model(store(), manifest(pinned), {{"network", dir_ / "weights"}}, reversed, never);
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_TRUE(added->certificates.empty());
}

std::string with_companion(const std::string& more = "") {
  return R"(,"companions":[{"name":"deep/numbers.bin")" + more + "}]";
}

TEST_F(AddModelTest, FindsCompanionsBesideTheFile) {
  ASSERT_TRUE(write_file(dir_ / "deep" / "numbers.bin", "12345"));
  const Result<Manifest> added = add(manifest(with_companion()));
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(added->files[0].file_name, "weights");
  ASSERT_EQ(added->files[0].companions.size(), 1U);
  EXPECT_EQ(added->files[0].companions[0].sha256, hash_of("12345"));
  EXPECT_EQ(added->files[0].companions[0].bytes, 5U);
  EXPECT_EQ(added->files[0].onnx_sha256, hash_of("weights=abc;deep/numbers.bin=12345;"));
  EXPECT_TRUE(store().has(*added));
}

// What the companion says is part of what the model is.
TEST_F(AddModelTest, AnotherCompanionIsAnotherModel) {
  ASSERT_TRUE(write_file(dir_ / "deep" / "numbers.bin", "12345"));
  const Result<Manifest> added = add(manifest(with_companion()));
  ASSERT_TRUE(added) << added.error().message;
  Manifest other = *added;
  other.files[0].companions[0].sha256 = hash_of("54321");
  EXPECT_NE(model_id(*added, false), model_id(other, false));
}

TEST_F(AddModelTest, RefusesCompanionsThatAreMissingOrOthers) {
  const auto missing = add(manifest(with_companion()));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("numbers.bin"));
  ASSERT_TRUE(write_file(dir_ / "deep" / "numbers.bin", "12345"));
  for (const std::string& wrong :
       {R"(,"sha256":")" + hash_of("12346") + '"', std::string(R"(,"bytes":6)")}) {
    const auto refused = add(manifest(with_companion(wrong)));
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, ErrorCode::kModelMismatch);
    EXPECT_THAT(refused.error().message, HasSubstr("deep/numbers.bin"));
  }
  for (const char* name : {"../numbers.bin", "/etc/passwd", "weights", ""}) {
    const auto refused =
        add(manifest(R"(,"companions":[{"name":")" + std::string(name) + R"("}])"));
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kDecodeFailed) << refused.error().message;
  }
  EXPECT_FALSE(store().find("mine"));
}

TEST_F(AddModelTest, RefusesWithoutLeavingAnything) {
  const auto refused = [&](const Result<Manifest>& result, ErrorCode code, const char* message) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_THAT(result.error().message, HasSubstr(message));
    EXPECT_FALSE(std::filesystem::exists(dir_ / "root"));
  };
  refused(add(manifest(R"(,"sha256":")" + hash_of("other") + "\"")), ErrorCode::kModelMismatch,
          "another SHA-256");
  refused(add(manifest(R"(,"onnx_sha256":")" + hash_of("other") + "\"")), ErrorCode::kModelMismatch,
          "importer made another file");
  refused(add("{"), ErrorCode::kDecodeFailed, "not JSON at byte");
  refused(add("[]"), ErrorCode::kDecodeFailed, "must be an object");
  refused(add(R"({"files":[{"name":7},3]})"), ErrorCode::kDecodeFailed, "schema is missing");
  refused(add(manifest(R"(,"name":"network")")), ErrorCode::kDecodeFailed, "name is there twice");
  refused(add_model(store(), manifest(), {}, reversed), ErrorCode::kDecodeFailed,
          "files[0].sha256 is missing");
  refused(add_model(store(), manifest(), {{"network", dir_ / "none"}}, reversed),
          ErrorCode::kNotFound, "no such file");
  refused(add_model(store(), manifest(),
                    {{"network", dir_ / "weights"}, {"other", dir_ / "weights"}}, reversed),
          ErrorCode::kInvalidArgument, "more files");
  std::string unknown = manifest();
  unknown.replace(unknown.find("reverse"), 7, "invert!");
  refused(add(unknown), ErrorCode::kUnsupported, "no such importer");
}

// Who has what the importer makes needs no original.
TEST_F(AddModelTest, TakesWhatTheImporterWouldMake) {
  ASSERT_TRUE(write_file(dir_ / "weights", "cba"));
  const std::string hashes =
      R"(,"sha256":")" + hash_of("abc") + R"(","onnx_sha256":")" + hash_of("cba") + "\"";
  const Result<Manifest> added = add(manifest(hashes));
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(store().read(added->files[0])->size(), 3U);
  EXPECT_EQ(store().read(added->files[0])->front(), std::byte{'c'});
  // A result that is not pinned is not taken for one.
  const auto refused = add_model(Store::open({}, dir_ / "other").value(),
                                 manifest(R"(,"sha256":")" + hash_of("abc") + "\""),
                                 {{"network", dir_ / "weights"}}, reversed);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kModelMismatch);
}

TEST_F(AddModelTest, AddsAFusionOfModelsThatAreThere) {
  const auto recogniser = [&](const std::string& id) {
    return R"({"schema":"visavis.manifest/1","id":")" + id +
           R"(","title":"t","role":"recogniser","family":"embedding","files":[{"name":"network",
"importer":"reverse"}],"weights_licence":"mine","training_data":"mine","preparation":{"width":4,
"height":4,"colour":"rgb","mean":[0,0,0],"scale":[1,1,1]},"alignment":"arcface","dimension":2,
"norm_is_quality":false})";
  };
  const std::string fusion = R"({"schema":"visavis.manifest/1","id":"both","title":"t",
"role":"recogniser","family":"fusion","fusion":{"members":[{"model":"a","weight":0.5},
{"model":"b","weight":0.5}],"provenance":"by hand"},"weights_licence":"mine",
"training_data":"mine","dimension":4,"norm_is_quality":false})";
  const auto early = add_model(store(), fusion, {}, reversed);
  ASSERT_FALSE(early);
  EXPECT_THAT(early.error().message, HasSubstr("members[0].model a is not known"));
  ASSERT_TRUE(add(recogniser("a")));
  ASSERT_TRUE(add(recogniser("b")));
  const auto added = add_model(store(), fusion, {}, reversed);
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_TRUE(store().has(*store().find("both")));
}

TEST_F(AddModelTest, RefusesAnIdTwice) {
  ASSERT_TRUE(add(manifest()));
  EXPECT_EQ(add(manifest()).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace visavis::models
