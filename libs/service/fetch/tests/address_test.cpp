#include "address.hpp"

#include <gtest/gtest.h>

namespace visavis::fetch {
namespace {

// First and last address of each range, and the neighbours that lie outside: computed by hand from
// IANA's registries of special-purpose addresses.
TEST(AddressTest, RefusesEverythingThatIsNotPublicV4) {
  for (const char* text :
       {"0.0.0.0",         "0.255.255.255",  "10.0.0.0",        "10.255.255.255", "100.64.0.0",
        "100.127.255.255", "127.0.0.1",      "127.255.255.255", "169.254.0.0",    "169.254.169.254",
        "169.254.255.255", "172.16.0.0",     "172.31.255.255",  "192.0.0.0",      "192.0.0.255",
        "192.0.2.0",       "192.0.2.255",    "192.88.99.1",     "192.168.0.0",    "192.168.255.255",
        "198.18.0.0",      "198.19.255.255", "198.51.100.7",    "203.0.113.255",  "224.0.0.0",
        "239.255.255.255", "240.0.0.0",      "255.255.255.254", "255.255.255.255"})
    EXPECT_FALSE(is_public(*parse_address(text))) << text;
  for (const char* text :
       {"1.0.0.0",         "9.255.255.255", "11.0.0.0",        "100.63.255.255",  "100.128.0.0",
        "126.255.255.255", "128.0.0.0",     "169.253.255.255", "169.255.0.0",     "172.15.255.255",
        "172.32.0.0",      "192.0.1.0",     "192.0.3.0",       "192.88.98.255",   "192.88.100.0",
        "192.167.255.255", "192.169.0.0",   "198.17.255.255",  "198.20.0.0",      "198.51.99.255",
        "198.51.101.0",    "203.0.112.255", "203.0.114.0",     "223.255.255.255", "8.8.8.8"})
    EXPECT_TRUE(is_public(*parse_address(text))) << text;
}

TEST(AddressTest, RefusesEverythingThatIsNotPublicV6) {
  for (const char* text : {"::",
                           "::1",
                           "::7f00:1",           // IPv4-compatible
                           "::ffff:127.0.0.1",   // IPv4-mapped
                           "::ffff:8.8.8.8",     // also of a public one
                           "::ffff:0:10.0.0.1",  // IPv4-translated
                           "64:ff9b::a00:1",     // NAT64 of 10.0.0.1
                           "64:ff9b:1::a00:1",   // NAT64, local
                           "100::1",             // discard
                           "2001::1",            // Teredo
                           "2001:0:5ef5:79fd:0:0:80ff:fffe",
                           "2001:2::1",   // benchmarks
                           "2001:10::1",  // ORCHID
                           "2001:20::1",  // ORCHIDv2
                           "2001:1ff:ffff::",
                           "2001:db8::1",    // documentation
                           "2002:a00:1::1",  // 6to4 of 10.0.0.1
                           "2002:808:808::1",
                           "2a00::5efe:a00:1",  // ISATAP of 10.0.0.1
                           "2a00::200:5efe:a00:1",
                           "3fff::1",  // documentation
                           "3fff:fff:ffff::",
                           "4000::1",  // not assigned
                           "fc00::1",  // unique local
                           "fdff::1",
                           "fe80::1",   // link-local
                           "fec0::1",   // site-local
                           "ff02::1"})  // multicast
    EXPECT_FALSE(is_public(*parse_address(text))) << text;
  for (const char* text :
       {"2000::1", "2001:200::1", "2001:4860:4860::8888", "2001:db7::1", "2001:db9::1", "2003::1",
        "2606:4700::1111", "2a00:1450::1", "3fff:1000::1", "2a00::6efe:a00:1"})
    EXPECT_TRUE(is_public(*parse_address(text))) << text;
}

TEST(AddressTest, ReadsOneWayOfWritingV4) {
  EXPECT_EQ(to_string(*parse_address("127.0.0.1")), "127.0.0.1");
  EXPECT_EQ(to_string(*parse_address("2A00:0:0::1")), "2a00::1");
  for (const char* text :
       {"", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.01", "127.0.0.1.",
        "256.0.0.1", " 127.0.0.1", "127.0.0.1 ", "fe80::1%eth0", "[::1]", "1:2", ":::"})
    EXPECT_FALSE(parse_address(text)) << text;
  EXPECT_FALSE(parse_address(std::string_view("127.0.0.1\0x", 11)));
}

}  // namespace
}  // namespace visavis::fetch
