#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/store/npy.hpp>

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr ModelId kModel{42};

Template face(std::vector<float> values, float norm = 20) {
  return {.embedding = {.model = kModel, .values = std::move(values), .norm = norm},
          .quality = .75F,
          .box = {.x = 1.5F, .y = 2, .width = 30, .height = 40},
          .source = "photo.jpg"};
}

/// The unit vector in the plane at an angle: cosines are known by hand.
Template at_degrees(double degrees) {
  const double angle = degrees * 3.14159265358979323846 / 180;
  return face({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
}

class FolderGalleryTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() /
              ("visavis_gallery_" + std::to_string(::getpid()) + "_" + info->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<Gallery> open(OpenMode mode = OpenMode::kCreate) {
    auto gallery = open_folder_gallery(folder_, mode);
    if (!gallery) ADD_FAILURE() << gallery.error().message;
    return gallery ? std::move(*gallery) : nullptr;
  }
  ErrorCode error_of_open() {
    const auto gallery = open_folder_gallery(folder_, OpenMode::kMustExist);
    EXPECT_FALSE(gallery);
    return gallery ? ErrorCode::kInternal : gallery.error().code;
  }
  std::string text(const std::string& name) {
    std::ifstream file(folder_ / name, std::ios::binary);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
  }
  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }

  fs::path folder_;
};

TEST_F(FolderGalleryTest, IsNotFoundWhereThereIsNone) {
  EXPECT_EQ(error_of_open(), ErrorCode::kNotFound);
  fs::create_directories(folder_);
  EXPECT_EQ(error_of_open(), ErrorCode::kNotFound);
  EXPECT_EQ(open()->faces(), 0U);
}

TEST_F(FolderGalleryTest, RanksPersonsByTheirBestFace) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("near", std::vector{at_degrees(90), at_degrees(10)}));
  ASSERT_TRUE(gallery->enrol("far", std::vector{at_degrees(60)}));
  ASSERT_TRUE(gallery->enrol("opposite", std::vector{at_degrees(180)}));
  const auto all = gallery->identify(at_degrees(0).embedding, 10).value();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].person, "near");
  EXPECT_NEAR(all[0].similarity, .9848, 1e-4);  // cos 10°
  EXPECT_EQ(all[0].norm, 20);
  EXPECT_EQ(all[1].person, "far");
  EXPECT_NEAR(all[1].similarity, .5, 1e-6);
  EXPECT_NEAR(all[2].similarity, -1, 1e-6);
  EXPECT_EQ(gallery->identify(at_degrees(0).embedding, 1)->size(), 1U);
  EXPECT_TRUE(gallery->identify(at_degrees(0).embedding, 0)->empty());
  EXPECT_EQ(gallery->persons(), 3U);
  EXPECT_EQ(gallery->faces(), 4U);
}

TEST_F(FolderGalleryTest, KeepsEverythingAcrossOpening) {
  const std::string odd = "tab\there, line\nthere, back\\slash, Zoë";
  {
    auto gallery = open();
    const auto enrolled = gallery->enrol(odd, std::vector{face({.6F, .8F}, 17.25F)}).value();
    EXPECT_EQ(enrolled[0].face_id, "f1");
    EXPECT_EQ(gallery->enrol("b", std::vector{at_degrees(90)})->at(0).face_id, "f2");
  }
  const auto again = open(OpenMode::kMustExist);
  EXPECT_EQ(again->model(), kModel);
  EXPECT_EQ(again->persons(), 2U);
  const auto found = again->identify(face({.6F, .8F}).embedding, 1).value();
  EXPECT_EQ(found[0].person, odd);
  EXPECT_NEAR(found[0].similarity, 1, 1e-6);
  EXPECT_EQ(found[0].norm, 17.25F);
}

TEST_F(FolderGalleryTest, HoldsOneGenerationInDocumentedFiles) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("a", std::vector{face({.6F, .8F}, 17.25F)}));
  ASSERT_TRUE(gallery->enrol("b\tc", std::vector{face({1, 0})}));
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_))
    names.push_back(entry.path().filename().string());
  EXPECT_THAT(names,
              testing::UnorderedElementsAre("gallery.json", "embeddings-2.npy", "faces-2.tsv"));
  EXPECT_EQ(text("faces-2.tsv"),
            "face_id\tperson\tquality\tnorm\tx\ty\twidth\theight\tsource\n"
            "f1\ta\t0.75\t17.25\t1.5\t2\t30\t40\tphoto.jpg\n"
            "f2\tb\\tc\t0.75\t20\t1.5\t2\t30\t40\tphoto.jpg\n");
  EXPECT_THAT(text("gallery.json"), HasSubstr("\"model\": \"000000000000002a\""));
  const auto matrix = store::read_npy(folder_ / "embeddings-2.npy").value();
  EXPECT_THAT(matrix.values, testing::ElementsAre(.6F, .8F, 1, 0));
}

TEST_F(FolderGalleryTest, RefusesAnotherModel) {
  auto gallery = open();
  ASSERT_TRUE(gallery->enrol("a", std::vector{at_degrees(0)}));
  Template other = at_degrees(0);
  other.embedding.model = ModelId{43};
  EXPECT_EQ(gallery->enrol("a", std::vector{other}).error().code, ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->identify(other.embedding, 1).error().code, ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->enrol("a", std::vector{face({0, 0, 1})}).error().code,
            ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->identify(face({0, 0, 1}).embedding, 1).error().code,
            ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->faces(), 1U);
}

TEST_F(FolderGalleryTest, RefusesVectorsThatAreNoUnitVectors) {
  auto gallery = open();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const auto& bad :
       std::vector<std::vector<float>>{{}, {0, 0}, {nan, 1}, {infinity, 0}, {1, 1}, {.5F, 0}}) {
    EXPECT_EQ(gallery->enrol("a", std::vector{face(bad)}).error().code,
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(gallery->identify(face(bad).embedding, 1).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(gallery->enrol("a", std::vector{face({1, 0}, nan)}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(gallery->faces(), 0U);
}

TEST_F(FolderGalleryTest, RefusesNamesThatCannotBeKept) {
  auto gallery = open();
  for (const std::string& bad :
       {std::string(), std::string("\xff"), std::string(1'000'000, 'x'), std::string(257, 'x')}) {
    const auto answer = gallery->enrol(bad, std::vector{at_degrees(0)});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
    EXPECT_LT(answer.error().message.size(), 200U);
  }
  EXPECT_TRUE(gallery->enrol(std::string(256, 'x'), std::vector{at_degrees(0)}));
}

TEST_F(FolderGalleryTest, EnrolsABatchAllOrNone) {
  auto gallery = open();
  const std::vector<NewFace> batch{{"a", at_degrees(0)}, {"b", face({0, 0, 1})}};
  EXPECT_EQ(gallery->enrol(batch).error().code, ErrorCode::kModelMismatch);
  EXPECT_EQ(gallery->faces(), 0U);
  EXPECT_FALSE(fs::exists(folder_ / "gallery.json"));
  EXPECT_TRUE(gallery->enrol(std::vector<NewFace>{})->empty());
}

TEST_F(FolderGalleryTest, SurvivesACrashBeforeTheHeadIsReplaced) {
  ASSERT_TRUE(open()->enrol("a", std::vector{at_degrees(0)}));
  write("embeddings-2.npy", "half a fi");  // what a process left that died while writing
  write("faces-2.tsv", "");
  auto gallery = open(OpenMode::kMustExist);
  EXPECT_EQ(gallery->faces(), 1U);
  ASSERT_TRUE(gallery->enrol("b", std::vector{at_degrees(90)}));
  EXPECT_EQ(open(OpenMode::kMustExist)->faces(), 2U);
}

TEST_F(FolderGalleryTest, SeesWhatAnotherProcessEnrolled) {
  auto one = open();
  auto two = open();
  ASSERT_TRUE(one->enrol("a", std::vector{at_degrees(0)}));
  const auto enrolled = two->enrol("b", std::vector{at_degrees(90)}).value();
  EXPECT_EQ(enrolled[0].face_id, "f2");
  EXPECT_EQ(two->faces(), 2U);
  EXPECT_EQ(open(OpenMode::kMustExist)->persons(), 2U);
}

TEST_F(FolderGalleryTest, SaysThatADamagedGalleryIsDamaged) {
  ASSERT_TRUE(open()->enrol("a", std::vector{at_degrees(0), at_degrees(5)}));
  const std::string head = text("gallery.json");
  const std::string table = text("faces-1.tsv");
  const std::string vectors = text("embeddings-1.npy");
  write("faces-1.tsv", table.substr(0, table.size() - 5));
  EXPECT_NO_FATAL_FAILURE(open(OpenMode::kMustExist));  // a shorter source is still a row
  write("faces-1.tsv", table.substr(0, table.size() - 40));
  EXPECT_EQ(error_of_open(), ErrorCode::kDecodeFailed);
  write("faces-1.tsv", table + table.substr(table.find("f2")));
  EXPECT_EQ(error_of_open(), ErrorCode::kDecodeFailed);
  write("faces-1.tsv", table);
  write("embeddings-1.npy", vectors.substr(0, vectors.size() - 4));
  EXPECT_EQ(error_of_open(), ErrorCode::kDecodeFailed);
  write("embeddings-1.npy", vectors.substr(0, vectors.size() - 8) + std::string(8, '\0'));
  EXPECT_EQ(error_of_open(), ErrorCode::kDecodeFailed);
  write("embeddings-1.npy", vectors);
  for (const std::string& bad : {std::string("{"), std::string("{}"), head.substr(2)}) {
    write("gallery.json", bad);
    EXPECT_EQ(error_of_open(), ErrorCode::kDecodeFailed);
  }
  write("gallery.json", head);
  EXPECT_EQ(open(OpenMode::kMustExist)->faces(), 2U);
}

}  // namespace
}  // namespace visavis::gallery
