/// The power fails at any write: what was acknowledged is there.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "changes.hpp"
#include "power_vfs.hpp"

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChanges = 30;
constexpr std::uint64_t kFailures = 60;
constexpr std::uint64_t kFailuresPerList = 10;

class PowerTest : public testing::Test {
 protected:
  PowerTest() : root_(fs::temp_directory_path() / ("visavis_power_" + std::to_string(::getpid()))) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~PowerTest() override { fs::remove_all(root_); }

  struct Run {
    std::size_t acknowledged = 0;
    std::size_t writes = 0;
  };

  /// @return how many changes were acknowledged; what a failure leaves is in "after"
  Run run(const std::vector<Change>& changes, const PowerVfs::Options& options,
          std::uint64_t seed) {
    fs::remove_all(root_ / "before");
    fs::remove_all(root_ / "after");
    // Made on a disk that does not fail: how a gallery gets its name is the kill test's matter.
    EXPECT_TRUE(open_gallery(root_ / "before", OpenMode::kCreate, {.key = key_}));
    PowerVfs disk(options);
    Run run;
    {
      const auto gallery = open_gallery(root_ / "before", OpenMode::kWrite, {.key = key_});
      while (gallery && run.acknowledged < changes.size() &&
             perform(changes[run.acknowledged], **gallery))
        ++run.acknowledged;
      run.writes = disk.writes();
      if (options.fails_at == 0) return run;
    }
    disk.leave(root_ / "after", seed);
    return run;
  }

  /// The first thing that is wrong in `kFailures` failures at seeded writes, or "".
  std::string fail_often(bool without_syncs) {
    std::vector<Change> changes;
    std::size_t writes = 0;
    for (std::uint64_t seed = 0; seed < kFailures; ++seed) {
      if (seed % kFailuresPerList == 0) {
        std::mt19937_64 random(seed);
        People planned;
        // The failing disk is SQLite's alone; chips would be on one that does not fail.
        changes = make_changes(random, planned, kChanges, Chips::kNone);
        writes = run(changes, {.without_syncs = without_syncs}, seed).writes;
        EXPECT_GT(writes, kChanges);
      }
      std::mt19937_64 moment(seed);
      const PowerVfs::Options options{.fails_at = 1 + moment() % writes,
                                      .without_syncs = without_syncs};
      const std::size_t done = run(changes, options, seed).acknowledged;
      People people;
      for (std::size_t i = 0; i < done; ++i) apply_change(changes[i], people);
      People next = people;
      if (done < changes.size()) apply_change(changes[done], next);
      People found;
      const std::string verdict = judge(root_ / "after", people, next, key_, found);
      if (!verdict.empty()) return "seed " + std::to_string(seed) + ": " + verdict;
    }
    return {};
  }

  fs::path root_;
  SomeKey key_;
};

TEST_F(PowerTest, NothingAcknowledgedIsLost) { EXPECT_EQ(fail_often(false), ""); }

TEST_F(PowerTest, NothingAcknowledgedIsLostOfAnEncryptedGallery) {
  key_ = make_key();
  EXPECT_EQ(fail_often(false), "");
}

TEST_F(PowerTest, FindsTheLossWhereNothingIsSynced) {
  EXPECT_NE(fail_often(true), "") << "or this test would see no loss at all";
}

}  // namespace
}  // namespace visavis::gallery
