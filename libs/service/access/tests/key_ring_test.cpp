#include "visavis/access/key_ring.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/tests/folder_test.hpp>

#include "key_file.hpp"

namespace visavis::access {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNow = 1'795'741'200;  // 2026-11-27T01:00:00Z

class KeyRingTest : public tests::FolderTest {
 protected:
  [[nodiscard]] KeyRing open() const {
    auto ring = KeyRing::open(file_);
    EXPECT_TRUE(ring) << ring.error().message;
    return *std::move(ring);
  }
  [[nodiscard]] std::string text() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& text) const {
    std::ofstream(file_, std::ios::binary) << text;
    fs::permissions(file_, fs::perms::owner_read | fs::perms::owner_write);
  }

  fs::path file_ = folder_ / "keys.json";
};

TEST_F(KeyRingTest, WhatIsMadeIsFoundAlsoAfterARestart) {
  std::string secret;
  {
    KeyRing ring = open();
    EXPECT_TRUE(ring.is_empty());
    const auto made = ring.make({"main", Scope::kAdmin, "first key", {}}, kNow);
    ASSERT_TRUE(made) << made.error().message;
    secret = made->secret;
    EXPECT_FALSE(ring.is_empty());
    EXPECT_EQ(ring.find(secret, kNow)->id, made->facts.id);
  }
  const KeyRing ring = open();
  EXPECT_FALSE(ring.is_empty());
  const auto found = ring.find(secret, kNow);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tenant, "main");
  EXPECT_EQ(found->scope, Scope::kAdmin);
  EXPECT_EQ(found->note, "first key");
  EXPECT_EQ(found->created, kNow);
  EXPECT_FALSE(found->expires);
}

TEST_F(KeyRingTest, TheSecretHas256BitsAndIsNotInTheFile) {
  KeyRing ring = open();
  std::set<std::string> secrets;
  for (int i = 0; i < 20; ++i) {
    const auto made = ring.make({"main", Scope::kRead, "", {}}, kNow);
    ASSERT_TRUE(made);
    const std::string body = made->secret.substr(3);
    EXPECT_EQ(made->secret.substr(0, 3), "vv_");
    EXPECT_EQ(body.size(), 43U);  // 256 bits, 6 a character
    EXPECT_EQ(
        body.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "-_"),
        body.npos);
    EXPECT_FALSE(text().contains(body));
    EXPECT_TRUE(text().contains(to_hex(sha256(made->secret))));
    EXPECT_TRUE(secrets.insert(made->secret).second);
  }
  struct stat facts{};
  ASSERT_EQ(::stat(file_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
}

TEST_F(KeyRingTest, FindsNothingElse) {
  KeyRing ring = open();
  const std::string secret = ring.make({"main", Scope::kRead, "", {}}, kNow)->secret;
  EXPECT_TRUE(ring.find(secret, kNow));
  for (std::size_t i = 0; i < secret.size(); ++i) {
    std::string other = secret;
    other[i] = other[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(ring.find(other, kNow)) << i;
  }
  EXPECT_FALSE(ring.find("", kNow));
  EXPECT_FALSE(ring.find(secret + "a", kNow));
  EXPECT_FALSE(ring.find(secret.substr(0, 45), kNow));
  EXPECT_FALSE(ring.find(to_hex(sha256(secret)), kNow)) << "the stored hash is no key";
  EXPECT_FALSE(ring.find(std::string(10'000'000, 'a'), kNow));
}

TEST_F(KeyRingTest, ExpiredKeysOpenNothing) {
  KeyRing ring = open();
  const std::string secret = ring.make({"main", Scope::kRead, "", kNow + 10}, kNow)->secret;
  EXPECT_TRUE(ring.find(secret, kNow + 9));
  EXPECT_FALSE(ring.find(secret, kNow + 10));
  EXPECT_EQ(ring.list("main").size(), 1U) << "but they are told";
  EXPECT_EQ(ring.make({"main", Scope::kRead, "", kNow}, kNow).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(KeyRingTest, TenantsSeeAndRemoveTheirOwn) {
  KeyRing ring = open();
  const auto a = ring.make({"a", Scope::kAdmin, "", {}}, kNow);
  const auto b = ring.make({"b", Scope::kAdmin, "", {}}, kNow);
  ASSERT_EQ(ring.list("a").size(), 1U);
  EXPECT_EQ(ring.list("a").front().id, a->facts.id);
  EXPECT_TRUE(ring.list("c").empty());
  EXPECT_EQ(ring.remove("a", b->facts.id).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(ring.find(b->secret, kNow));
  EXPECT_TRUE(ring.remove("b", b->facts.id));
  EXPECT_FALSE(ring.find(b->secret, kNow));
  EXPECT_EQ(ring.remove("b", b->facts.id).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(text().contains(b->facts.id));
}

TEST_F(KeyRingTest, ADamagedFileIsAnErrorAndStaysAsItIs) {
  (void)open().make({"main", Scope::kAdmin, "n", kNow + 5}, kNow);
  const std::string whole = text();
  std::vector<std::string> damaged{"",
                                   "[]",
                                   "null",
                                   "{}",
                                   whole.substr(0, whole.size() / 2),
                                   whole + "x",
                                   R"({"schema":"visavis.keys/1"})"};
  const auto change = [&](const std::function<void(nlohmann::json&)>& with) {
    auto json = nlohmann::json::parse(whole);
    with(json);
    damaged.push_back(json.dump());
  };
  change([](auto& j) { j["schema"] = "visavis.keys/2"; });
  change([](auto& j) { j["keys"] = nullptr; });
  change([](auto& j) { j["more"] = 1; });
  change([](auto& j) { j["keys"].push_back(j["keys"][0]); });
  change([](auto& j) { j["keys"][0]["scope"] = "root"; });
  change([](auto& j) { j["keys"][0]["tenant"] = "../x"; });
  change([](auto& j) { j["keys"][0]["sha256"] = "00"; });
  change([](auto& j) { j["keys"][0]["expires"] = 5; });
  change([](auto& j) { j["keys"][0]["expires"] = "tomorrow"; });
  change([](auto& j) { j["keys"][0]["note"] = "a\nb"; });
  change([](auto& j) { j["keys"][0]["extra"] = true; });
  for (const char* field : {"id", "tenant", "scope", "note", "created", "sha256"})
    change([&](auto& j) { j["keys"][0].erase(field); });
  for (const std::string& text_now : damaged) {
    write(text_now);
    const auto ring = KeyRing::open(file_);
    ASSERT_FALSE(ring) << text_now;
    EXPECT_EQ(ring.error().code, ErrorCode::kDecodeFailed);
    EXPECT_TRUE(ring.error().message.starts_with("the key file ")) << ring.error().message;
    EXPECT_EQ(text(), text_now);
  }
  write(whole);
  EXPECT_EQ(open().list("main").size(), 1U);
}

TEST_F(KeyRingTest, RefusesAFileThatOthersMayReadOrChange) {
  (void)open().make({"main", Scope::kAdmin, "", {}}, kNow);
  for (const fs::perms others :
       {fs::perms::group_read, fs::perms::others_write, fs::perms::others_read}) {
    fs::permissions(file_, fs::perms::owner_read | fs::perms::owner_write | others);
    const auto ring = KeyRing::open(file_);
    ASSERT_FALSE(ring);
    EXPECT_EQ(ring.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(ring.error().message.contains("chmod 600"));
  }
}

TEST_F(KeyRingTest, OneProcessAtATime) {
  const KeyRing ring = open();
  EXPECT_EQ(KeyRing::open(file_).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(KeyRing::open(folder_ / "none" / "keys.json").error().code, ErrorCode::kUnavailable);
}

TEST_F(KeyRingTest, WhatCannotBeWrittenDoesNotHold) {
  KeyRing ring = open();
  const auto kept = ring.make({"main", Scope::kAdmin, "", {}}, kNow);
  fs::remove(file_);
  fs::create_directory(file_);  // nothing can take its place
  EXPECT_FALSE(ring.make({"main", Scope::kRead, "", {}}, kNow));
  EXPECT_FALSE(ring.remove("main", kept->facts.id));
  EXPECT_EQ(ring.list("main").size(), 1U);
  EXPECT_TRUE(ring.find(kept->secret, kNow));
}

TEST_F(KeyRingTest, RefusesWhatNoKeyCanBe) {
  KeyRing ring = open();
  const std::vector<NewKey> keys{{"", Scope::kRead, "", {}},
                                 {"Main", Scope::kRead, "", {}},
                                 {"main", Scope::kRead, std::string(201, 'a'), {}},
                                 {"main", Scope::kRead, "a\tb", {}},
                                 {"main", Scope::kRead, "\xFF", {}},
                                 {"main", Scope::kRead, "", kNow - 1},
                                 {"main", Scope::kRead, "", std::int64_t{1} << 60U}};
  for (const NewKey& key : keys) {
    const auto made = ring.make(key, kNow);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(ring.is_empty());
  EXPECT_TRUE(ring.make({"main", Scope::kRead, "quoted \" and \\ and \u00e9", {}}, kNow));
  ring = KeyRing(std::move(ring));
  EXPECT_EQ(ring.list("main").front().note, "quoted \" and \\ and \u00e9");
}

TEST_F(KeyRingTest, HoldsABoundedNumberThatFitsItsFile) {
  std::vector<KeptKey> keys(KeyRing::kMaxKeys);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::string id = std::to_string(i);
    id.insert(0, 16 - id.size(), '0');
    keys[i] = {{id, std::string(63, 'a'), Scope::kRead, std::string(200, '"'), kNow, kNow + 5},
               sha256(id)};
  }
  write(to_key_file(keys));
  KeyRing ring = open();
  EXPECT_EQ(ring.make({"main", Scope::kRead, "", {}}, kNow).error().code,
            ErrorCode::kResourceExhausted);
  EXPECT_TRUE(ring.remove(std::string(63, 'a'), "0000000000000007"));
  EXPECT_TRUE(ring.make({"main", Scope::kRead, "", {}}, kNow));
}

TEST_F(KeyRingTest, ThreadsMayUseItTogether) {
  KeyRing ring = open();
  const std::string secret = ring.make({"main", Scope::kRead, "", {}}, kNow)->secret;
  std::atomic<int> missed = 0;
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 3; ++i)
      readers.emplace_back([&] {
        for (int k = 0; k < 500; ++k)
          if (!ring.find(secret, kNow)) ++missed;
      });
    for (int k = 0; k < 10; ++k) {
      const auto made = ring.make({"other", Scope::kRead, "", {}}, kNow);
      ASSERT_TRUE(made);
      EXPECT_TRUE(ring.remove("other", made->facts.id));
    }
  }
  EXPECT_EQ(missed, 0);
}

TEST(ScopeTest, EachIncludesThoseBeforeIt) {
  using enum Scope;
  EXPECT_TRUE(allows(kAdmin, kEnrol) && allows(kAdmin, kRead) && allows(kEnrol, kRead));
  EXPECT_TRUE(allows(kRead, kRead) && allows(kEnrol, kEnrol) && allows(kAdmin, kAdmin));
  EXPECT_FALSE(allows(kRead, kEnrol) || allows(kRead, kAdmin) || allows(kEnrol, kAdmin));
  for (const Scope scope : {kRead, kEnrol, kAdmin}) EXPECT_EQ(parse_scope(to_string(scope)), scope);
  EXPECT_FALSE(parse_scope("Admin") || parse_scope(""));
}

TEST(TenantTest, IsASlug) {
  for (const char* good : {"a", "0", "main", "door-2", "a_b", "a--"}) EXPECT_TRUE(is_tenant(good));
  EXPECT_TRUE(is_tenant(std::string(63, 'a')));
  for (const char* bad : {"", "-a", "_a", "A", "a.b", "..", "a/b", "a b", "\xC3\xA9", "a\n"})
    EXPECT_FALSE(is_tenant(bad)) << bad;
  EXPECT_FALSE(is_tenant(std::string(64, 'a')));
  EXPECT_FALSE(is_tenant(std::string("a\0b", 3)));
}

}  // namespace
}  // namespace visavis::access
