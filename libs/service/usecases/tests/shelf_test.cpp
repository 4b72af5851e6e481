#include "visavis/usecases/shelf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <visavis/tests/folder_test.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

class ShelfTest : public tests::FolderTest {
 protected:
  [[nodiscard]] const fs::path& root() const { return folder_; }
};

TEST(Slug, IsShortAndPlain) {
  for (const std::string_view good : {"a", "0", "staff-2026_b", "a-"}) EXPECT_TRUE(is_slug(good));
  for (const std::string_view bad : {"", "-a", "_", "A", "a.b", "a/b", "..", "a b", "\xc3\xa4"})
    EXPECT_FALSE(is_slug(bad)) << bad;
  EXPECT_TRUE(is_slug(std::string(63, 'a')));
  EXPECT_FALSE(is_slug(std::string(64, 'a')));
}

TEST_F(ShelfTest, KeepsGalleriesOfTenantsApart) {
  Shelf shelf(root());
  ASSERT_TRUE(shelf.make("t1", "b", {.description = "mine", .keep = Keep::kChips}));
  ASSERT_TRUE(shelf.make("t1", "a", {}));
  ASSERT_TRUE(shelf.make("t2", "b", {}));
  const auto listed = shelf.list("t1").value();
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].gallery, "a");
  EXPECT_EQ(listed[1].settings.description, "mine");
  EXPECT_EQ(shelf.list("t2")->size(), 1U);
  EXPECT_TRUE(shelf.list("t3")->empty());
  EXPECT_FALSE(shelf.find("t2", "a"));
}

TEST_F(ShelfTest, FindsThemTheNextTime) {
  ASSERT_TRUE(Shelf(root()).make("t", "g", {.min_quality = .5F, .keep = Keep::kPhotos}));
  Shelf again(root());
  const auto found = again.facts("t", "g").value();
  EXPECT_EQ(found.settings.min_quality, .5F);
  EXPECT_EQ(found.settings.keep, Keep::kPhotos);
}

TEST_F(ShelfTest, RefusesWhatCannotBe) {
  Shelf shelf(root());
  const auto code = [](const auto& outcome) { return outcome.error().error.code; };
  EXPECT_EQ(code(shelf.make("t", "../x", {})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(shelf.make("t", "g", {.min_quality = 2})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(shelf.make("t", "g", {.description = "\xff"})), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(shelf.is_there("t", "g"));
  ASSERT_TRUE(shelf.make("t", "g", {}));
  EXPECT_EQ(code(shelf.make("t", "g", {})), ErrorCode::kInvalidArgument) << "taken";
  EXPECT_EQ(code(shelf.find("t", "other")), ErrorCode::kNotFound);
  EXPECT_EQ(code(shelf.change("t", "other", {})), ErrorCode::kNotFound);
  EXPECT_EQ(code(shelf.remove("t", "other")), ErrorCode::kNotFound);
}

TEST_F(ShelfTest, ADamagedSettingsFileIsNoDefault) {
  ASSERT_TRUE(Shelf(root()).make("t", "g", {}));
  std::ofstream(root() / "t" / "g.json") << "{\"keep\": \"everything\"}";
  Shelf again(root());
  const auto found = again.find("t", "g");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().error.code, ErrorCode::kDecodeFailed);
}

TEST_F(ShelfTest, ARemovedGalleryIsGoneAndItsNameFree) {
  Shelf shelf(root());
  ASSERT_TRUE(shelf.make("t", "g", {}));
  ASSERT_TRUE(shelf.remove("t", "g"));
  EXPECT_FALSE(shelf.find("t", "g"));
  EXPECT_TRUE(fs::is_empty(root() / "t"));
  EXPECT_TRUE(shelf.make("t", "g", {}));
}

TEST_F(ShelfTest, WhoHoldsAGalleryIsWaitedForWhenItIsRemoved) {
  Shelf shelf(root());
  ASSERT_TRUE(shelf.make("t", "g", {}));
  std::optional<OpenGallery> held = shelf.find("t", "g").value();
  std::jthread remover([&] { EXPECT_TRUE(shelf.remove("t", "g")); });
  while (shelf.is_there("t", "g")) std::this_thread::yield();
  EXPECT_FALSE(fs::is_empty(root() / "t")) << "nothing was wiped under its hands";
  EXPECT_TRUE(held->people->stats());
  held.reset();
  remover.join();
  EXPECT_TRUE(fs::is_empty(root() / "t"));
}

TEST_F(ShelfTest, ARemovalThatWasCutShortIsFinished) {
  ASSERT_TRUE(Shelf(root()).make("t", "g", {}));
  fs::rename(root() / "t" / "g", root() / "t" / ".removed-g-1");
  const Shelf again(root());
  EXPECT_FALSE(fs::exists(root() / "t" / ".removed-g-1"));
}

}  // namespace
}  // namespace visavis::usecases
