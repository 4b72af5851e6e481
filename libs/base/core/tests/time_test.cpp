#include <gtest/gtest.h>

#include <visavis/core/time.hpp>

namespace visavis {
namespace {

/// The examples of RFC 3339, section 5.8; their seconds by GNU date 9.1 (`date -u -d … +%s`).
TEST(Rfc3339, ReadsTheExamplesOfTheRfc) {
  EXPECT_EQ(parse_rfc3339("1985-04-12T23:20:50.52Z"), 482196050);
  EXPECT_EQ(parse_rfc3339("1996-12-19T16:39:57-08:00"), 851042397);
  EXPECT_EQ(parse_rfc3339("1937-01-01T12:00:27.87+00:20"), -1041337173);
  EXPECT_FALSE(parse_rfc3339("1990-12-31T23:59:60Z")) << "a leap second";
}

TEST(Rfc3339, ReadsADateAsItsBeginning) {
  EXPECT_EQ(parse_rfc3339("1970-01-01"), 0);
  EXPECT_EQ(parse_rfc3339("1970-01-02"), 86400);
  EXPECT_EQ(parse_rfc3339("2028-02-29"), 1835395200);
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
  for (const char* bad : {"",
                          "x",
                          "2026",
                          "2026-1-1",
                          "2026-13-01",
                          "2026-02-29",
                          "2026-00-10",
                          "2026-01-32",
                          "2026-01-01T",
                          "2026-01-01T10",
                          "2026-01-01T10:00",
                          "2026-01-01T10:00:00",
                          "2026-01-01T24:00:00Z",
                          "2026-01-01T10:60:00Z",
                          "2026-01-01T10:00:00Zx",
                          "2026-01-01T10:00:00.Z",
                          "2026-01-01T10:00:00+2:00",
                          "2026-01-01T10:00:00+24:00",
                          "-026-01-01",
                          "+026-01-01",
                          "2026-01-01 ",
                          "2026-01--1"})
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

TEST(Rfc3339, WritesWhatItReads) {
  EXPECT_EQ(to_rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(851042397), "1996-12-20T00:39:57Z");
  EXPECT_EQ(to_rfc3339(-1), "1969-12-31T23:59:59Z");
  for (const std::int64_t time : {951782400LL, 4102444799LL, 1LL})
    EXPECT_EQ(parse_rfc3339(to_rfc3339(time)), time);
}

TEST(YearsLater, KeepsTheDayWhereThereIsOne) {
  EXPECT_EQ(to_rfc3339(years_later(*parse_rfc3339("2026-11-26T15:04:05Z"), 1)),
            "2027-11-26T15:04:05Z");
  EXPECT_EQ(to_rfc3339(years_later(*parse_rfc3339("2028-02-29"), 1)), "2029-02-28T00:00:00Z");
  EXPECT_EQ(to_rfc3339(years_later(*parse_rfc3339("2028-02-29"), 4)), "2032-02-29T00:00:00Z");
}

}  // namespace
}  // namespace visavis
