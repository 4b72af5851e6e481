#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <visavis/core/time.hpp>
#include <visavis/usecases/galleries.hpp>

namespace visavis::usecases {
namespace {

const std::int64_t kNow = *parse_rfc3339("2026-11-26T15:00:00Z");

std::int64_t expiry(const std::string& text) {
  const auto change = change_of({.expires = text}, kNow);
  return change && change->expires_at ? *change->expires_at : -1;
}

void expect_usage(const PersonWords& words) {
  const auto change = change_of(words, kNow);
  ASSERT_FALSE(change);
  EXPECT_EQ(change.error().cause, Cause::kUsage) << change.error().error.message;
}

TEST(PersonWords, ExpiryIsADateATimeOrSoLongFromNow) {
  EXPECT_EQ(expiry("2027-01-31"), *parse_rfc3339("2027-01-31T00:00:00Z"));
  EXPECT_EQ(expiry("2027-01-31T10:00:00+02:00"), *parse_rfc3339("2027-01-31T08:00:00Z"));
  EXPECT_EQ(expiry("30d"), *parse_rfc3339("2026-12-26T15:00:00Z"));
  EXPECT_EQ(expiry("2w"), *parse_rfc3339("2026-12-10T15:00:00Z"));
  EXPECT_EQ(expiry("1y"), *parse_rfc3339("2027-11-26T15:00:00Z"));
  EXPECT_TRUE(change_of({.expires = "never"}, kNow)->never_expires);
}

TEST(PersonWords, RefusesExpiriesThatAreNoneOrOver) {
  for (const char* bad : {"tomorrow", "30", "d", "0d", "-1d", "1.5y", "1h", "99999d", "2027-13-01",
                          "2026-11-26", "1970-01-01", "1 y"})
    expect_usage({.expires = bad});
}

TEST(PersonWords, ConsentHasABasisAndATime) {
  const auto now = change_of({.consent = "contract"}, kNow);
  EXPECT_EQ(now->consent_basis, "contract");
  EXPECT_EQ(now->consent_at, kNow);
  EXPECT_EQ(change_of({.consent = "c", .consent_at = "2026-01-02"}, kNow)->consent_at,
            *parse_rfc3339("2026-01-02"));
  expect_usage({.consent_at = "2026-01-02"});
  expect_usage({.consent = "c", .consent_at = "yesterday"});
  expect_usage({.consent = "c", .consent_at = "2030-01-01"});
}

TEST(PersonWords, WhatIsClearedIsNotSaidAtOnce) {
  const auto change = change_of({.clear = {"consent", "expiry", "attributes"}}, kNow);
  ASSERT_TRUE(change);
  EXPECT_TRUE(change->forgets_consent);
  EXPECT_TRUE(change->never_expires);
  EXPECT_EQ(change->attributes, "{}");
  EXPECT_FALSE(change->is_empty());
  EXPECT_TRUE(change_of({.attribute = {"a=b"}, .clear = {"attributes"}}, kNow));
  expect_usage({.consent = "c", .clear = {"consent"}});
  expect_usage({.expires = "1y", .clear = {"expiry"}});
  expect_usage({.attributes = "{}", .clear = {"attributes"}});
  expect_usage({.clear = {"faces"}});
  expect_usage({.clear = {""}});
}

TEST(PersonWords, AttributesAreTextsOrAWholeObject) {
  const auto change =
      change_of({.attribute = {"team=a=b", "empty="}, .attributes = "{\"n\":1}"}, kNow);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->attributes, "{\"n\":1}");
  EXPECT_THAT(change->single_attributes,
              testing::ElementsAre(testing::Pair("empty", ""), testing::Pair("team", "a=b")));
  expect_usage({.attribute = {"team"}});
  expect_usage({.attribute = {"=a"}});
  expect_usage({.attributes = "[]"});
  expect_usage({.name = std::string(300, 'x')});
  EXPECT_TRUE(change_of({}, kNow)->is_empty());
}

}  // namespace
}  // namespace visavis::usecases
