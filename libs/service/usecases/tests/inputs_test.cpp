#include "visavis/usecases/inputs.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <visavis/tests/folder_test.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

class InputsTest : public tests::FolderTest {
 protected:
  void write(const std::string& name, const std::string& bytes) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  [[nodiscard]] std::vector<std::string> inside() const {
    std::vector<std::string> names;
    for (const Photo& photo : collect_photos({folder_.string()}).photos)
      names.push_back(photo.inside.string());
    return names;
  }
};

TEST_F(InputsTest, FolderIsWalkedInByteOrder) {
  for (const char* name : {"b.jpg", "a/2.png", "a/10.png", "Z.jpeg", "a.jpg", "\xC3\xA4.jpg"})
    write(name, "");
  // Names are compared, not paths: "a" comes before "a.jpg", although '.' is before '/'.
  EXPECT_EQ(inside(), (std::vector<std::string>{"Z.jpeg", "a/10.png", "a/2.png", "a.jpg", "b.jpg",
                                                "\xC3\xA4.jpg"}));
}

TEST_F(InputsTest, ContentsCountWhereTheNameDoesNot) {
  write("no_end", "\xFF\xD8\xFF\xE0 begins like a JPEG");
  write("notes.txt", "P5 is no picture, BM neither");
  write("text.JPG", "ends like one");
  EXPECT_EQ(inside(), (std::vector<std::string>{"no_end", "text.JPG"}));
}

TEST_F(InputsTest, NameThatIsNotUtf8IsRefusedAlone) {
  write("\xFF.jpg", "");
  write("good.jpg", "");
  const Inputs inputs = collect_photos({folder_.string()});
  ASSERT_EQ(inputs.photos.size(), 1U);
  ASSERT_EQ(inputs.errors.size(), 1U);
  EXPECT_EQ(inputs.errors[0].code, "invalid_argument");
  EXPECT_EQ(inputs.errors[0].failure.cause, Cause::kInput);
}

TEST_F(InputsTest, LinksToFoldersAreNotFollowed) {
  write("a/1.jpg", "");
  fs::create_directory_symlink(folder_, folder_ / "a" / "up");
  EXPECT_EQ(inside(), (std::vector<std::string>{"a/1.jpg"}));
}

TEST_F(InputsTest, FilesAreTakenAsTheyAre) {
  const Inputs inputs = collect_photos({"x/ada/1.txt", "x/ada/1.txt"});
  ASSERT_EQ(inputs.photos.size(), 2U);
  EXPECT_EQ(inputs.photos[0].path, "x/ada/1.txt");
  EXPECT_EQ(inputs.photos[0].inside, "1.txt");
  EXPECT_EQ(inputs.photos[0].parent(), "ada");
  fs::create_directory(folder_ / "empty");
  EXPECT_EQ(collect_photos({(folder_ / "empty").string()}).errors.at(0).code, "not_found");
}

}  // namespace
}  // namespace visavis::usecases
