#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/tests/folder_test.hpp>

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDimension = 16;

Template face(std::size_t axis) {
  std::vector<float> values(kDimension, 0);
  values[axis % kDimension] = 1;
  return {.embedding = {.model = ModelId{42}, .values = std::move(values), .norm = 20},
          .quality = .5F,
          .box = {.x = 1, .y = 2, .width = 30, .height = 40},
          .source = "photo.jpg"};
}

class DamageTest : public tests::FolderTest {
 protected:
  DamageTest() {
    {
      auto gallery = open_gallery(folder_, OpenMode::kCreate).value();
      for (std::size_t i = 0; i < 40; ++i)
        if (!gallery->enrol("person " + std::to_string(i / 2), std::vector{face(i)}))
          ADD_FAILURE() << "cannot enrol";
      if (!gallery->remove_person("person 3")) ADD_FAILURE() << "cannot remove";
    }
    std::ifstream file(path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    whole_ = text.str();
  }
  [[nodiscard]] fs::path path() const { return folder_ / "gallery.sqlite"; }

  /// Reads everything there is to read in `bytes`.
  /// @return the first error or what the check found; nothing if all is well
  std::optional<Error> read(const std::string& bytes) {
    for (const char* ending : {"-wal", "-shm"}) fs::remove(path().string() + ending);
    std::ofstream(path(), std::ios::binary) << bytes;
    const auto gallery = open_gallery(folder_, OpenMode::kRead);
    if (!gallery) return gallery.error();
    std::optional<Error> first;
    const auto note = [&](const auto& result) {
      if (!result && !first) first = result.error();
    };
    note((*gallery)->stats());
    note((*gallery)->list({}));
    for (const char* person : {"person 0", "person 19"})
      if (const auto shown = (*gallery)->show(person);
          !shown && shown.error().code != ErrorCode::kNotFound)
        note(shown);
    note((*gallery)->identify(face(5).embedding, 3));
    const auto findings = (*gallery)->check();
    note(findings);
    if (findings && !findings->empty() && !first)
      first = Error{ErrorCode::kDecodeFailed, findings->front()};
    return first;
  }

  std::string whole_;
};

/// An error of the file, of a version or of a place: never a defect of ours, never a crash.
bool is_told(const Error& error) { return error.code != ErrorCode::kInternal; }

TEST_F(DamageTest, EveryFlippedBitIsAnErrorOfTheFileOrHarmless) {
  ASSERT_FALSE(read(whole_));
  std::size_t refused = 0;
  std::size_t tried = 0;
  // 37 is prime to the pages' size: all kinds of bytes come up.
  for (std::size_t at = 0; at < whole_.size(); at += 37, ++tried) {
    std::string bytes = whole_;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at / 37 % 8)));
    const auto error = read(bytes);
    if (!error) continue;
    ++refused;
    EXPECT_TRUE(is_told(*error)) << "byte " << at << ": " << error->message;
  }
  EXPECT_GT(refused, tried / 100) << "damage should be noticed now and then";
}

TEST_F(DamageTest, EveryTruncationIsAnErrorOfTheFile) {
  // SQLite reads a last page that is cut as if zeros followed: where they do, nothing is lost.
  const std::size_t end = whole_.find_last_not_of('\0');
  for (std::size_t size = 0; size < end; size += 509) {
    const auto error = read(whole_.substr(0, size));
    ASSERT_TRUE(error) << size << " of " << whole_.size() << " bytes";
    EXPECT_TRUE(is_told(*error)) << size << ": " << error->message;
  }
}

}  // namespace
}  // namespace visavis::gallery
