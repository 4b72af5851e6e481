#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/models/store.hpp>

#include "archive.hpp"

namespace visavis::models {
namespace {

using testing::HasSubstr;

/// A gzipped tar or a zip with one file of interest among others.
std::string make_archive(bool zip, const std::string& member, const std::string& contents) {
  archive* writer = ::archive_write_new();
  if (zip) {
    ::archive_write_set_format_zip(writer);
  } else {
    ::archive_write_add_filter_gzip(writer);
    ::archive_write_set_format_ustar(writer);
  }
  std::string out(contents.size() + 65536, '\0');
  std::size_t used = 0;
  ::archive_write_open_memory(writer, out.data(), out.size(), &used);
  for (const auto& [name, body] : std::vector<std::pair<std::string, std::string>>{
           {"package/other", "something else"}, {member, contents}}) {
    archive_entry* entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, name.c_str());
    ::archive_entry_set_size(entry, static_cast<la_int64_t>(body.size()));
    ::archive_entry_set_filetype(entry, AE_IFREG);
    ::archive_entry_set_perm(entry, 0644);
    ::archive_write_header(writer, entry);
    ::archive_write_data(writer, body.data(), body.size());
    ::archive_entry_free(entry);
  }
  ::archive_write_close(writer);
  ::archive_write_free(writer);
  out.resize(used);
  return out;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(ReadMember, FindsItInZipAndTar) {
  for (const bool zip : {true, false}) {
    const std::string archive = make_archive(zip, "package/a", "contents");
    const auto bytes = std::as_bytes(std::span(archive));
    const auto whole = read_member(bytes, "package/a", 8);
    ASSERT_TRUE(whole) << whole.error().message;
    EXPECT_EQ(text_of(*whole), "contents");
    EXPECT_EQ(read_member(bytes, "package/a", 7).error().code, ErrorCode::kResourceExhausted);
    EXPECT_EQ(read_member(bytes, "package/b", 100).error().code, ErrorCode::kNotFound);
    EXPECT_FALSE(read_member(bytes.first(bytes.size() / 3), "package/a", 100));
  }
  const std::string text = "this is no archive at all";
  EXPECT_EQ(read_member(std::as_bytes(std::span(text)), "a", 10).error().code,
            ErrorCode::kDecodeFailed);
}

// A small file that unpacks to much: the limit counts what comes out.
TEST(ReadMember, StopsAtABomb) {
  const std::string archive = make_archive(false, "package/bomb", std::string(8U << 20U, '\0'));
  ASSERT_LT(archive.size(), 100'000U);
  EXPECT_EQ(read_member(std::as_bytes(std::span(archive)), "package/z", 1000).error().code,
            ErrorCode::kResourceExhausted);
}

/// PATH holds one folder with programs of the test's own instead of the real clients.
class FetchTest : public testing::Test {
 protected:
  FetchTest() {
    dir_ = std::filesystem::temp_directory_path() /
           ("visavis_fetch_test_" + std::to_string(::getpid()));
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_ / "bin");
    const char* path = std::getenv("PATH");
    path_ = path == nullptr ? "" : path;
    ::setenv("PATH", (dir_ / "bin").c_str(), 1);
    EXPECT_TRUE(write_file(dir_ / "served", archive_));
  }
  ~FetchTest() override {
    ::setenv("PATH", path_.c_str(), 1);
    std::filesystem::remove_all(dir_);
  }

  /// A client that notes its arguments and then does `body`.
  void client(const std::string& name, const std::string& body) {
    const std::filesystem::path path = dir_ / "bin" / name;
    ASSERT_TRUE(write_file(path, "#!/bin/sh\necho \"$0 $*\" >> " + (dir_ / "calls").string() +
                                     "\nPATH=/usr/bin:/bin\n" + body + "\n"));
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  std::string calls() {
    const auto bytes = read_file(dir_ / "calls", 1000);
    return bytes ? text_of(*bytes) : "";
  }
  [[nodiscard]] ModelFile model_file(const std::string& registry) const {
    return {.name = "network",
            .sha256 = visavis::to_hex(sha256(std::string_view(contents_))),
            .source =
                PackageSource{.registry = registry,
                              .package = "some-thing",
                              .version = "1.2.0",
                              .archive_sha256 = visavis::to_hex(sha256(std::string_view(archive_))),
                              .member = "package/a.onnx"},
            .importer = "onnx",
            .onnx_sha256 = {}};
  }
  Result<std::vector<std::byte>> fetch(const std::string& registry = "npm") {
    return fetch_original(model_file(registry), dir_ / "downloads", {});
  }
  std::string copy(const std::string& name) {
    return "cp " + (dir_ / "served").string() + " " + name;
  }

  std::filesystem::path dir_;
  std::string path_;
  std::string contents_ = "weights";
  std::string archive_ = make_archive(false, "package/a.onnx", contents_);
};

TEST_F(FetchTest, AsksTheClientOnceOnly) {
  client("npm", copy("some-thing-1.2.0.tgz"));
  const auto first = fetch();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(text_of(*first), contents_);
  EXPECT_THAT(calls(), HasSubstr("npm pack"));
  EXPECT_THAT(calls(), HasSubstr("some-thing@1.2.0"));
  std::filesystem::remove(dir_ / "bin" / "npm");
  EXPECT_TRUE(fetch());
  // Nothing but the archive stays behind.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_ / "downloads"), {}), 1);
}

TEST_F(FetchTest, AsksPipForAWheelAlone) {
  archive_ = make_archive(true, "package/a.onnx", contents_);
  ASSERT_TRUE(write_file(dir_ / "served", archive_));
  client("python3", copy("some_thing-1.2.0-py3-none-any.whl"));
  ASSERT_TRUE(fetch("pypi"));
  EXPECT_THAT(calls(), HasSubstr("-m pip download --no-deps --only-binary=:all:"));
  EXPECT_THAT(calls(), HasSubstr("some-thing==1.2.0"));
  std::filesystem::remove(dir_ / "bin" / "python3");
  EXPECT_TRUE(fetch("pypi"));
}

TEST_F(FetchTest, SaysThatTheClientIsMissing) {
  const auto result = fetch();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(result.error().message, "some-thing@1.2.0 cannot be fetched: npm is not installed");
}

TEST_F(FetchTest, PassesOnTheClientsReason) {
  client("npm", "echo 'npm ERR! network request failed' >&2; exit 1");
  EXPECT_EQ(fetch().error().message,
            "some-thing@1.2.0 cannot be fetched: npm says: npm ERR! network request failed");
  client("python3", "exit 3");
  EXPECT_EQ(fetch("pypi").error().message,
            "some-thing==1.2.0 cannot be fetched: pip failed with status 3");
}

TEST_F(FetchTest, RefusesAnotherArchive) {
  client("npm", "echo other > some-thing-1.2.0.tgz");
  EXPECT_EQ(fetch().error().code, ErrorCode::kModelMismatch);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "downloads" / "some-thing-1.2.0.tgz"));
}

TEST_F(FetchTest, FetchesAnewWhatIsDamaged) {
  ASSERT_TRUE(write_file(dir_ / "downloads" / "some-thing-1.2.0.tgz", "half of it"));
  client("npm", copy("some-thing-1.2.0.tgz"));
  EXPECT_TRUE(fetch());
}

TEST_F(FetchTest, RefusesAnotherMember) {
  client("npm", copy("some-thing-1.2.0.tgz"));
  contents_ = "other weights";
  EXPECT_EQ(fetch().error().code, ErrorCode::kModelMismatch);
}

TEST_F(FetchTest, FillsTheStoreAndRepairsIt) {
  client("npm", copy("some-thing-1.2.0.tgz"));
  const std::string onnx = "imported " + contents_;
  const Importer importer = [](const ModelFile&, std::span<const Original> originals) {
    const std::vector<std::byte>& original = originals.front().bytes;
    std::string made = "imported ";
    made.append(reinterpret_cast<const char*>(original.data()), original.size());
    const auto view = std::as_bytes(std::span(made));
    return Result<std::vector<std::byte>>(std::in_place, view.begin(), view.end());
  };
  Manifest manifest;
  manifest.id = "m";
  manifest.files = {model_file("npm")};
  manifest.files[0].onnx_sha256 = visavis::to_hex(sha256(std::string_view(onnx)));
  const Store store = *Store::open({}, dir_ / "root");
  ASSERT_TRUE(fetch_model(store, manifest, dir_ / "downloads", importer, {}));
  EXPECT_EQ(text_of(*store.read(manifest.files[0])), onnx);

  const std::filesystem::path kept = store.path_of(manifest.files[0].onnx_sha256);
  ASSERT_TRUE(write_file(kept, "imp"));
  ASSERT_TRUE(fetch_model(store, manifest, dir_ / "downloads", importer, {}));
  EXPECT_EQ(text_of(*store.read(manifest.files[0])), onnx);

  manifest.files[0].onnx_sha256 = visavis::to_hex(sha256(std::string_view("something else")));
  const auto other = fetch_model(store, manifest, dir_ / "downloads", importer, {});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kModelMismatch);
  EXPECT_FALSE(store.has(manifest));
}

TEST_F(FetchTest, ChecksCompanionsLikeTheFileItself) {
  client("npm", copy("some-thing-1.2.0.tgz"));
  ModelFile file = model_file("npm");
  file.file_name = "net.txt";
  // The package has one member: it is its own companion.
  file.companions = {
      {.name = "net.bin", .sha256 = file.sha256, .bytes = contents_.size(), .source = file.source}};
  const auto both = fetch_originals(file, dir_ / "downloads", {});
  ASSERT_TRUE(both) << both.error().message;
  ASSERT_EQ(both->size(), 2U);
  EXPECT_EQ((*both)[0].name, "net.txt");
  EXPECT_EQ((*both)[1].name, "net.bin");
  EXPECT_EQ(text_of((*both)[1].bytes), contents_);

  const auto refused = [&](const ModelFile& wrong) {
    const auto originals = fetch_originals(wrong, dir_ / "downloads", {});
    return originals ? ErrorCode::kInternal : originals.error().code;
  };
  ModelFile wrong = file;
  wrong.companions[0].sha256 = std::string(64, '0');
  EXPECT_EQ(refused(wrong), ErrorCode::kModelMismatch);
  wrong = file;
  ++wrong.companions[0].bytes;
  EXPECT_EQ(refused(wrong), ErrorCode::kModelMismatch);
  wrong = file;
  wrong.companions[0].source->member = "package/absent";
  EXPECT_NE(refused(wrong), ErrorCode::kInternal);
  wrong = file;
  wrong.companions[0].source.reset();
  EXPECT_EQ(refused(wrong), ErrorCode::kNotFound);
}

TEST_F(FetchTest, NeedsASource) {
  const ModelFile file{
      .name = "network", .sha256 = {}, .source = {}, .importer = "onnx", .onnx_sha256 = {}};
  EXPECT_EQ(fetch_original(file, dir_, {}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace visavis::models
