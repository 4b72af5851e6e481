/// Whose files are whose: a gallery's, and those of whoever uses it.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <vector>
#include <visavis/store/npy.hpp>
#include <visavis/store/store.hpp>

#include "program.hpp"

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// Every file below a folder, with what it holds.
std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[entry.path()] = bytes_of(entry.path());
  return files;
}

constexpr fs::perms kOwnerAlone = fs::perms::owner_read | fs::perms::owner_write;

/// A gallery of two persons made of vectors along the axes: no face, no network.
class OwnFiles : public ProgramTest {
 protected:
  void SetUp() override {
    write_axes();
    ASSERT_EQ(enrol(people()).code, 0);
  }
  [[nodiscard]] std::string people() const { return at("people"); }
  [[nodiscard]] Answer enrol(const std::string& gallery, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"enrol", "--gallery", gallery, "--npy", at("rows.npy"), "--labels",
                               at("labels.tsv"), "--json"});
    return visavis(more);
  }
  /// A face of eve with a chip and a photo, f4.
  void keep_files() const {
    auto store = store::Store::open(people(), {.mode = store::Mode::kWrite});
    ASSERT_TRUE(store);
    const std::string model = store->facts()->model;
    std::vector<float> unit(512);
    unit[7] = 1;
    const store::FaceFields fields{.norm = 1, .quality = .5F, .source = "somewhere"};
    const std::string bytes = "kept";
    const std::span kept = std::as_bytes(std::span(bytes));
    const store::NewFace face{.person = "eve",
                              .model = model,
                              .unit = unit,
                              .fields = &fields,
                              .chip = {.form = "arcface.png", .bytes = kept},
                              .photo = {.form = "jpg", .bytes = kept}};
    ASSERT_TRUE(store->add({&face, 1}));
  }
  /// Exit 2, and no file below the test's folder has changed.
  void expect_spared(const std::vector<std::string>& words) const {
    const auto before = files_in(folder());
    const Answer answer = visavis(words);
    EXPECT_EQ(answer.code, 2) << answer.err << answer.out;
    EXPECT_TRUE(files_in(folder()) == before) << words.back();
  }
};

TEST_F(OwnFiles, AGalleryIsNotMadeAmongSomebodysPhotos) {
  ASSERT_EQ(visavis({"gallery", "export", people(), "--archive", at("people.tar")}).code, 0);
  fs::create_directories(folder() / "own" / "photos");
  write("own/photos/f1.jpg", "mine");
  write("own/photos/f12.jpg", "mine");
  const auto before = files_in(folder() / "own");
  const Answer enrolled = enrol(at("own"));
  EXPECT_EQ(enrolled.code, 3) << enrolled.err;
  EXPECT_THAT(enrolled.err, HasSubstr("has photos of its own"));
  EXPECT_EQ(visavis({"gallery", "import", at("people.tar"), "--gallery", at("own")}).code, 3);
  write("damaged.tar", bytes_of(at("people.tar")).substr(0, 5000));
  EXPECT_EQ(visavis({"gallery", "import", at("damaged.tar"), "--gallery", at("own")}).code, 3);
  EXPECT_TRUE(files_in(folder() / "own") == before);

  fs::create_directories(folder() / "linked");
  fs::create_directory_symlink(at("own/photos"), folder() / "linked" / "chips");
  EXPECT_EQ(enrol(at("linked")).code, 3);
  EXPECT_TRUE(fs::is_symlink(folder() / "linked" / "chips"));
  EXPECT_FALSE(fs::exists(folder() / "linked" / "gallery.sqlite"));
  EXPECT_TRUE(files_in(folder() / "own") == before);
}

TEST_F(OwnFiles, SomebodysFilesInAGalleryStay) {
  keep_files();
  ASSERT_EQ(visavis({"gallery", "export", people(), "--archive", at("people.tar")}).code, 0);
  ASSERT_EQ(visavis({"gallery", "remove", people(), "eve"}).code, 0);
  for (const char* name : {"f2.jpg", "f5.jpg", "f6.jpg", "ada.jpg"})
    write("people/photos/" + std::string(name), "mine");
  const Answer refused =
      visavis({"gallery", "import", at("people.tar"), "--gallery", people(), "--json"});
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, HasSubstr("photos/f"));
  EXPECT_EQ(visavis({"gallery", "remove", people(), "grace"}).code, 0);
  EXPECT_EQ(visavis({"gallery", "compact", people()}).code, 0);
  for (const char* name : {"f2.jpg", "f5.jpg", "f6.jpg", "ada.jpg"})
    EXPECT_EQ(bytes_of(fs::path(people()) / "photos" / name), "mine") << name;
  fs::remove(fs::path(people()) / "photos/f5.jpg");
  fs::remove(fs::path(people()) / "photos/f6.jpg");
  EXPECT_EQ(visavis({"gallery", "import", at("people.tar"), "--gallery", people()}).code, 0);
}

TEST_F(OwnFiles, NoOutputIsAFileOfAGallery) {
  keep_files();
  for (const char* name : {"gallery.sqlite", "gallery.sqlite-wal", "gallery.lock", "index-exact",
                           "chips/f4.arcface.png", "chips/new.tar", "photos/below/new.tar"}) {
    const std::string path = people() + "/" + name;
    expect_spared({"gallery", "export", people(), "--archive", path});
    expect_spared({"gallery", "new-key", path});
  }
  fs::create_directory_symlink(people(), folder() / "link");
  expect_spared({"gallery", "export", people(), "--archive", at("link/gallery.sqlite")});
  expect_spared({"gallery", "export", people(), "--out", people() + "/chips/a.npy"});
  // Where FILE.files is a gallery.
  fs::rename(people(), at("a.files"));
  expect_spared({"gallery", "export", at("a.files"), "--out", at("a.npy")});
  fs::rename(at("a.files"), people());
  EXPECT_EQ(visavis({"gallery", "export", people(), "--out", people() + "/a.npy"}).code, 0)
      << "what is not the gallery's may lie there";
  EXPECT_EQ(visavis({"gallery", "check", people()}).code, 0);
}

TEST_F(OwnFiles, NoOutputIsAnInput) {
  ASSERT_EQ(visavis({"gallery", "new-key", at("key")}).code, 0);
  fs::copy_file(at("key"), at("key.npy"));
  fs::create_hard_link(at("key"), at("same"));
  ASSERT_EQ(enrol(at("closed"), {"--key-file", at("key")}).code, 0);
  const auto export_to = [&](const std::string& key, const std::string& option,
                             const std::string& out) {
    expect_spared({"gallery", "export", at("closed"), "--key-file", at(key), option, at(out)});
  };
  export_to("key", "--archive", "key");
  export_to("key.npy", "--out", "key.npy");
  fs::create_symlink("key", folder() / "link");
  export_to("link", "--archive", "key");
  export_to("key", "--archive", "link");
}

TEST_F(OwnFiles, NobodyElseReadsAnExport) {
  keep_files();
  write("a.tsv", "open to all");
  fs::permissions(at("a.tsv"), static_cast<fs::perms>(0644));
  ASSERT_EQ(visavis({"gallery", "export", people(), "--out", at("a.npy")}).code, 0);
  ASSERT_EQ(visavis({"gallery", "export", people(), "--archive", at("a.tar")}).code, 0);
  for (const char* name : {"a.npy", "a.tsv", "a.tar", "a.files/chips/f4.arcface.png",
                           "a.files/photos/f4.jpg", "people/gallery.sqlite", "people/gallery.lock"})
    EXPECT_EQ(fs::status(at(name)).permissions(), kOwnerAlone) << name;
  EXPECT_EQ(fs::status(people()).permissions(), fs::perms::owner_all);
  ASSERT_EQ(visavis({"gallery", "new-key", at("key")}).code, 0);
  ASSERT_EQ(enrol(at("closed"), {"--key-file", at("key")}).code, 0);
  const Answer answer =
      visavis({"gallery", "export", at("closed"), "--key-file", at("key"), "--out", at("b.npy")});
  EXPECT_THAT(answer.out, HasSubstr("not encrypted"));
}

TEST_F(OwnFiles, DamagedKeptFilesAreNamedAndTheRestIsDone) {
  keep_files();
  write("people/chips/f4.arcface.png", "KEPT");
  fs::remove(fs::path(people()) / "photos/f4.jpg");
  const Answer check = visavis({"gallery", "check", people()});
  EXPECT_EQ(check.code, 1);
  EXPECT_THAT(check.out, HasSubstr("missing: photos/f4.jpg"));
  EXPECT_THAT(check.out, HasSubstr("written: chips/f4.arcface.png"));
  const Answer out = visavis({"gallery", "export", people(), "--out", at("a.npy"), "--json"});
  EXPECT_EQ(out.code, 3);
  const nlohmann::json json = out.json();
  EXPECT_EQ(json["rows"], 4);
  ASSERT_EQ(json["errors"].size(), 2U);
  EXPECT_EQ(json["errors"][0]["path"], "chips/f4.arcface.png");
  EXPECT_EQ(json["errors"][0]["code"], "decode_failed");
  EXPECT_EQ(json["errors"][1]["path"], "photos/f4.jpg");
  EXPECT_EQ(json["errors"][1]["code"], "not_found");
  EXPECT_EQ(store::read_npy(at("a.npy"))->rows, 4U);

  const Answer archived =
      visavis({"gallery", "export", people(), "--archive", at("a.tar"), "--json"});
  EXPECT_EQ(archived.code, 3);
  EXPECT_EQ(archived.json()["files"], 0);
  EXPECT_EQ(archived.json()["errors"], json["errors"]);
  const Answer copied =
      visavis({"gallery", "import", at("a.tar"), "--gallery", at("copy"), "--json"});
  EXPECT_EQ(copied.code, 0) << copied.err;
  EXPECT_EQ(copied.json()["faces"], 4);
  EXPECT_EQ(visavis({"gallery", "check", at("copy")}).code, 0);
}

TEST_F(OwnFiles, RemoveTakesOneFaceAndThePersonAfterIt) {
  const Answer both =
      visavis({"gallery", "remove", "--gallery", people(), "--face", "f2", "ada", "--json"});
  ASSERT_EQ(both.code, 0) << both.err;
  EXPECT_EQ(both.json()["faces"], 1);
  EXPECT_EQ(both.json()["persons"], 1);
  const nlohmann::json list = visavis({"gallery", "list", people(), "--json"}).json();
  ASSERT_EQ(list["persons"].size(), 1U);
  EXPECT_EQ(list["persons"][0]["person"], "grace");
  EXPECT_EQ(list["persons"][0]["faces"], 0);
}

/// With a face: through the networks.
class OwnPhotos : public FaceTest {};

TEST_F(OwnPhotos, ARefusedGalleryLeavesThePhotosThatWereGiven) {
  fs::create_directories(folder() / "photos");
  fs::copy_file(photo("obama.jpg"), folder() / "photos" / "f1.jpg");
  const std::string bytes = bytes_of(at("photos/f1.jpg"));
  const Answer answer =
      visavis({"enrol", "--gallery", folder().string(), "ada", at("photos/f1.jpg")});
  EXPECT_EQ(answer.code, 3);
  EXPECT_TRUE(bytes_of(at("photos/f1.jpg")) == bytes);
  EXPECT_FALSE(fs::exists(at("gallery.sqlite")));
  EXPECT_FALSE(fs::exists(at("gallery.lock")));
}

TEST_F(OwnPhotos, AGalleryInItsOwnSourceIsNobody) {
  for (const char* person : {"obama", ".thumbnails"}) {
    fs::create_directories(folder() / person);
    fs::copy_file(photo("obama.jpg"), folder() / person / "1.jpg");
  }
  const std::string all = folder().string();
  ASSERT_EQ(visavis({"enrol", "--gallery", all, "--from", all, "--keep", "photos"}).code, 0);
  fs::create_directories(folder() / "biden");
  fs::copy_file(photo("biden.jpg"), folder() / "biden" / "1.jpg");
  const Answer again =
      visavis({"enrol", "--gallery", all, "--from", all, "--keep", "chips", "--json"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(again.json()["enrolled"].size(), 1U);
  EXPECT_EQ(again.json()["already"], 1);
  EXPECT_TRUE(again.json()["refused"].empty()) << again.out;
  EXPECT_TRUE(fs::exists(at("photos/f1.jpg")));
  EXPECT_TRUE(fs::exists(at("chips/f2.arcface.png")));
  const nlohmann::json seen = visavis({"identify", all, "--gallery", all, "--json"}).json();
  EXPECT_EQ(seen["images"].size(), 2U);
}

TEST_F(OwnPhotos, NoPictureOrTableIsAFileOfAGalleryOrAnInput) {
  ASSERT_EQ(
      visavis({"enrol", "--gallery", at("people"), "obama", photo("obama.jpg"), "--keep", "chips"})
          .code,
      0);
  ASSERT_EQ(visavis({"gallery", "new-key", at("key.png")}).code, 0);
  fs::create_directories(folder() / "in" / "biden");
  fs::copy_file(photo("biden.jpg"), folder() / "in" / "biden" / "f1.arcface.jpg");
  write("names.txt", "biden\n");
  const std::string given = at("in/biden/f1.arcface.jpg");
  const std::string chip = at("people/chips/f1.arcface.png");
  const std::string database = at("people/gallery.sqlite");
  const auto before = files_in(folder());
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"detect", given, "--draw", chip},
           {"detect", at("in/biden"), "--draw", at("people/chips")},
           {"identify", given, "--gallery", at("people"), "--draw", chip},
           {"identify", given, "--gallery", at("people"), "--key-file", at("key.png"), "--draw",
            at("key.png")},
           {"align", given, "--out", at("people/chips")},
           {"embed", given, "--out", at("people/photos/a.npy")},
           {"cluster", given, "--out", database},
           {"cluster", given, "--html", database},
           {"calibrate", "--images", at("in"), "--out", database},
           {"calibrate", "--images", at("in"), "--people", at("names.txt"), "--out",
            at("names.txt")},
           {"calibrate", "--images", at("in"), "--observe", at("names.txt"), "--out",
            at("names.txt")}}) {
    const Answer answer = visavis(words);
    EXPECT_EQ(answer.code, 2) << words.front() << ": " << answer.err;
    EXPECT_TRUE(files_in(folder()) == before) << words.front();
  }
}

}  // namespace
}  // namespace visavis::integration
