#include "multipart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace visavis::server {
namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=AaB03x";

/// The example of RFC 7578 section 4.1 and RFC 2388, in CRLF lines.
const std::string kExample =
    "--AaB03x\r\n"
    "Content-Disposition: form-data; name=\"field1\"\r\n\r\nJoe Blow\r\n"
    "--AaB03x\r\n"
    "content-disposition: form-data; name=\"pics\"; filename=\"file1.txt\"\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\n\r\n--AaB03\r\n\r\n"
    "--AaB03x--\r\n";

TEST(Multipart, ReadsFieldsAndFiles) {
  const auto parts = parse_multipart(kType, kExample, 8);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].name, "field1");
  EXPECT_EQ((*parts)[0].data, "Joe Blow");
  EXPECT_EQ((*parts)[0].filename, "");
  EXPECT_EQ((*parts)[1].name, "pics");
  EXPECT_EQ((*parts)[1].filename, "file1.txt");
  EXPECT_EQ((*parts)[1].type, "text/plain");
  EXPECT_EQ((*parts)[1].data, "\r\n--AaB03\r\n") << "what only looks like the boundary is data";
}

TEST(Multipart, AnEmptyPartAndAPreambleAreFine) {
  const std::string body =
      "who reads this?\r\n--AaB03x \t\r\nContent-Disposition: form-data; name=a\r\n\r\n"
      "\r\n--AaB03x--ignored";
  const auto parts = parse_multipart(kType, body, 8);
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 1U);
  EXPECT_EQ((*parts)[0].data, "");
}

TEST(Multipart, NamesAreReadAsBrowsersWriteThem) {
  // The WHATWG's encoding: '"' is %22, '\' stays. Older clients write \".
  const std::string body =
      "--AaB03x\r\nContent-Disposition: form-data; filename=\"C:\\a%22b\\\"c.jpg\"; "
      "name=\"\xc3\xa4\""
      "\r\n\r\nx\r\n--AaB03x--";
  const auto parts = parse_multipart(kType, body, 8);
  ASSERT_TRUE(parts);
  EXPECT_EQ((*parts)[0].filename, "C:\\a\"b\"c.jpg");
  EXPECT_EQ((*parts)[0].name, "\xc3\xa4");
}

class Damaged : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(Damaged, IsToldAsSuch) {
  const auto& [type, body] = GetParam();
  const auto parts = parse_multipart(type, body, 1);
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().code, ErrorCode::kInvalidArgument);
}

const std::string kHead = "--AaB03x\r\nContent-Disposition: form-data; name=a\r\n\r\n";
INSTANTIATE_TEST_SUITE_P(
    Forms, Damaged,
    testing::Values(
        std::pair{std::string("text/plain"), kExample},
        std::pair{std::string("multipart/form-data"), kExample},
        std::pair{std::string("multipart/form-data; boundary="), kExample},
        std::pair{"multipart/form-data; boundary=" + std::string(71, 'x'), kExample},
        std::pair{std::string("multipart/form-data; boundary=\"AaB03x"), kExample},
        std::pair{std::string("multipart/form-data; boundary=other"), kExample},
        std::pair{std::string(kType), std::string()}, std::pair{std::string(kType), kHead},
        std::pair{std::string(kType), kHead + "x\r\n--AaB03x"},
        std::pair{std::string(kType), kExample},  // two parts, one is allowed
        std::pair{std::string(kType), std::string("--AaB03x\r\nno colon\r\n\r\nx\r\n--AaB03x--")},
        std::pair{std::string(kType), std::string("--AaB03x\r\nA: b\r\n\r\nx\r\n--AaB03x--")},
        std::pair{std::string(kType),
                  std::string("--AaB03x\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n"
                              "x\r\n--AaB03x--")},
        std::pair{std::string(kType), "--AaB03x\r\nContent-Disposition: form-data; name=" +
                                          std::string(1025, 'n') + "\r\n\r\nx\r\n--AaB03x--"}));

}  // namespace
}  // namespace visavis::server
