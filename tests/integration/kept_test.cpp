#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "program.hpp"

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class KeptFiles : public FaceTest {
 protected:
  [[nodiscard]] std::string people() const { return at("people"); }
  Answer enrol(const std::string& person, const std::string& keep,
               const std::vector<std::string>& photos) const {
    std::vector<std::string> words{"enrol",  "--gallery", people(), person,
                                   "--keep", keep,        "--json"};
    words.insert(words.end(), photos.begin(), photos.end());
    return visavis(words);
  }
  [[nodiscard]] nlohmann::json faces_of(const std::string& person) const {
    return visavis({"gallery", "show", people(), person, "--json"}).json()["faces"];
  }
};

TEST_F(KeptFiles, AChipIsWhatTheRecogniserSaw) {
  ASSERT_EQ(enrol("obama", "chips", {photo("obama.jpg")}).code, 0);
  const nlohmann::json face = faces_of("obama")[0];
  EXPECT_EQ(face["chip"], "chips/f1.arcface.png");
  EXPECT_TRUE(face["photo"].is_null());
  ASSERT_EQ(visavis({"align", photo("obama.jpg"), "--select", "largest", "--out", at("cut")}).code,
            0);
  EXPECT_TRUE(bytes_of(fs::path(people()) / "chips/f1.arcface.png") ==
              bytes_of(at("cut/obama_0.png")));
}

TEST_F(KeptFiles, ArePartOfAnExportAndGoWithTheirFace) {
  ASSERT_EQ(enrol("obama", "photos", {photo("obama.jpg"), photo("obama3.jpg")}).code, 0);
  ASSERT_EQ(enrol("biden", "none", {photo("biden.jpg")}).code, 0);
  const nlohmann::json faces = faces_of("obama");
  ASSERT_EQ(faces.size(), 2U);
  EXPECT_EQ(faces[1]["photo"], "photos/f2.jpg");
  EXPECT_TRUE(bytes_of(fs::path(people()) / "photos/f2.jpg") == bytes_of(photo("obama3.jpg")));
  EXPECT_TRUE(faces_of("biden")[0]["photo"].is_null());

  const nlohmann::json exported =
      visavis({"gallery", "export", people(), "obama", "--out", at("obama.npy"), "--json"}).json();
  EXPECT_EQ(exported["files"], at("obama.files"));
  EXPECT_TRUE(bytes_of(at("obama.files/photos/f1.jpg")) == bytes_of(photo("obama.jpg")));
  const nlohmann::json other =
      visavis({"gallery", "export", people(), "biden", "--out", at("biden.npy"), "--json"}).json();
  EXPECT_TRUE(other["files"].is_null());

  ASSERT_EQ(visavis({"gallery", "remove", people(), "--face", "f1"}).code, 0);
  EXPECT_FALSE(fs::exists(fs::path(people()) / "photos/f1.jpg"));
  EXPECT_TRUE(fs::exists(fs::path(people()) / "photos/f2.jpg"));
  ASSERT_EQ(visavis({"gallery", "remove", people(), "obama"}).code, 0);
  EXPECT_TRUE(fs::is_empty(fs::path(people()) / "photos"));
  EXPECT_EQ(visavis({"gallery", "check", people()}).code, 0);
}

TEST_F(KeptFiles, NeedPhotosAndAKnownWord) {
  EXPECT_EQ(enrol("obama", "everything", {photo("obama.jpg")}).code, 2);
  EXPECT_EQ(visavis({"enrol", "--gallery", people(), "--npy", "a.npy", "--labels", "a.tsv",
                     "--keep", "chips"})
                .code,
            2);
  EXPECT_FALSE(fs::exists(people()));
}

}  // namespace
}  // namespace visavis::integration
