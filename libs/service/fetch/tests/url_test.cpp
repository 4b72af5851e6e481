#include "url.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "hosts.hpp"

namespace visavis::fetch {
namespace {

TEST(UrlTest, ReadsPlainUrls) {
  const auto url = parse_url("HTTPS://Photos.Example.ORG:8443/a/b.jpg?c=d#e");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->is_https);
  EXPECT_EQ(url->host, "photos.example.org");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/a/b.jpg?c=d");
  EXPECT_EQ(url->text(), "https://photos.example.org:8443/a/b.jpg?c=d");
  EXPECT_FALSE(url->address);

  EXPECT_EQ(parse_url("http://a")->text(), "http://a:80/");
  EXPECT_EQ(parse_url("https://a")->text(), "https://a:443/");
  EXPECT_EQ(parse_url("http://a?x")->text(), "http://a:80/?x");
  EXPECT_EQ(parse_url("http://a#x@b")->text(), "http://a:80/");
  EXPECT_EQ(parse_url("http://a/@b:c")->text(), "http://a:80/@b:c");
  EXPECT_EQ(parse_url("http://[2A00::1]:81/x")->text(), "http://[2a00::1]:81/x");
  EXPECT_EQ(parse_url("http://8.8.8.8/")->host, "8.8.8.8");
  EXPECT_TRUE(parse_url("http://xn--bcher-kva.example/"));
  EXPECT_TRUE(parse_url("http://1a.example/"));
}

TEST(UrlTest, RefusesOtherSchemesAndCredentials) {
  for (const char* text : {"",
                           "http",
                           "http:",
                           "http:/",
                           "http:a",
                           "http:/a",
                           "ftp://a/",
                           "file:///etc/passwd",
                           "gopher://a/",
                           "dict://a/",
                           "javascript:x",
                           "//a/",
                           "/a",
                           "a.example",
                           "http//a",
                           " http://a/",
                           "http://user@a/",
                           "http://user:password@a/",
                           "http://@a/",
                           "http://:@a/",
                           "http://a@b@c/",
                           "https://good.example@127.0.0.1/"})
    EXPECT_FALSE(parse_url(text)) << text;
}

TEST(UrlTest, RefusesHostsThatReadersDisagreeOn) {
  for (const char* text : {"http://2130706433/",  // 127.0.0.1 in decimal
                           "http://0x7f000001/",  // hexadecimal
                           "http://0x7f.0.0.1/",
                           "http://0177.0.0.1/",  // octal
                           "http://127.1/",
                           "http://127.0.1/",
                           "http://127.0.0.1./",
                           "http://0/",
                           "http://00000177.0.0.1/",
                           "http://1.2.3.4.5/",
                           "http://a.1/",
                           "http://a.0x/",
                           "http://256.256.256.256/",
                           "http://a..b/",
                           "http://.a/",
                           "http://a./",
                           "http://-a/",
                           "http://a-/",
                           "http://a%2eb/",
                           "http://%31%32%37.0.0.1/",
                           "http://a\\@b/",
                           "http://a b/",
                           "http://a\tb/",
                           "http://a\r\nHost: b/",
                           "http://\xE2\x91\xA0\xE2\x91\xA1.example/",  // circled digits
                           "http://[::1/",
                           "http://::1/",
                           "http://[::1]x/",
                           "http://[fe80::1%25eth0]/",
                           "http://[127.0.0.1]/",
                           "http://[]/",
                           "http:///a",
                           "http://?a",
                           "http://a:/",
                           "http://a:0/",
                           "http://a:65536/",
                           "http://a:80x/",
                           "http://a:-1/",
                           "http://a:+80/",
                           "http://a:80:80/",
                           "http://a,b/",
                           "http://a;b/",
                           "http://a'b/"})
    EXPECT_FALSE(parse_url(text)) << text;
  EXPECT_FALSE(parse_url("http://a/" + std::string(2048, 'a')));
  EXPECT_FALSE(parse_url("http://" + std::string(64, 'a') + "/"));
  EXPECT_FALSE(parse_url(std::string("http://a\0b/", 11)));
}

TEST(HostsTest, AllowsWhatIsListed) {
  const auto hosts = Hosts::make({"Photos.example.org", "*.cdn.example", "8.8.8.8", "[2A00::1]"});
  ASSERT_TRUE(hosts) << hosts.error().message;
  for (const char* host :
       {"photos.example.org", "a.cdn.example", "a.b.cdn.example", "8.8.8.8", "2a00::1"})
    EXPECT_TRUE(hosts->allow(host)) << host;
  for (const char* host :
       {"example.org", "a.photos.example.org", "cdn.example", "evilcdn.example", ".cdn.example",
        "cdn.example.evil", "8.8.4.4", "photos.example.org.evil"})
    EXPECT_FALSE(hosts->allow(host)) << host;
  EXPECT_TRUE(Hosts::make({"*"})->allow("anything.example"));
}

TEST(HostsTest, RefusesEntriesThatAreNoHosts) {
  for (const char* entry :
       {"", "*.", "*.*", "a.*", "*a", "http://a", "a/b", "a:80", "u@a", "*.1.2.3.4", "2130706433",
        "a b", "**", "a#", "a?b", "::1", "[::1]:80"}) {
    const auto hosts = Hosts::make({entry});
    ASSERT_FALSE(hosts) << entry;
    EXPECT_EQ(hosts.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(Hosts::make({}));
}

}  // namespace
}  // namespace visavis::fetch
