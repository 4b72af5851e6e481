#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>

#include "program.hpp"

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What the image module's own tests read: made pictures without a face.
fs::path made(std::string_view name) {
  return fs::path(VISAVIS_SOURCE_DIR) / "libs/base/image/tests/data" / name;
}

TEST_F(FaceTest, BadPhotosAreToldAndTheRestIsDone) {
  const std::string jpeg = contents(photo("obama2.jpg"));
  fs::create_directory(folder() / "in");
  write("in/a_empty.jpg", "");
  write("in/b_truncated.jpg", jpeg.substr(0, 2000));
  write("in/c_text.jpg", "this is not a picture\n");
  write("in/d_huge.ppm", "P6 20000 20000 255 x");
  fs::create_symlink("e_unreadable.jpg", folder() / "in" / "e_unreadable.jpg");
  ASSERT_EQ(::mkfifo(at("in/f_pipe.jpg").c_str(), 0600), 0);
  write("in/g_name_\xff.jpg", jpeg);
  write("in/h_wrong_end.gif", jpeg);
  write("in/i_one_pixel.pgm", "P5 1 1 255 x");
  const Answer answer = visavis({"detect", at("in"), at("absent.jpg"), "--json"});
  EXPECT_EQ(answer.code, 3);
  const nlohmann::json json = answer.json();
  std::map<std::string, std::string> codes;
  for (const nlohmann::json& error : json["errors"]) {
    codes[fs::path(error["path"].get<std::string>()).stem()] = error["code"];
    const std::string message = error["message"];
    EXPECT_EQ(message.find('\n'), std::string::npos) << "one sentence: " << message;
  }
  EXPECT_EQ(codes, (std::map<std::string, std::string>{{"a_empty", "decode_failed"},
                                                       {"b_truncated", "decode_failed"},
                                                       {"c_text", "decode_failed"},
                                                       {"d_huge", "invalid_argument"},
                                                       {"e_unreadable", "unavailable"},
                                                       {"f_pipe", "invalid_argument"},
                                                       {"g_name_\xEF\xBF\xBD", "invalid_argument"},
                                                       {"absent", "not_found"}}));
  ASSERT_EQ(json["images"].size(), 2U);
  EXPECT_EQ(json["images"][0]["faces"].size(), 1U) << "the contents decide, not the name";
  EXPECT_TRUE(json["images"][1]["faces"].empty());
  EXPECT_THAT(answer.err, HasSubstr("a_empty.jpg: "));
}

/// Starts a program without root's right to read everything; empty if we are not root.
std::vector<std::string> without_override() {
  if (::geteuid() != 0) return {};
  return {"/usr/bin/setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"};
}

TEST_F(FaceTest, PhotoWithoutPermissionIsToldAndTheRestIsDone) {
  fs::create_directory(folder() / "in");
  write("in/a_closed.jpg", contents(photo("biden.jpg")));
  write("in/b_open.jpg", contents(photo("obama2.jpg")));
  fs::permissions(folder() / "in" / "a_closed.jpg", fs::perms::none);
  const std::vector<std::string> launcher = without_override();
  if (!launcher.empty() && visavis({"engines"}, launcher).code != 0)
    GTEST_SKIP() << "root reads everything, and setpriv cannot drop that right here";
  const Answer answer = visavis({"detect", at("in"), "--json"}, launcher);
  EXPECT_EQ(answer.code, 3);
  const nlohmann::json json = answer.json();
  ASSERT_EQ(json["errors"].size(), 1U);
  EXPECT_EQ(json["errors"][0]["path"], at("in/a_closed.jpg"));
  EXPECT_EQ(json["errors"][0]["code"], "unavailable");
  ASSERT_EQ(json["images"].size(), 1U);
  EXPECT_EQ(json["images"][0]["faces"].size(), 1U);
}

TEST_F(FaceTest, OddPhotosAreRead) {
  const Answer answer =
      visavis({"detect", made("cmyk_adobe.jpg"), made("grey_16.png"), made("p6_16.ppm"),
               made("animated.gif"), made("one_pixel.png"), made("alpha.png"), "--json"});
  EXPECT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  ASSERT_EQ(json["images"].size(), 6U);
  for (const nlohmann::json& image : json["images"]) EXPECT_TRUE(image["faces"].empty()) << image;
  EXPECT_THAT(json["images"][3]["warnings"].dump(), HasSubstr("frame"));
}

TEST_F(FaceTest, ExifOrientationPutsFacesUpright) {
  // The same pixels, declared to lie on their side: orientation 6 turns them by 90 degrees.
  const std::string exif = std::string(
      "\xFF\xE1\x00\x22"
      "Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
      36);
  const std::string jpeg = contents(photo("obama2.jpg"));
  write("turned.jpg", jpeg.substr(0, 2) + exif + jpeg.substr(2));
  const nlohmann::json json =
      visavis({"detect", photo("obama2.jpg"), at("turned.jpg"), "--json"}).json();
  ASSERT_EQ(json["images"].size(), 2U) << json;
  EXPECT_EQ(json["images"][1]["width"], json["images"][0]["height"]);
  EXPECT_EQ(json["images"][1]["height"], json["images"][0]["width"]);
}

TEST_F(FaceTest, PhotoWithoutFaceIsAnAnswerExceptWhereOneIsNeeded) {
  write("grey.ppm", "P6 64 64 255\n" + std::string(std::size_t{64} * 64 * 3, '\x80'));
  const Answer found = visavis({"detect", at("grey.ppm"), "--json"});
  EXPECT_EQ(found.code, 0);
  EXPECT_TRUE(found.json()["images"][0]["faces"].empty());
  const Answer enrolled = visavis({"enrol", "--gallery", at("g"), "one", at("grey.ppm"), "--json"});
  EXPECT_EQ(enrolled.code, 0) << "a refusal is an answer";
  EXPECT_EQ(enrolled.json()["refused"][0]["reason"], "no_face");
  const Answer verified = visavis({"verify", at("grey.ppm"), photo("biden.jpg"), "--json"});
  EXPECT_EQ(verified.code, 3);
  EXPECT_TRUE(verified.json()["same"].is_null());
  EXPECT_EQ(verified.json()["errors"][0]["code"], "no_face");
}

TEST_F(FaceTest, EmptyFolderAndOverwritingAreRefused) {
  fs::create_directory(folder() / "empty");
  EXPECT_EQ(visavis({"detect", at("empty")}).code, 3);
  write("one.jpg", contents(photo("obama2.jpg")));
  const Answer answer = visavis({"detect", at("one.jpg"), "--draw", at("one.jpg")});
  EXPECT_EQ(answer.code, 2);
  EXPECT_THAT(answer.err, HasSubstr("overwrite"));
  EXPECT_EQ(contents(folder() / "one.jpg"), contents(photo("obama2.jpg")));
}

TEST_F(FaceTest, NoOutputOverwritesAPhoto) {
  const std::string jpeg = contents(photo("obama2.jpg"));
  for (const std::string name : {"one.npy", "one.tsv", "one.html"}) write(name, jpeg);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"cluster", at("one.tsv"), "--out", at("one.tsv")},
        std::vector<std::string>{"cluster", at("one.html"), "--html", at("./one.html")},
        std::vector<std::string>{"embed", at("one.npy"), "--out", at("one.npy")},
        std::vector<std::string>{"embed", at("one.tsv"), "--out", at("one.npy")}}) {
    const Answer answer = visavis(words);
    EXPECT_EQ(answer.code, 2);
    EXPECT_THAT(answer.err, HasSubstr("overwrite"));
  }
  for (const std::string name : {"one.npy", "one.tsv", "one.html"})
    EXPECT_EQ(contents(folder() / name), jpeg);
}

TEST_F(FaceTest, ChipsOverwriteNoPhoto) {
  const std::string jpeg = contents(photo("obama2.jpg"));
  fs::create_directory(folder() / "al");
  write("al/in.jpg", jpeg);
  write("al/in_0.png", jpeg);
  write("al/in_12.npy", jpeg);
  EXPECT_EQ(visavis({"align", at("al/in.jpg"), at("al/in_0.png"), "--out", at("al")}).code, 2);
  EXPECT_EQ(visavis({"align", at("al"), "--out", at("al")}).code, 2);
  EXPECT_EQ(
      visavis({"align", at("al/in.jpg"), at("al/in_12.npy"), "--out", at("./al"), "--prewhiten"})
          .code,
      2);
  EXPECT_EQ(contents(folder() / "al/in_0.png"), jpeg);
  EXPECT_EQ(contents(folder() / "al/in_12.npy"), jpeg);
  EXPECT_EQ(visavis({"align", at("al/in.jpg"), at("al/in_12.npy"), "--out", at("al/chips")}).code,
            0);
}

TEST_F(FaceTest, OutputsAreFilesAndNotTheSame) {
  const std::string one = photo("obama2.jpg");
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_EQ(visavis({"cluster", one, "--out", at("pipe")}).code, 2);
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
  EXPECT_EQ(visavis({"cluster", one, "--out", at("c"), "--html", at("./c")}).code, 2);
  EXPECT_EQ(visavis({"embed", one, "--out", at("q\xff.npy")}).code, 2);
  EXPECT_FALSE(fs::exists(at("c")));
}

TEST_F(FaceTest, NamesThatCannotBeEnrolledAreToldFirst) {
  const std::string one = photo("biden.jpg");
  EXPECT_EQ(visavis({"enrol", "--gallery", at("g"), "inv\xff", one}).code, 2);
  EXPECT_EQ(visavis({"enrol", "--gallery", at("g"), std::string(257, 'x'), one}).code, 2);
  fs::create_directories(folder() / "people" / " ");
  fs::copy(one, folder() / "people" / " " / "b.jpg");
  EXPECT_EQ(visavis({"enrol", "--gallery", at("g"), "--from", at("people")}).code, 3);
  ASSERT_EQ(visavis({"embed", one, "--out", at("e.npy")}).code, 0);
  write("nobody.tsv", "\t\n");
  const Answer rows =
      visavis({"enrol", "--gallery", at("g"), "--npy", at("e.npy"), "--labels", at("nobody.tsv")});
  EXPECT_EQ(rows.code, 3);
  EXPECT_THAT(rows.err, HasSubstr("row 0"));
  EXPECT_FALSE(fs::exists(at("g")));
}

TEST_F(FaceTest, MistypedPhotoKeepsTheFilesOfTheLastRun) {
  for (const std::string name : {"keep.npy", "keep.tsv", "keep.html"}) write(name, "kept");
  const Answer embedded = visavis({"embed", at("typo.jpg"), "--out", at("keep.npy"), "--json"});
  EXPECT_EQ(embedded.code, 3);
  EXPECT_TRUE(embedded.json()["npy"].is_null());
  EXPECT_EQ(
      visavis({"cluster", at("typo.jpg"), "--out", at("keep.tsv"), "--html", at("keep.html")}).code,
      3);
  for (const std::string name : {"keep.npy", "keep.tsv", "keep.html"})
    EXPECT_EQ(contents(folder() / name), "kept");
}

TEST_F(FaceTest, EnrollingNothingMakesNoGallery) {
  const std::string missing = at("missing");
  const Answer folderless = visavis({"enrol", "--gallery", at("g"), "--from", missing, "--json"});
  EXPECT_EQ(folderless.code, 3);
  EXPECT_EQ(folderless.json()["errors"][0]["code"], "not_found");
  EXPECT_EQ(visavis({"enrol", "--gallery", at("g"), "ada", at("typo.jpg")}).code, 3);
  EXPECT_EQ(visavis({"enrol", "--gallery", at("g"), " ", photo("biden.jpg")}).code, 2);
  EXPECT_FALSE(fs::exists(at("g")));
}

TEST_F(FaceTest, EnrollingOneAsAnotherIsTold) {
  ASSERT_EQ(visavis({"enrol", "--gallery", at("g"), "one", photo("biden.jpg")}).code, 0);
  const auto ask = [&](const std::string& name) {
    return visavis({"enrol", "--gallery", at("g"), name, photo("biden.jpg"), "--json"})
        .json()["refused"][0]["message"]
        .get<std::string>();
  };
  EXPECT_THAT(ask("two"), HasSubstr("another person"));
  EXPECT_THAT(ask("one"), ::testing::Not(HasSubstr("another person")));
}

TEST_F(FaceTest, DamagedPhotoIsReadInPartWithAWarning) {
  const std::string jpeg = contents(photo("biden.jpg"));
  write("cut.jpg", jpeg.substr(0, jpeg.size() * 8 / 10));
  const std::string cut = at("cut.jpg");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"detect", cut}, std::vector<std::string>{"compare", cut},
        std::vector<std::string>{"verify", cut, photo("biden.jpg")},
        std::vector<std::string>{"cluster", cut},
        std::vector<std::string>{"enrol", "--gallery", at("g"), "one", cut},
        std::vector<std::string>{"identify", cut, "--gallery", at("g")}}) {
    const Answer answer = visavis(words);
    EXPECT_EQ(answer.code, 0) << answer.err;
    EXPECT_THAT(answer.err, HasSubstr("warning: " + cut)) << words[0];
    EXPECT_EQ(answer.err.find("warning"), answer.err.rfind("warning")) << "once: " << answer.err;
  }
}

TEST_F(FaceTest, FullDiskIsFourAndNamesTheFile) {
  if (!fs::exists("/usr/bin/prlimit")) GTEST_SKIP() << "no prlimit here to make files fail";
  const std::vector<std::string> small{"/usr/bin/prlimit", "--fsize=1000", "--"};
  const Answer embedded =
      visavis({"embed", photo("biden.jpg"), "--out", at("e.npy"), "--json"}, small);
  EXPECT_EQ(embedded.code, 4);
  EXPECT_THAT(embedded.err, HasSubstr("e.npy"));
  const Answer drawn = visavis({"detect", photo("biden.jpg"), "--draw", at("d.png")}, small);
  EXPECT_EQ(drawn.code, 4);
  EXPECT_THAT(drawn.err, HasSubstr("d.png"));
  EXPECT_TRUE(fs::is_empty(folder())) << "nothing half is left";
}

/// The default models are known here, and their files are not there: whatever is said instead of
/// that was said before they were needed.
class EarlyTest : public FaceTest {
 protected:
  [[nodiscard]] Answer ask(std::vector<std::string> words) const {
    words.insert(words.end(), {"--models", at("empty-store")});
    return visavis(words);
  }
};

TEST_F(EarlyTest, OutputsThatCannotBeAreToldBeforeModelsAreLoaded) {
  const std::string one = photo("obama2.jpg");
  ASSERT_EQ(ask({"detect", one}).code, 4) << "the models should be missing";
  write("file", "");
  fs::create_directory(folder() / "folder.png");
  EXPECT_EQ(ask({"detect", one, "--draw", at("folder.png")}).code, 2);
  EXPECT_EQ(ask({"detect", one, "--draw", at("file")}).code, 2);
  EXPECT_EQ(ask({"detect", one, "--draw", at("file/below/d.png")}).code, 2);
  EXPECT_EQ(ask({"detect", one, photo("biden.jpg"), "--draw", at("d.png")}).code, 2);
  EXPECT_EQ(ask({"align", one, "--out", at("file")}).code, 2);
  EXPECT_EQ(ask({"align", one, "--out", at("chips"), "--margin", "9"}).code, 2);
  EXPECT_EQ(ask({"embed", one, "--out", at("e.txt")}).code, 2);
  EXPECT_EQ(ask({"embed", one, "--out", at("file/e.npy")}).code, 2);
  EXPECT_EQ(ask({"verify", one, one, "--far", "1e-2", "--threshold", ".5"}).code, 2);
  EXPECT_EQ(ask({"verify", one, one, "--far", "1e-9"}).code, 2);
  EXPECT_EQ(ask({"detect", one, "--draw", at("d.gif")}).code, 2);
  EXPECT_EQ(ask({"detect", one, "--draw", ""}).code, 2);
  EXPECT_EQ(ask({"detect", one, "--landmarks", "nobodys"}).code, 2);
  for (const std::string number : {"nan", "inf", "-inf", "1e309", "1x", ""}) {
    EXPECT_EQ(ask({"verify", one, one, "--threshold", number}).code, 2) << number;
    EXPECT_EQ(ask({"cluster", one, "--threshold", number}).code, 2) << number;
    EXPECT_EQ(ask({"identify", one, "--gallery", at("g"), "--far", number}).code, 2) << number;
    EXPECT_EQ(ask({"detect", one, "--min-face", number}).code, 2) << number;
    EXPECT_EQ(ask({"enrol", "--gallery", at("g"), "x", one, "--min-quality", number}).code, 2)
        << number;
  }
  EXPECT_FALSE(fs::exists(at("chips")));
}

TEST_F(EarlyTest, GalleriesThatDoNotFitAreToldBeforeModelsAreLoaded) {
  const std::string one = photo("biden.jpg");
  const Answer absent = ask({"identify", one, "--gallery", at("nowhere")});
  EXPECT_EQ(absent.code, 3) << absent.err;
  EXPECT_EQ(ask({"enrol", "--gallery", at("new"), "one", one}).code, 4);
  EXPECT_FALSE(fs::exists(at("new"))) << "nothing to put into it, so none was made";
  ASSERT_EQ(visavis({"enrol", "--gallery", at("g"), "one", one}).code, 0);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"identify", one, "--gallery", at("g"), "--flip"},
        std::vector<std::string>{"enrol", "--gallery", at("g"), "one", one, "--flip"}}) {
    const Answer answer = ask(words);
    EXPECT_EQ(answer.code, 3);
    EXPECT_THAT(answer.err, HasSubstr("another model"));
  }
}

TEST_F(EarlyTest, FolderWithoutPermissionIsFour) {
  fs::create_directory(folder() / "closed");
  fs::permissions(folder() / "closed", fs::perms::owner_read | fs::perms::owner_exec);
  const std::vector<std::string> launcher = without_override();
  if (!launcher.empty() && visavis({"engines"}, launcher).code != 0)
    GTEST_SKIP() << "root writes everywhere, and setpriv cannot drop that right here";
  const Answer answer =
      visavis({"detect", photo("obama2.jpg"), "--draw", at("closed/d.png")}, launcher);
  EXPECT_EQ(answer.code, 4);
  EXPECT_THAT(answer.err, HasSubstr("cannot be written to"));
}

/// A store of its own whose files can be spoilt.
class SpoiltStoreTest : public FaceTest {
 protected:
  void SetUp() override {
    FaceTest::SetUp();
    if (IsSkipped()) return;
    fs::copy(cache() / "models" / "files", folder() / "files", fs::copy_options::recursive);
    const nlohmann::json shown = visavis({"models", "show", "mtcnn", "--json"}).json();
    file_ = folder() / "files" / shown["model"]["files"][0]["onnx_sha256"].get<std::string>();
  }
  [[nodiscard]] Answer detect() const {
    return visavis({"detect", photo("obama2.jpg"), "--models", folder().string()});
  }
  fs::path file_;
};

TEST_F(SpoiltStoreTest, MissingModelFileIsFour) {
  fs::remove(file_);
  const Answer answer = detect();
  EXPECT_EQ(answer.code, 4);
  EXPECT_THAT(answer.err, HasSubstr("models fetch mtcnn"));
  EXPECT_EQ(visavis({"models", "verify", "mtcnn", "--models", folder().string()}).code, 4);
  const Answer all = visavis({"models", "verify", "--models", folder().string()});
  EXPECT_EQ(all.code, 4) << "a model that has lost a file is not passed over";
  EXPECT_THAT(all.err, HasSubstr("mtcnn"));
}

TEST_F(SpoiltStoreTest, TruncatedModelFileIsFour) {
  fs::resize_file(file_, fs::file_size(file_) / 2);
  const Answer answer = detect();
  EXPECT_EQ(answer.code, 4);
  EXPECT_THAT(answer.err, HasSubstr("damaged"));
  EXPECT_THAT(answer.err, HasSubstr("models fetch mtcnn"));
}

TEST_F(SpoiltStoreTest, AnotherFileUnderThatNameIsFour) {
  const std::string other = contents(file_);
  std::ofstream(file_, std::ios::binary) << other.substr(0, other.size() - 1) << '!';
  EXPECT_EQ(detect().code, 4);
  EXPECT_EQ(visavis({"models", "verify", "mtcnn", "--models", folder().string()}).code, 4);
}

}  // namespace
}  // namespace visavis::integration
