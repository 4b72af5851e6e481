#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <numeric>
#include <span>
#include <visavis/store/npy.hpp>
#include <visavis/store/store.hpp>

#include "program.hpp"

namespace visavis::integration {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

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

TEST_F(KeptFiles, TheFaceIsDescribedAsItWasDetected) {
  ASSERT_EQ(enrol("obama", "none", {photo("obama.jpg")}).code, 0);
  const nlohmann::json face = faces_of("obama")[0];
  const nlohmann::json seen =
      visavis({"detect", photo("obama.jpg"), "--json"}).json()["images"][0]["faces"][0];
  EXPECT_EQ(face["box"], seen["box"]);
  EXPECT_EQ(face["landmarks"], seen["landmarks"]);
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

TEST_F(KeptFiles, TravelInAnArchiveAndTheCopyAnswersTheSame) {
  ASSERT_EQ(enrol("obama", "photos", {photo("obama.jpg")}).code, 0);
  ASSERT_EQ(enrol("biden", "chips", {photo("biden.jpg")}).code, 0);
  const Answer written =
      visavis({"gallery", "export", people(), "--archive", at("people.tar"), "--json"});
  ASSERT_EQ(written.code, 0) << written.err;
  EXPECT_EQ(written.json()["schema"], "visavis.gallery-archive/1");
  EXPECT_EQ(written.json()["files"], 2);
  const Answer read =
      visavis({"gallery", "import", at("people.tar"), "--gallery", at("copy"), "--json"});
  ASSERT_EQ(read.code, 0) << read.err;
  EXPECT_EQ(read.json()["schema"], "visavis.gallery-import/1");
  EXPECT_EQ(read.json()["faces"], 2);
  EXPECT_TRUE(bytes_of(fs::path(at("copy")) / "photos/f1.jpg") == bytes_of(photo("obama.jpg")));
  const auto ask = [&](const std::string& gallery) {
    return visavis({"identify", photo("obama2.jpg"), "--gallery", gallery, "--top", "2", "--json"})
        .json()["images"];
  };
  EXPECT_EQ(ask(people()), ask(at("copy")));
  const nlohmann::json shown = visavis({"gallery", "show", at("copy"), "biden", "--json"}).json();
  EXPECT_EQ(shown["faces"], faces_of("biden"));
  EXPECT_EQ(visavis({"gallery", "check", at("copy")}).code, 0);
  const Answer again =
      visavis({"gallery", "import", at("people.tar"), "--gallery", at("copy"), "--json"});
  EXPECT_EQ(again.json()["already"], 2);
}

/// Needs the second recogniser, too.
class ReEmbed : public KeptFiles {
 protected:
  void SetUp() override {
    KeptFiles::SetUp();
    const nlohmann::json list = visavis({"models", "list", "--json"}).json();
    for (const nlohmann::json& model : list["models"])
      if (model["id"] == kOther && !model["fetched"]) GTEST_SKIP() << "no second model";
  }
  [[nodiscard]] Answer move(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"gallery", "re-embed", people(), "--recogniser", kOther, "--json"});
    return visavis(more);
  }
  /// The smallest cosine between the gallery's vectors and those of a fresh enrolment.
  [[nodiscard]] double agreement(const std::string& person,
                                 const std::vector<std::string>& photos) const {
    std::vector<std::string> words{"enrol",        "--gallery", at("fresh"), person,
                                   "--recogniser", kOther,      "--select",  "largest"};
    words.insert(words.end(), photos.begin(), photos.end());
    EXPECT_EQ(visavis(words).code, 0);
    const auto matrix_of = [&](const std::string& gallery, const std::string& file) {
      EXPECT_EQ(visavis({"gallery", "export", gallery, person, "--out", at(file)}).code, 0);
      return store::read_npy(at(file)).value();
    };
    const store::Matrix moved = matrix_of(people(), "moved.npy");
    const store::Matrix fresh = matrix_of(at("fresh"), "fresh.npy");
    EXPECT_EQ(moved.rows, photos.size());
    EXPECT_EQ(moved.columns, 192U);
    EXPECT_EQ(moved.values.size(), fresh.values.size());
    // By their lengths: rounding to f16 moves those by up to 5e-4.
    const auto product = [](std::span<const float> a, std::span<const float> b) {
      return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    };
    double smallest = 1;
    for (std::size_t row = 0; row < moved.rows; ++row) {
      const auto a = std::span(moved.values).subspan(row * 192, 192);
      const auto b = std::span(fresh.values).subspan(row * 192, 192);
      smallest = std::min(smallest, product(a, b) / std::sqrt(product(a, a) * product(b, b)));
    }
    return smallest;
  }

  static constexpr const char* kOther = "mobilefacenet-192";
};

// Two roundings to f16, each by at most 2^-11 of a number, and batches of other sizes.
constexpr double kTheSame = 0.99999;

TEST_F(ReEmbed, FromChipsItIsAFreshEnrolmentWithTheOtherModel) {
  const std::vector<std::string> photos{photo("obama.jpg"), photo("obama3.jpg")};
  ASSERT_EQ(enrol("obama", "chips", photos).code, 0);
  const Answer moved = move();
  ASSERT_EQ(moved.code, 0) << moved.err;
  const nlohmann::json json = moved.json();
  EXPECT_EQ(json["schema"], "visavis.gallery-re-embed/1");
  EXPECT_EQ(json["changed"], true);
  EXPECT_EQ(json["from_chips"], 2);
  EXPECT_EQ(json["from_photos"], 0);
  EXPECT_EQ(json["recogniser"], kOther);
  EXPECT_NE(json["model_before"], json["model"]);
  EXPECT_GT(agreement("obama", photos), kTheSame);
  EXPECT_EQ(visavis({"identify", photo("obama2.jpg"), "--gallery", people()}).code, 3)
      << "the gallery is of another model now";
  const Answer found = visavis(
      {"identify", photo("obama2.jpg"), "--gallery", people(), "--recogniser", kOther, "--json"});
  EXPECT_EQ(found.json()["images"][0]["faces"][0]["person"], "obama");
  EXPECT_EQ(move().json()["changed"], false) << "it is there already";
  EXPECT_EQ(visavis({"gallery", "check", people()}).code, 0);
}

TEST_F(ReEmbed, FromPhotosItIsTheFaceThatWasEnrolled) {
  // The second shows several people.
  const std::vector<std::string> photos{photo("obama.jpg"), photo("sample1.jpg")};
  ASSERT_EQ(visavis({"enrol", "--gallery", people(), "somebody", "--keep", "photos", "--select",
                     "largest", photos[0], photos[1]})
                .code,
            0);
  const Answer moved = move();
  ASSERT_EQ(moved.code, 0) << moved.err;
  EXPECT_EQ(moved.json()["from_photos"], 2);
  EXPECT_GT(agreement("somebody", photos), kTheSame);
  EXPECT_EQ(faces_of("somebody")[1]["landmarks"].size(), 5U);
}

TEST_F(ReEmbed, ALargerChipIsMadeSmallerAndASmallerOneIsNone) {
  for (const char* size : {"300", "60"})
    ASSERT_EQ(visavis({"align", photo("obama.jpg"), "--select", "largest", "--size", size, "--out",
                       at(size)})
                  .code,
              0);
  {
    // As another model's, which wants chips of another size.
    auto store = store::Store::open(people(), {.mode = store::Mode::kCreate});
    ASSERT_TRUE(store);
    const std::vector<float> unit{1, 0};
    const store::FaceFields fields{.norm = 1, .quality = .5F, .source = "somewhere"};
    for (const char* size : {"300", "60"}) {
      const std::string chip = bytes_of(fs::path(at(size)) / "obama_0.png");
      const store::NewFace face{
          .person = size,
          .model = "0123456789abcdef",
          .unit = unit,
          .fields = &fields,
          .chip = {.form = "arcface.png", .bytes = std::as_bytes(std::span(chip))}};
      ASSERT_TRUE(store->add({&face, 1}));
    }
  }
  const nlohmann::json refused = move().json();
  EXPECT_EQ(refused["changed"], false);
  ASSERT_EQ(refused["missing"].size(), 1U);
  EXPECT_EQ(refused["missing"][0]["person"], "60");
  const nlohmann::json moved = move({"--drop-missing"}).json();
  EXPECT_EQ(moved["changed"], true);
  EXPECT_EQ(moved["from_chips"], 1);
  const nlohmann::json found = visavis({"identify", photo("obama.jpg"), "--gallery", people(),
                                        "--recogniser", kOther, "--json"})
                                   .json()["images"][0]["faces"][0];
  EXPECT_EQ(found["person"], "300");
  // From here on enrol takes two faces for the same picture.
  EXPECT_GT(found["candidates"][0]["similarity"].get<double>(), .98);
}

TEST_F(ReEmbed, SaysForWhomNothingIsKeptAndChangesNothing) {
  ASSERT_EQ(enrol("obama", "chips", {photo("obama.jpg")}).code, 0);
  ASSERT_EQ(enrol("biden", "none", {photo("biden.jpg")}).code, 0);
  const Answer refused = move();
  EXPECT_EQ(refused.code, 3);
  const nlohmann::json json = refused.json();
  EXPECT_EQ(json["changed"], false);
  ASSERT_EQ(json["missing"].size(), 1U);
  EXPECT_EQ(json["missing"][0]["person"], "biden");
  EXPECT_EQ(json["missing"][0]["face_id"], "f2");
  EXPECT_EQ(json["errors"][0]["code"], "not_found");
  EXPECT_THAT(refused.err, HasSubstr("--drop-missing"));
  EXPECT_EQ(visavis({"identify", photo("obama2.jpg"), "--gallery", people()}).code, 0);
  const nlohmann::json dropped = move({"--drop-missing"}).json();
  EXPECT_EQ(dropped["changed"], true);
  EXPECT_EQ(dropped["missing"].size(), 1U);
  EXPECT_TRUE(faces_of("biden").empty());
  EXPECT_EQ(faces_of("obama").size(), 1U);
  EXPECT_EQ(visavis({"gallery", "re-embed", people()}).code, 2) << "to which model?";
  EXPECT_EQ(visavis({"gallery", "re-embed", people(), "--recogniser", "nothing"}).code, 2);
  EXPECT_EQ(visavis({"gallery", "re-embed", at("nowhere"), "--recogniser", kOther}).code, 3);
}

}  // namespace
}  // namespace visavis::integration
