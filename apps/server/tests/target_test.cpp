#include "target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

namespace visavis::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(Target, IsSplitBeforeItIsDecoded) {
  Request request;
  ASSERT_TRUE(split_target("/v1/a%2Fb/%c3%a4?x=1+2&y=%26&z&=q&x=3#f", request));
  EXPECT_EQ(request.path, "/v1/a%2Fb/%c3%a4");
  EXPECT_THAT(request.segments, ElementsAre("v1", "a/b", "\xc3\xa4"));
  EXPECT_THAT(request.query,
              ElementsAre(Pair("", "q"), Pair("x", "3"), Pair("y", "&"), Pair("z", "")));
}

TEST(Target, SlashesCount) {
  Request root;
  ASSERT_TRUE(split_target("/", root));
  EXPECT_THAT(root.segments, IsEmpty());
  Request closed;
  ASSERT_TRUE(split_target("/a/", closed));
  EXPECT_THAT(closed.segments, ElementsAre("a", ""));
}

TEST(Target, MayBeAbsolute) {
  Request request;
  ASSERT_TRUE(split_target("http://host:80/a?b=c", request));
  EXPECT_THAT(request.segments, ElementsAre("a"));
  EXPECT_THAT(request.query, ElementsAre(Pair("b", "c")));
}

TEST(Target, WhatLeadsElsewhereIsNone) {
  for (const std::string_view target :
       {"", "a", "*", "http://x", "ftp://x/", "/..", "/a/../b", "/%2e%2e/a", "/.", "/%", "/%2",
        "/%zz", "/%00", "/%0a", "/%ff", "/%c0%af", "/?%", "/?a=%ff", "/?a=%00"}) {
    Request request;
    EXPECT_FALSE(split_target(target, request)) << target;
  }
}

}  // namespace
}  // namespace visavis::server
