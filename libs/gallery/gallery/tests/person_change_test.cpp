#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <visavis/gallery/gallery.hpp>

namespace visavis::gallery {
namespace {

using testing::HasSubstr;

std::string wrong_with(const PersonChange& change) {
  const auto changed = apply_change({.id = "a", .name = "a"}, change);
  if (changed) return "nothing";
  EXPECT_EQ(changed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_LT(changed.error().message.size(), 100U) << "repeats nothing of what was given";
  return changed.error().message;
}

TEST(PersonChange, RefusesWhatCannotBeKept) {
  EXPECT_THAT(wrong_with({.name = ""}), HasSubstr("empty"));
  EXPECT_THAT(wrong_with({.name = "\xff"}), HasSubstr("UTF-8"));
  EXPECT_THAT(wrong_with({.name = std::string(1'000'000, 'x')}), HasSubstr("256"));
  EXPECT_THAT(wrong_with({.consent_basis = std::string(257, 'x')}), HasSubstr("256"));
  EXPECT_THAT(wrong_with({.attributes = "[]"}), HasSubstr("JSON object"));
  EXPECT_THAT(wrong_with({.attributes = "{bad"}), HasSubstr("JSON object"));
  EXPECT_THAT(wrong_with({.attributes = ""}), HasSubstr("JSON object"));
  EXPECT_THAT(wrong_with({.attributes = "{\"a\":\"" + std::string(70'000, 'x') + "\"}"}),
              HasSubstr("64 KiB"));
  EXPECT_THAT(wrong_with({.single_attributes = {{"a", std::string(70'000, 'x')}}}),
              HasSubstr("64 KiB"));
  EXPECT_THAT(wrong_with({.single_attributes = {{"", "b"}}}), HasSubstr("name"));
  EXPECT_THAT(wrong_with({.single_attributes = {{"a", "\xff"}}}), HasSubstr("UTF-8"));
  EXPECT_EQ(wrong_with({.name = "b", .attributes = R"({"a":[1,{"b":null}]})"}), "nothing");
}

TEST(PersonChange, ForgetsAConsentBeforeItTakesAnother) {
  const Person person{.id = "a", .name = "a", .consent_basis = "contract", .consent_at = 5};
  const auto none = apply_change(person, {.forgets_consent = true});
  EXPECT_EQ(none->consent_basis, std::nullopt);
  EXPECT_EQ(none->consent_at, std::nullopt);
  const auto other = apply_change(person, {.consent_basis = "asked", .forgets_consent = true});
  EXPECT_EQ(other->consent_basis, "asked");
  EXPECT_EQ(other->consent_at, std::nullopt);
}

TEST(PersonChange, RefusesWhatIsNestedTooDeeply) {
  const auto nested = [](int depth) {
    return "{\"a\":" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}";
  };
  EXPECT_EQ(wrong_with({.attributes = nested(50)}), "nothing");
  EXPECT_THAT(wrong_with({.attributes = nested(100)}), HasSubstr("deeply"));
  EXPECT_THAT(wrong_with({.attributes = nested(30'000)}), HasSubstr("deeply"));
}

}  // namespace
}  // namespace visavis::gallery
