#include "visavis/jobs/url_list.hpp"

#include <gtest/gtest.h>

namespace visavis::jobs {
namespace {

using List = std::vector<ListedUrl>;

TEST(UrlListTest, ReadsUrlsAndPersons) {
  EXPECT_EQ(parse_url_list("# photos\nhttps://a/1.jpg\n\nhttps://a/2.jpg\tanna\r\nhttp://b/#x\t\n"),
            (List{{"https://a/1.jpg", ""}, {"https://a/2.jpg", "anna"}, {"http://b/#x", ""}}));
  EXPECT_EQ(parse_url_list(""), List{});
  EXPECT_EQ(parse_url_list("\n\r\n#\n"), List{});
  EXPECT_EQ(parse_url_list("\xEF\xBB\xBFhttps://a"), (List{{"https://a", ""}}));
  EXPECT_EQ(parse_url_list("https://a\tJos\xC3\xA9 M"), (List{{"https://a", "Jos\xC3\xA9 M"}}));
}

TEST(UrlListTest, TellsTheLineThatIsWrong) {
  for (const std::string& line :
       {std::string("\tanna"), std::string("a\tb\tc"), std::string("a\x01"), std::string("\xFF"),
        std::string("a\0b", 3), "a\t" + std::string(201, 'x'), std::string(2049, 'x'),
        std::string("a\rb")}) {
    const auto list = parse_url_list("https://a\n# c\n" + line + "\nhttps://b\n");
    ASSERT_FALSE(list) << line;
    EXPECT_EQ(list.error().code, ErrorCode::kDecodeFailed);
    EXPECT_TRUE(list.error().message.starts_with("line 3 of the list: ")) << list.error().message;
  }
}

TEST(UrlListTest, HasAnEnd) {
  EXPECT_EQ(parse_url_list("a\nb\n#\n", 2)->size(), 2U);
  EXPECT_EQ(parse_url_list("a\nb\nc\n", 2).error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace visavis::jobs
