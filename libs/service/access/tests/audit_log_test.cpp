#include "visavis/access/audit_log.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>
#include <visavis/tests/folder_test.hpp>

namespace visavis::access {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kNow = 1'795'741'200;  // 2026-11-27T01:00:00Z

AuditEntry entry(int number, std::string tenant = "main") {
  return {.time = kNow + number,
          .request = "r" + std::to_string(number),
          .tenant = std::move(tenant),
          .key = "0123456789abcdef",
          .action = "face.enrol",
          .gallery = "door",
          .person = "p1",
          .face = "7",
          .outcome = "ok"};
}

class AuditLogTest : public tests::FolderTest {
 protected:
  [[nodiscard]] AuditLog open(const AuditOptions& options = {}) {
    auto log = AuditLog::open(audit_, options, [this](LogLevel, std::string_view message) {
      told_.emplace_back(message);
    });
    EXPECT_TRUE(log) << log.error().message;
    return *std::move(log);
  }
  [[nodiscard]] fs::path file(int number) const {
    return audit_ / ("audit-0000000" + std::to_string(number) + ".jsonl");
  }
  [[nodiscard]] std::string text(int number = 1) const {
    std::ifstream in(file(number), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// All that there is, page by page.
  static std::vector<std::string> requests(const AuditLog& log, std::optional<std::string> tenant,
                                           std::size_t most) {
    std::vector<std::string> found;
    std::string cursor;
    do {
      const auto page = log.list(tenant, cursor, most);
      EXPECT_TRUE(page) << page.error().message;
      if (!page) break;
      EXPECT_LE(page->entries.size(), most);
      for (const AuditEntry& one : page->entries) found.push_back(one.request);
      cursor = page->next;
    } while (!cursor.empty());
    return found;
  }
  static std::vector<std::string> expected(int from, int to) {
    std::vector<std::string> list;
    for (int i = from; i >= to; --i) list.push_back("r" + std::to_string(i));
    return list;
  }

  fs::path audit_ = folder_ / "audit";
  std::vector<std::string> told_;
};

TEST_F(AuditLogTest, WritesOneObjectALine) {
  AuditLog log = open();
  ASSERT_TRUE(log.append(entry(1)));
  ASSERT_TRUE(log.append({.time = kNow, .action = "key.create"}, Durable::kLater));
  EXPECT_EQ(text(),
            R"({"time":"2026-11-27T01:00:01Z","request":"r1","tenant":"main",)"
            R"("key":"0123456789abcdef","action":"face.enrol","gallery":"door","person":"p1",)"
            R"("face":"7","outcome":"ok"})"
            "\n"
            R"({"time":"2026-11-27T01:00:00Z","action":"key.create"})"
            "\n");
  struct stat facts{};
  ASSERT_EQ(::stat(file(1).c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(audit_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0700U);
}

TEST_F(AuditLogTest, ListsNewestFirstAndByTenant) {
  AuditLog log = open();
  EXPECT_TRUE(log.list({})->entries.empty());
  for (int i = 1; i <= 20; ++i) ASSERT_TRUE(log.append(entry(i, i % 2 == 0 ? "even" : "odd")));
  EXPECT_EQ(log.list({})->entries.front(), entry(20, "even"));
  for (const std::size_t most : {1U, 3U, 20U, 1000U})
    EXPECT_EQ(requests(log, {}, most), expected(20, 1)) << most;
  const auto even = requests(log, "even", 3);
  ASSERT_EQ(even.size(), 10U);
  EXPECT_EQ(even.front(), "r20");
  EXPECT_EQ(even.back(), "r2");
  EXPECT_TRUE(requests(log, "eve", 5).empty());
  EXPECT_TRUE(requests(log, "", 5).empty());
}

TEST_F(AuditLogTest, ATenantIsNoPartOfAnotherField) {
  AuditLog log = open();
  AuditEntry sly = entry(1, "b");
  sly.request = R"("tenant":"a")";
  sly.outcome = R"(","tenant":"a")";
  ASSERT_TRUE(log.append(sly));
  EXPECT_TRUE(log.list("a")->entries.empty());
  EXPECT_EQ(log.list("b")->entries.front(), sly);
}

TEST_F(AuditLogTest, OddTextsStayOneLine) {
  AuditLog log = open();
  AuditEntry odd = entry(1);
  odd.request = "a\nb\r\0c\xFF\"\\";
  odd.person = std::string(5000, 'x');
  odd.face = std::string(500, '\x01');
  ASSERT_TRUE(log.append(odd));
  ASSERT_TRUE(log.append(entry(2)));
  EXPECT_EQ(std::ranges::count(text(), '\n'), 2);
  const auto page = log.list("main");
  ASSERT_EQ(page->entries.size(), 2U);
  EXPECT_EQ(page->entries[1].person, std::string(200, 'x'));
  EXPECT_EQ(page->damaged, 0U);
}

TEST_F(AuditLogTest, PagesStayRightWhileItGrowsAndTurns) {
  AuditLog log = open({.max_file_bytes = 4096, .kept_files = 100});
  for (int i = 1; i <= 200; ++i) ASSERT_TRUE(log.append(entry(i), Durable::kLater));
  auto page = log.list({}, {}, 7);
  std::vector<std::string> found;
  for (int i = 201; page; ++i) {
    for (const AuditEntry& one : page->entries) found.push_back(one.request);
    if (page->next.empty()) break;
    for (int k = 0; k < 5; ++k) ASSERT_TRUE(log.append(entry(1000 + i), Durable::kLater));
    page = log.list({}, page->next, 7);
  }
  EXPECT_EQ(found, expected(200, 1));
}

TEST_F(AuditLogTest, KeepsSoManyFilesOfSuchASize) {
  AuditLog log = open({.max_file_bytes = 4096, .kept_files = 3});
  for (int i = 1; i <= 500; ++i) ASSERT_TRUE(log.append(entry(i), Durable::kLater));
  std::vector<fs::path> files;
  for (const auto& one : fs::directory_iterator(audit_)) {
    if (one.path().filename() == "lock") continue;
    EXPECT_LE(one.file_size(), 4096U);
    files.push_back(one.path());
  }
  EXPECT_EQ(files.size(), 3U);
  const auto kept = requests(log, {}, 10);
  EXPECT_GT(kept.size(), 40U);
  EXPECT_EQ(kept, expected(500, 500 - static_cast<int>(kept.size()) + 1));
}

TEST_F(AuditLogTest, ACursorOfADeletedFileGoesOnWithWhatIsThere) {
  AuditLog log = open({.max_file_bytes = 4096, .kept_files = 100});
  for (int i = 1; i <= 100; ++i) ASSERT_TRUE(log.append(entry(i), Durable::kLater));
  fs::remove(file(2));
  const auto page = log.list({}, "2.100", 1000);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->entries.back().request, "r1");
  EXPECT_TRUE(page->next.empty());
}

TEST_F(AuditLogTest, GoesOnBehindATornLineAndTells) {
  {
    AuditLog log = open();
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(log.append(entry(i)));
  }
  EXPECT_TRUE(told_.empty());
  fs::resize_file(file(1), fs::file_size(file(1)) - 20);  // what a power failure may leave
  AuditLog log = open();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_TRUE(told_.front().contains("torn"));
  ASSERT_TRUE(log.append(entry(4)));
  const auto page = log.list({});
  ASSERT_EQ(page->entries.size(), 3U);
  EXPECT_EQ(page->entries[0].request, "r4");
  EXPECT_EQ(page->entries[1].request, "r2");
  EXPECT_EQ(page->damaged, 1U);
}

TEST_F(AuditLogTest, ReadsOverGarbage) {
  {
    AuditLog log = open();
    ASSERT_TRUE(log.append(entry(1)));
  }
  std::ofstream(file(1), std::ios::app) << "\n\n[1]\n{}\n{\"time\":5}\n"
                                        << R"({"time":"2026-11-27T01:00:00Z","tenant":7})" << "\n"
                                        << std::string(300'000, '[') << "\n"
                                        << std::string(100'000, '\0') << "\n";
  AuditLog log = open();
  ASSERT_TRUE(log.append(entry(2)));
  const auto page = log.list({});
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->entries.size(), 2U);
  EXPECT_EQ(page->entries[1].request, "r1");
  EXPECT_GE(page->damaged, 6U);
}

TEST_F(AuditLogTest, ReadsABoundedPartAtATime) {
  {
    AuditLog log = open();
    ASSERT_TRUE(log.append(entry(1, "rare")));
  }
  {
    std::ofstream out(file(1), std::ios::app);
    const std::string line = R"({"time":"2026-11-27T01:00:00Z","tenant":"busy","request":")" +
                             std::string(100, 'x') + "\"}\n";
    for (std::size_t bytes = 0; bytes < (std::size_t{20} << 20U); bytes += line.size()) out << line;
  }
  const AuditLog log = open();
  const auto first = log.list("rare");
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->entries.empty());
  EXPECT_FALSE(first->next.empty());
  EXPECT_EQ(requests(log, "rare", 10), expected(1, 1));
}

TEST_F(AuditLogTest, AFullDiskIsTold) {
  AuditLog log = open();
  ASSERT_TRUE(log.append(entry(1)));
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &usual), 0);
  rlimit tight = usual;
  tight.rlim_cur = fs::file_size(file(1)) + 30;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto refused = log.append(entry(2));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &usual), 0);
  ::signal(SIGXFSZ, before);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(log.append(entry(3)));
  const auto page = log.list({});
  ASSERT_EQ(page->entries.size(), 2U);
  EXPECT_EQ(page->entries[0].request, "r3");
  EXPECT_EQ(page->damaged, 1U);
}

TEST_F(AuditLogTest, WhatWasAppendedSurvivesAKill) {
  for (int round = 0; round < 5; ++round) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto log = AuditLog::open(audit_, {.max_file_bytes = 4096, .kept_files = 1000});
      for (int i = 0; log; ++i) {
        if (!log->append(entry(i), i % 8 == 0 ? Durable::kNow : Durable::kLater)) break;
        if (::write(ends[1], "x", 1) != 1) break;
      }
      ::_exit(1);
    }
    ::close(ends[1]);
    // A byte came for each entry whose append had returned.
    std::array<char, 64> bytes{};
    std::size_t acknowledged = 0;
    const std::size_t enough = 100 + 37 * static_cast<std::size_t>(round);
    for (ssize_t n = 0; (n = ::read(ends[0], bytes.data(), bytes.size())) > 0;) {
      acknowledged += static_cast<std::size_t>(n);
      if (acknowledged >= enough) ::kill(child, SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    // Entries of this round: those before the first "r0", newest first.
    const AuditLog log = open({.max_file_bytes = 4096, .kept_files = 1000});
    const auto all = requests(log, {}, 100);
    const auto mine = std::ranges::find(all, "r0") - all.begin() + 1;
    EXPECT_GE(static_cast<std::size_t>(mine), acknowledged) << "round " << round;
    EXPECT_EQ(std::vector(all.begin(), all.begin() + mine),
              expected(static_cast<int>(mine) - 1, 0));
  }
}

TEST_F(AuditLogTest, ThreadsMayUseItTogether) {
  AuditLog log = open({.max_file_bytes = 8192, .kept_files = 1000});
  {
    std::vector<std::jthread> writers;
    for (int t = 0; t < 4; ++t)
      writers.emplace_back([&log, t] {
        for (int i = 0; i < 50; ++i)
          EXPECT_TRUE(log.append(entry(t * 50 + i), i % 5 == 0 ? Durable::kNow : Durable::kLater));
      });
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(log.list({}, {}, 10));
  }
  auto all = requests(log, {}, 30);
  EXPECT_EQ(all.size(), 200U);
  std::ranges::sort(all);
  EXPECT_TRUE(std::ranges::unique(all).empty());
}

TEST_F(AuditLogTest, RefusesWhatItCannotDo) {
  AuditLog log = open();
  ASSERT_TRUE(log.append(entry(1)));
  EXPECT_EQ(AuditLog::open(audit_).error().code, ErrorCode::kUnavailable);
  for (const char* bad : {"1", "1.", ".1", "a.b", "1.1.1", "-1.0", "9.0", "1.999999", " 1.0",
                          "99999999999999999999999.1"}) {
    const auto page = log.list({}, bad);
    ASSERT_FALSE(page) << bad;
    EXPECT_EQ(page.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(log.list({}, {}, 0));
  EXPECT_FALSE(log.list({}, {}, 1001));
  EXPECT_EQ(AuditLog::open(folder_ / "x", {.max_file_bytes = 10}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(AuditLog::open(folder_ / "x", {.kept_files = 0}).error().code,
            ErrorCode::kInvalidArgument);
  std::ofstream(folder_ / "file") << "x";
  EXPECT_EQ(AuditLog::open(folder_ / "file").error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace visavis::access
