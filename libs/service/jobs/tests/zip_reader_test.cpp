#include "visavis/jobs/zip_reader.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/tests/folder_test.hpp>

#include "zip_builder.hpp"

namespace visavis::jobs {
namespace {

using tests::zip_of;
using tests::ZipFile;
using Pairs = std::vector<std::pair<std::string, std::string>>;

class ZipReaderTest : public visavis::tests::FolderTest {
 protected:
  void write(const std::string& bytes) const {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << bytes;
  }
  /// Labels with contents, or with what was said instead.
  static Pairs read(const std::filesystem::path& file, const ZipLimits& limits = {}) {
    Pairs found;
    auto reader = ZipReader::open(file, limits);
    if (!reader) return {{"open", reader.error().message}};
    while (true) {
      const auto entry = reader->next();
      if (!entry) found.emplace_back("next", entry.error().message);
      if (!entry || !*entry) return found;
      const auto bytes = reader->read();
      if ((*entry)->refusal) {
        EXPECT_FALSE(bytes);
        found.emplace_back((*entry)->label,
                           "refused: " + std::string(to_string(*(*entry)->refusal)));
      } else if (bytes) {
        EXPECT_EQ((*entry)->bytes, bytes->size());
        found.emplace_back(
            (*entry)->label,
            std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
      } else {
        EXPECT_EQ(bytes.error().code, ErrorCode::kDecodeFailed);
        found.emplace_back((*entry)->label, "damaged");
      }
    }
  }
  static std::filesystem::path sample(const char* name) {
    return std::filesystem::path(VISAVIS_SOURCE_DIR) / "libs/service/jobs/fuzz/zip_corpus" / name;
  }

  std::filesystem::path file_ = folder_ / "input";
};

// The samples were written by Python's zipfile.
TEST_F(ZipReaderTest, ReadsWhatPythonWrote) {
  EXPECT_EQ(read(sample("stored")), (Pairs{{"anna/1.txt", "one"}, {"bob/2.txt", "two two"}}));
  std::string all;
  for (int k = 0; k < 4; ++k)
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(read(sample("deflated")),
            (Pairs{{"a.txt", std::string(3000, 'a')}, {"b.txt", all}, {"empty", ""}}));
  EXPECT_EQ(read(sample("zip64")), (Pairs{{"big.txt", "sixty-four"}}));
  EXPECT_EQ(ZipReader::open(sample("none")).error().code, ErrorCode::kDecodeFailed);
  EXPECT_EQ(count_files(sample("stored")), 2U);
}

TEST_F(ZipReaderTest, NamesAreLabels) {
  EXPECT_EQ(read(sample("names")), (Pairs{{"../../etc/passwd", "x"},
                                          {"/abs.txt", "y"},
                                          {"c:\\win\\x.txt", "z"},
                                          {"\u00e9\u4e2d.txt", "u"},
                                          {"a.txt", "1"}}));
  write(zip_of({{.name = "a\nb\x1b[31m\x7f", .contents = "1"},
                {.name = "caf\x82", .contents = "2"},  // CP437
                {.name = "same", .contents = "3"},
                {.name = "same", .contents = "4"},
                {.name = "", .contents = "5"},
                {.name = std::string(300, 'x') + std::string(2000, 'y'), .contents = "6"},
                {.name = std::string(499, 'z') + "\u00e9", .contents = "7"},
                {.name = std::string("a\0b", 3), .contents = "8"},
                {.name = std::string(60'000, 'w'), .contents = "9"}}));
  const std::string bad = "\uFFFD";
  EXPECT_EQ(read(file_), (Pairs{{"a" + bad + "b" + bad + "[31m" + bad, "1"},
                                {"caf" + bad, "2"},
                                {"same", "3"},
                                {"same", "4"},
                                {std::string(300, 'x') + std::string(200, 'y'), "6"},
                                {std::string(499, 'z'), "7"},
                                {"a" + bad + "b", "8"},
                                {std::string(500, 'w'), "9"}}));
}

TEST_F(ZipReaderTest, RefusesEntriesAndGoesOn) {
  EXPECT_EQ(
      read(sample("methods")),
      (Pairs{{"bz.txt", "refused: method"}, {"lz.txt", "refused: method"}, {"ok.txt", "ok"}}));
  write(zip_of({{.name = "secret", .contents = "x", .flags = 1},
                {.name = "aes", .contents = "x", .flags = 1, .method = 99},
                {.name = "open", .contents = "y"}}));
  EXPECT_EQ(
      read(file_),
      (Pairs{{"secret", "refused: encrypted"}, {"aes", "refused: encrypted"}, {"open", "y"}}));
}

TEST_F(ZipReaderTest, ArchivesInArchivesStayClosed) {
  const auto inner = read_file(sample("stored"), 10'000);
  ASSERT_TRUE(inner);
  const std::string bytes(reinterpret_cast<const char*>(inner->data()), inner->size());
  EXPECT_EQ(read(sample("nested")), (Pairs{{"inner.zip", bytes}, {"x", "x"}}));
}

TEST_F(ZipReaderTest, CapsWhatItUnpacks) {
  const std::string large(3'000'000, 'a');
  write(zip_of({{.name = "bomb", .contents = large, .deflated = true},
                {.name = "stored", .contents = large},
                {.name = "small", .contents = "s"},
                {.name = "last", .contents = "l"}}));
  EXPECT_EQ(read(file_)[0].second, "refused: ratio") << "deflate makes 1,000 of 1";
  const Pairs sizes = read(file_, {.max_entry_bytes = 2'999'999, .max_ratio = 5000});
  EXPECT_EQ(sizes[0].second, "refused: too_large");
  EXPECT_EQ(sizes[2].second, "s");
  const Pairs total = read(file_, {.max_total_bytes = 3'000'001, .max_ratio = 5000});
  EXPECT_EQ(total[0].second, large);
  EXPECT_EQ(total[1].second, "refused: total");
  EXPECT_EQ(total[2].second, "s");
  EXPECT_EQ(total[3].second, "refused: total");
  const auto many = ZipReader::open(file_, {.max_entries = 3});
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, ErrorCode::kResourceExhausted);
}

TEST_F(ZipReaderTest, LiesAreDamage) {
  const std::string text(5000, 't');
  write(zip_of({{.name = "crc", .contents = "x", .says_crc = 1},
                {.name = "longer", .contents = text, .deflated = true, .says_bytes = 50'000},
                {.name = "shorter", .contents = text, .deflated = true, .says_bytes = 50},
                {.name = "garbage", .contents = text, .method = 8},
                {.name = "fine", .contents = "f"}}));
  EXPECT_EQ(read(file_), (Pairs{{"crc", "damaged"},
                                {"longer", "damaged"},
                                {"shorter", "damaged"},
                                {"garbage", "damaged"},
                                {"fine", "f"}}));
  // Promises 60 MB of a few bytes: memory is not taken for it.
  write(zip_of(
      {{.name = "promise", .contents = "x", .says_bytes = 60'000'000, .says_packed = 60'000'000},
       {.name = "fine", .contents = "f"}}));
  EXPECT_EQ(read(file_), (Pairs{{"promise", "damaged"}, {"fine", "f"}}));
}

TEST_F(ZipReaderTest, ADamagedArchiveIsToldOrReadInPart) {
  const std::string whole =
      zip_of({{.name = "a", .contents = "1"}, {.name = "b", .contents = "2"}});
  const auto expect_nothing_else = [&](std::size_t at) {
    for (const auto& [label, contents] : read(file_))
      EXPECT_TRUE(contents == "1" || contents == "2" || contents == "damaged" || label == "next" ||
                  label == "open" || contents.starts_with("refused: "))
          << at << ": " << label << ": " << contents;
  };
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write(whole.substr(0, size));
    expect_nothing_else(size);
  }
  write(whole.substr(0, whole.size() / 2));
  EXPECT_EQ(ZipReader::open(file_).error().code, ErrorCode::kDecodeFailed);
  // Every single byte changed: nothing worse than an error, and never other contents.
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x55);
    write(changed);
    expect_nothing_else(i);
  }
}

TEST_F(ZipReaderTest, TellsWhatIsNoArchive) {
  write("not a zip");
  EXPECT_EQ(ZipReader::open(file_).error().code, ErrorCode::kDecodeFailed);
  EXPECT_EQ(ZipReader::open(folder_ / "none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ZipReader::open(folder_).error().code, ErrorCode::kNotFound);
  auto reader = ZipReader::open(sample("stored"));
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->read().error().code, ErrorCode::kInvalidArgument) << "before the first";
}

TEST_F(ZipReaderTest, AnArchiveBehindOtherBytesIsRead) {
  write("#!/bin/sh\n" + zip_of({{.name = "a", .contents = "1"}}));
  EXPECT_EQ(read(file_), (Pairs{{"a", "1"}}));
}

}  // namespace
}  // namespace visavis::jobs
