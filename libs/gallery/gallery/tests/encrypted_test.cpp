#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <variant>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/store/npy.hpp>
#include <visavis/tests/folder_test.hpp>

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;

std::shared_ptr<const store::Key> key_of(std::byte byte) {
  std::array<std::byte, store::Key::kBytes> bytes{};
  bytes.fill(byte);
  return std::make_shared<const store::Key>(bytes);
}

/// Along one of four axes.
Template face(std::size_t axis) {
  std::vector<float> values(4, 0);
  values[axis] = 1;
  return {.embedding = {.model = ModelId{42}, .values = std::move(values), .norm = 20},
          .quality = .5F,
          .box = {.x = 1, .y = 2, .width = 30, .height = 40},
          .source = "photo.jpg"};
}

class EncryptedGalleryTest : public tests::FolderTest {
 protected:
  [[nodiscard]] Result<std::unique_ptr<Gallery>> open(OpenMode mode,
                                                      std::shared_ptr<const store::Key> key) {
    return open_gallery(folder_, mode, {.index_file_from = 0, .key = std::move(key)});
  }
  [[nodiscard]] fs::path index() const { return folder_ / "index-exact"; }
  [[nodiscard]] bool holds(std::string_view text) const {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      std::ifstream file(entry.path(), std::ios::binary);
      if (std::string(std::istreambuf_iterator<char>(file), {}).contains(text)) return true;
    }
    return false;
  }
};

TEST_F(EncryptedGalleryTest, FindsPeopleByAnIndexFileThatIsEncrypted) {
  const auto key = key_of(std::byte{1});
  {
    const auto gallery = open(OpenMode::kCreate, key).value();
    ASSERT_TRUE(gallery->enrol("ada", std::vector{face(0)}));
    ASSERT_TRUE(gallery->enrol("grace", std::vector{face(1)}));
    ASSERT_EQ(gallery->identify(face(1).embedding, 1).value().front().person, "grace");
    EXPECT_EQ(gallery->stats().value().encryption, "aegis-256");
  }
  ASSERT_TRUE(fs::exists(index()));
  EXPECT_FALSE(holds("VSVINDEX")) << "how one in clear begins";
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kWrite}) {
    const auto gallery = open(mode, key).value();
    ASSERT_EQ(gallery->identify(face(0).embedding, 1).value().front().person, "ada");
    EXPECT_TRUE(gallery->check().value().empty());
    EXPECT_GT(gallery->stats().value().index_bytes, 0U);
  }
  const auto gallery = open(OpenMode::kWrite, key).value();
  ASSERT_EQ(gallery->remove_person("ada").value(), 1U);
  ASSERT_EQ(gallery->identify(face(0).embedding, 1).value().front().person, "grace");
}

TEST_F(EncryptedGalleryTest, PutsAwayWhatIsNoIndexOfItsOwn) {
  const auto key = key_of(std::byte{1});
  ASSERT_TRUE(open(OpenMode::kCreate, key).value()->enrol("ada", std::vector{face(0)}));
  std::ofstream(index()) << "vectors from elsewhere";
  std::ofstream(index().string() + ".part") << "what a stopped writer left";
  ASSERT_TRUE(open(OpenMode::kWrite, key));
  EXPECT_FALSE(holds("vectors from elsewhere"));
  EXPECT_FALSE(holds("what a stopped writer left"));
}

/// Damage that comes up in the midst of a search, because rows are decrypted when they are needed.
TEST_F(EncryptedGalleryTest, GoesOnWithTheDatabaseWhereTheIndexIsDamaged) {
  const auto key = key_of(std::byte{1});
  {
    const auto gallery = open(OpenMode::kCreate, key).value();
    ASSERT_TRUE(gallery->enrol("ada", std::vector{face(0)}));
    ASSERT_TRUE(gallery->enrol("grace", std::vector{face(1)}));
    ASSERT_TRUE(gallery->identify(face(1).embedding, 1));
  }
  {
    std::fstream file(index(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(-100, std::ios::end);  // in the page of the last rows
    file << "damage";
  }
  const auto told = open(OpenMode::kRead, key).value()->check().value();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told.front().starts_with("the index file cannot be used")) << told.front();
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kWrite}) {
    const auto gallery = open(mode, key).value();
    for (int again = 0; again < 2; ++again) {
      const auto found = gallery->identify(face(0).embedding, 2);
      ASSERT_TRUE(found) << found.error().message;
      EXPECT_EQ(found->front().person, "ada");
    }
  }
  const auto gallery = open(OpenMode::kWrite, key).value();
  EXPECT_TRUE(gallery->check().value().empty()) << "the writer has made it anew";
  EXPECT_EQ(gallery->identify(face(1).embedding, 2).value().front().person, "grace");
}

TEST_F(EncryptedGalleryTest, FindsDuplicatesAndRemovesWhereTheIndexIsDamaged) {
  const auto key = key_of(std::byte{1});
  const auto damage = [&] {
    std::fstream file(index(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(-100, std::ios::end);
    file << "damage";
  };
  {
    const auto gallery = open(OpenMode::kCreate, key).value();
    ASSERT_TRUE(gallery->enrol("ada", std::vector{face(0)}));
    ASSERT_TRUE(gallery->identify(face(0).embedding, 1));
  }
  damage();
  {
    const auto gallery = open(OpenMode::kWrite, key).value();
    const NewFace again{.person = "ada", .face = face(0)};
    const auto decisions = gallery->enrol({&again, 1}, {.refuse_duplicates = true}).value();
    ASSERT_TRUE(std::holds_alternative<Duplicate>(decisions.front()));
    ASSERT_TRUE(gallery->identify(face(0).embedding, 1));
  }
  damage();
  const auto gallery = open(OpenMode::kWrite, key).value();
  ASSERT_EQ(gallery->remove_person("ada").value(), 1U);
  EXPECT_TRUE(gallery->identify(face(0).embedding, 1).value().empty());
  EXPECT_TRUE(gallery->check().value().empty());
}

TEST_F(EncryptedGalleryTest, TheWriterWithAnotherKeyChangesNothing) {
  ASSERT_TRUE(open(OpenMode::kCreate, key_of(std::byte{1})));
  for (const auto& key : {key_of(std::byte{2}), std::shared_ptr<const store::Key>()})
    for (const OpenMode mode : {OpenMode::kRead, OpenMode::kWrite, OpenMode::kCreate}) {
      const auto gallery = open(mode, key);
      ASSERT_FALSE(gallery);
      EXPECT_EQ(gallery.error().code, ErrorCode::kInvalidArgument);
    }
  EXPECT_TRUE(open(OpenMode::kWrite, key_of(std::byte{1})));
}

/// tests/data/past: what the program of the past version wrote.
TEST_F(EncryptedGalleryTest, AFolderOfThePastVersionBecomesEncrypted) {
  const fs::path past = fs::path(VISAVIS_SOURCE_DIR) / "libs/gallery/gallery/tests/data/past";
  fs::copy(past, folder_);
  const auto vectors = store::read_npy(past / "embeddings-1.npy").value();
  const std::string first(reinterpret_cast<const char*>(vectors.values.data()),
                          vectors.columns * sizeof(float));
  ASSERT_TRUE(holds(first));
  const auto key = key_of(std::byte{1});
  {
    const auto gallery = open(OpenMode::kRead, key);
    ASSERT_TRUE(gallery) << gallery.error().message;
    EXPECT_EQ((*gallery)->faces(), vectors.rows);
    EXPECT_EQ((*gallery)->stats().value().encryption, "aegis-256");
    EXPECT_TRUE((*gallery)->check().value().empty());
  }
  EXPECT_FALSE(holds(first));
  EXPECT_FALSE(fs::exists(folder_ / "gallery.json"));
  EXPECT_FALSE(open(OpenMode::kRead, nullptr));
}

}  // namespace
}  // namespace visavis::gallery
