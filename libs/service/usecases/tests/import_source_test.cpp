#include "import_source.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/usecases/import_job.hpp>

namespace visavis::usecases {
namespace {

std::string root_of(const std::vector<std::string>& labels) {
  RootFinder finder;
  for (const std::string& label : labels) finder.add(label);
  return finder.root();
}

TEST(ImportSource, the_first_folder_says_whose_photo_it_is) {
  EXPECT_EQ(person_of("Ada/1.jpg", ""), "Ada");
  EXPECT_EQ(person_of("Ada/2020/1.jpg", ""), "Ada");
  EXPECT_EQ(person_of("./Ada/1.jpg", ""), "Ada");
  EXPECT_EQ(person_of("/Ada//1.jpg", ""), "Ada");
  EXPECT_EQ(person_of("Ada\\1.jpg", ""), "Ada");
  EXPECT_EQ(person_of("1.jpg", ""), "");
  EXPECT_EQ(person_of("", ""), "");
}

TEST(ImportSource, a_folder_around_all_of_it_is_passed_over) {
  EXPECT_EQ(person_of("people/Ada/1.jpg", "people"), "Ada");
  EXPECT_EQ(person_of("people/1.jpg", "people"), "");
  EXPECT_EQ(person_of("Ada/1.jpg", "people"), "Ada");
}

TEST(ImportSource, such_a_folder_holds_everything_and_has_folders) {
  EXPECT_EQ(root_of({"people/Ada/1.jpg", "people/Bob/1.jpg"}), "people");
  // Photos beside the persons' folders must not make one person of them all.
  EXPECT_EQ(root_of({"people/group.jpg", "people/Ada/1.jpg"}), "people");
  EXPECT_EQ(root_of({"Ada/1.jpg", "Bob/1.jpg"}), "");
  EXPECT_EQ(root_of({"Ada/2020/1.jpg", "Bob/1.jpg"}), "");
  EXPECT_EQ(root_of({"Ada/1.jpg", "Ada/2.jpg"}), "");
  EXPECT_EQ(root_of({"1.jpg"}), "");
  EXPECT_EQ(root_of({}), "");
}

TEST(ImportSource, a_list_gives_its_lines) {
  const auto file = std::filesystem::path(testing::TempDir()) / "import-list";
  ASSERT_TRUE(write_file(file, "http://a/1.jpg\tAda\nhttp://a/2.jpg\n"));
  const auto source = open_list_source(file);
  ASSERT_TRUE(source);
  EXPECT_EQ((*source)->total(), 2);
  EXPECT_EQ((*source)->persons(), std::set<std::string>{"Ada"});
  const auto first = (*source)->next();
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->label, "http://a/1.jpg");
  EXPECT_EQ((*first)->person, "Ada");
  EXPECT_FALSE((*first)->verdict);
  const auto second = (*source)->next();
  ASSERT_TRUE(second && *second && (*second)->verdict);
  EXPECT_EQ((*second)->verdict->reason, "no_person");
  EXPECT_EQ((*second)->verdict->result, jobs::ItemResult::kRefused);
  const auto end = (*source)->next();
  ASSERT_TRUE(end);
  EXPECT_FALSE(*end);
}

TEST(ImportSource, parameters_come_back) {
  ImportOrder order{.gallery = "staff",
                    .selection = Selection::kCenter,
                    .consent_basis = "contract",
                    .consent_at = 5,
                    .expires_at = 7};
  const auto back = parse_parameters(to_parameters(order));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->gallery, "staff");
  EXPECT_EQ(back->selection, Selection::kCenter);
  EXPECT_EQ(back->consent_basis, "contract");
  EXPECT_EQ(back->consent_at, 5);
  EXPECT_EQ(back->expires_at, 7);
  for (const char* damaged :
       {"", "{", "[]", "{}", R"({"gallery":1})", R"({"gallery":"a","consent_at":"x"})"})
    EXPECT_EQ(parse_parameters(damaged).error().code, ErrorCode::kDecodeFailed) << damaged;
}

}  // namespace
}  // namespace visavis::usecases
