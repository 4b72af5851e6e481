/// Encrypted galleries: nothing in clear, no other key, damage is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <visavis/tests/folder_test.hpp>

#include "visavis/store/store.hpp"

namespace visavis::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kModel = "0123456789abcdef";
constexpr std::size_t kDimension = 64;

std::shared_ptr<const Key> key_of(unsigned char byte) {
  std::array<std::byte, Key::kBytes> bytes{};
  bytes.fill(static_cast<std::byte>(byte));
  return std::make_shared<const Key>(bytes);
}

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class EncryptionTest : public tests::FolderTest {
 protected:
  Store open(Mode mode = Mode::kCreate) {
    auto store = Store::open(folder_, {.mode = mode, .key = key_});
    EXPECT_TRUE(store) << store.error().message;
    return *std::move(store);
  }
  Error refused(std::shared_ptr<const Key> key, Mode mode = Mode::kRead) {
    const auto store = Store::open(folder_, {.mode = mode, .key = std::move(key)});
    EXPECT_FALSE(store);
    return store ? Error{ErrorCode::kInternal, "opened"} : store.error();
  }
  [[nodiscard]] fs::path database() const { return folder_ / "gallery.sqlite"; }

  /// Somebody with a vector of 64 times 1/8, which binary16 holds exactly.
  static void add(Store& store, const std::string& person) {
    const std::vector<float> unit(kDimension, .125F);
    const FaceFields fields{.norm = 20, .quality = .5F, .source = "albums/secret-source.jpg"};
    const NewFace face{.person = person, .model = kModel, .unit = unit, .fields = &fields};
    const auto added = store.add({&face, 1});
    EXPECT_TRUE(added) << added.error().message;
  }

  /// Whether copies of the folder's files hold any of what `add` gives.
  [[nodiscard]] bool is_in_clear(const std::string& person) const {
    const fs::path copy = folder_.string() + "-copy";
    // In another process: to close a descriptor of an open database drops its locks.
    EXPECT_EQ(std::system(("cp -r " + folder_.string() + " " + copy.string()).c_str()), 0);
    std::string all;
    for (const auto& entry : fs::directory_iterator(copy)) all += read_all(entry.path());
    fs::remove_all(copy);
    std::string vector;  // IEEE 754 binary16, little-endian: 1/8 is 0x3000
    for (std::size_t i = 0; i < 8; ++i) vector += std::string("\0\x30", 2);
    return std::ranges::any_of(
        std::array<std::string_view, 6>{person, "secret-source", kModel, vector, "CREATE TABLE",
                                        "SQLite format 3"},
        [&](std::string_view text) { return all.contains(text); });
  }

  std::shared_ptr<const Key> key_ = key_of(7);
};

TEST_F(EncryptionTest, NothingIsInClearAtAnyTime) {
  Store store = open();
  for (int i = 0; i < 50; ++i) add(store, "somebody " + std::to_string(i));
  EXPECT_TRUE(fs::file_size(database().string() + "-wal") > 0);
  EXPECT_FALSE(is_in_clear("somebody")) << "with a full log";
  ASSERT_TRUE(store.purge());
  EXPECT_FALSE(is_in_clear("somebody")) << "with all in the database";
  ASSERT_TRUE(store.compact());
  EXPECT_FALSE(is_in_clear("somebody")) << "after compaction";
  const auto facts = store.facts();
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->encryption, "aegis-256");
  EXPECT_EQ(facts->faces, 50U);
}

TEST_F(EncryptionTest, APlainGalleryIsFoundInClearByTheSameSearch) {
  key_ = nullptr;
  Store store = open();
  add(store, "somebody");
  EXPECT_TRUE(is_in_clear("somebody"));
  EXPECT_EQ(store.facts().value().encryption, "none");
}

TEST_F(EncryptionTest, StaysOverReopeningBesideAReader) {
  {
    Store made = open();
  }
  Store writer = open(Mode::kWrite);
  add(writer, "somebody");
  Store reader = open(Mode::kRead);
  EXPECT_TRUE(reader.find_person("somebody").value());
  add(writer, "another");
  EXPECT_TRUE(reader.find_person("another").value());
  EXPECT_THAT(reader.check().value(), IsEmpty());
}

TEST_F(EncryptionTest, OpensWithItsOwnKeyOnly) {
  {
    Store made = open();
  }
  const std::string before = read_all(database());
  for (const Mode mode : {Mode::kRead, Mode::kWrite, Mode::kCreate}) {
    const Error other = refused(key_of(8), mode);
    EXPECT_EQ(other.code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(other.message, HasSubstr("another key"));
    const Error none = refused(nullptr, mode);
    EXPECT_EQ(none.code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(none.message, HasSubstr("needs its key"));
  }
  EXPECT_EQ(read_all(database()), before);
  open(Mode::kWrite);
}

TEST_F(EncryptionTest, APlainGalleryTakesNoKey) {
  key_ = nullptr;
  {
    Store made = open();
  }
  const Error error = refused(key_of(7), Mode::kCreate);
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, HasSubstr("not encrypted"));
}

TEST_F(EncryptionTest, WhatIsNoDatabaseIsToldWithAnyKey) {
  {
    Store made = open();
  }
  for (const std::string& text : {std::string("hello"), std::string(20'000, 'x')}) {
    std::ofstream(database(), std::ios::binary) << text;
    EXPECT_EQ(refused(key_).code, ErrorCode::kDecodeFailed);
    EXPECT_EQ(refused(nullptr).code, ErrorCode::kDecodeFailed);
  }
}

TEST_F(EncryptionTest, TwoGalleriesOfOneKeyDoNotShowIt) {
  {
    Store made = open();
  }
  const std::string first = read_all(database()).substr(4, 12);
  fs::remove_all(folder_);
  {
    Store made = open();
  }
  EXPECT_NE(read_all(database()).substr(4, 12), first);
}

TEST_F(EncryptionTest, EveryFlippedByteOfAPageIsDamage) {
  {
    Store store = open();
    for (int i = 0; i < 30; ++i) add(store, "somebody " + std::to_string(i));
  }
  const std::string whole = read_all(database());
  std::size_t page_ones = 0;
  for (std::size_t at = 16; at < whole.size(); at += 211) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    for (const char* ending : {"-wal", "-shm"}) fs::remove(database().string() + ending);
    std::ofstream(database(), std::ios::binary) << bytes;
    const auto store = Store::open(folder_, {.key = key_});
    if (!store) {
      EXPECT_EQ(store.error().code, ErrorCode::kDecodeFailed)
          << "byte " << at << ": " << store.error().message;
      ++page_ones;
      continue;
    }
    const auto findings = store->check();
    // The eight bytes after the head describe the file to SQLite and are no part of what is sealed.
    EXPECT_TRUE(at < 24 || (findings && !findings->empty())) << "byte " << at;
    const auto visited = store->scan([](auto, auto, auto, auto) {});
    EXPECT_TRUE(visited || visited.error().code == ErrorCode::kDecodeFailed);
  }
  EXPECT_GT(page_ones, 0U);
}

TEST_F(EncryptionTest, NoFlippedBitOfTheFirstBytesIsADefect) {
  {
    Store store = open();
    add(store, "somebody");
  }
  const std::string whole = read_all(database());
  for (std::size_t bit = 0; bit < 24 * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    for (const char* ending : {"-wal", "-shm"}) fs::remove(database().string() + ending);
    std::ofstream(database(), std::ios::binary) << bytes;
    for (const Mode mode : {Mode::kRead, Mode::kWrite}) {
      const auto store = Store::open(folder_, {.mode = mode, .key = key_});
      if (!store) {
        const ErrorCode code = store.error().code;
        EXPECT_TRUE(code == ErrorCode::kDecodeFailed || code == ErrorCode::kInvalidArgument ||
                    code == ErrorCode::kUnavailable)
            << "bit " << bit << ": " << store.error().message;
        continue;
      }
      EXPECT_GE(bit, 16U * 8) << "the head proves the key";
      EXPECT_TRUE(store->check());
    }
  }
}

TEST_F(EncryptionTest, EveryTruncationIsDamage) {
  {
    Store store = open();
    for (int i = 0; i < 30; ++i) add(store, "somebody " + std::to_string(i));
  }
  const std::string whole = read_all(database());
  for (std::size_t size = 1; size < whole.size(); size += 1021) {
    std::ofstream(database(), std::ios::binary) << whole.substr(0, size);
    const auto store = Store::open(folder_, {.key = key_});
    if (!store) {
      EXPECT_NE(store.error().code, ErrorCode::kInternal) << store.error().message;
      continue;
    }
    const auto findings = store->check();
    EXPECT_TRUE(findings && !findings->empty()) << size << " bytes";
  }
}

TEST_F(EncryptionTest, KeptFilesAreSealedAndTiedToTheirNames) {
  const std::string picture(1000, 'p');
  Store store = open();
  const std::vector<float> unit(kDimension, .125F);
  const FaceFields fields{.norm = 20, .quality = .5F, .source = "a.jpg"};
  const KeptFile chip{.form = "arcface.png", .bytes = std::as_bytes(std::span(picture))};
  const NewFace face{
      .person = "ada", .model = kModel, .unit = unit, .fields = &fields, .chip = chip};
  ASSERT_TRUE(store.add({&face, 1}));
  ASSERT_TRUE(store.add({&face, 1}));
  const auto read = [&](const char* name) { return store.read_kept(KeptKind::kChip, name); };
  const auto bytes = read("f1.arcface.png");
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_TRUE(std::ranges::equal(*bytes, std::as_bytes(std::span(picture))));

  const fs::path first = folder_ / "chips" / "f1.arcface.png";
  const std::string sealed = read_all(first);
  EXPECT_FALSE(sealed.contains("pppp"));
  EXPECT_NE(sealed, read_all(folder_ / "chips" / "f2.arcface.png")) << "equal files do not show it";
  const auto refused = [&](const std::string& content) {
    std::ofstream(first, std::ios::binary) << content;
    const auto got = read("f1.arcface.png");
    return !got && got.error().code == ErrorCode::kDecodeFailed;
  };
  for (std::size_t at = 0; at < sealed.size(); at += 7) {
    std::string flipped = sealed;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    EXPECT_TRUE(refused(flipped)) << "byte " << at;
  }
  for (const std::size_t size : {0U, 1U, 35U, 36U, 37U, 1035U})
    EXPECT_TRUE(refused(sealed.substr(0, size))) << size << " bytes";
  EXPECT_TRUE(refused(picture)) << "a file in clear";
  EXPECT_TRUE(refused(read_all(folder_ / "chips" / "f2.arcface.png"))) << "another face's";
}

TEST_F(EncryptionTest, PagesCannotChangePlaces) {
  {
    Store store = open();
    for (int i = 0; i < 100; ++i) add(store, "somebody " + std::to_string(i));
  }
  constexpr std::size_t kPage = 8192;
  std::string bytes = read_all(database());
  ASSERT_GT(bytes.size(), 6 * kPage);
  const std::string moved = bytes.substr(4 * kPage, kPage);
  bytes.replace(5 * kPage, kPage, moved);
  std::ofstream(database(), std::ios::binary) << bytes;
  const auto store = Store::open(folder_, {.key = key_});
  ASSERT_TRUE(store);
  const auto findings = store->check();
  EXPECT_TRUE(findings && !findings->empty());
}

}  // namespace
}  // namespace visavis::store
