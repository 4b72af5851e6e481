/// A process that is killed at any instant, by SIGKILL: what it acknowledged is there, what it
/// acknowledged as removed is not.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "changes.hpp"

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChanges = 40;  // more than any child gets through before it is killed
constexpr int kKills = 60;
constexpr int kRoundsPerGallery = 6;  // the first of them may be killed while it is being made

int kills() {
  const char* text = std::getenv("VISAVIS_KILLS");
  return text == nullptr ? kKills : std::max(1, std::atoi(text));
}

/// The child's whole life. A byte goes to the pipe when something is acknowledged, the first one
/// for the open gallery.
[[noreturn]] void work(const fs::path& folder, const std::vector<Change>& changes,
                       const SomeKey& key, int pipe) {
  const char byte = '+';
  const auto gallery = open_gallery(folder, OpenMode::kCreate, {.index_file_from = 0, .key = key});
  if (!gallery) ::_exit(2);
  if (::write(pipe, &byte, 1) != 1) ::_exit(3);
  for (const Change& change : changes) {
    if (!perform(change, **gallery)) ::_exit(4);
    if (::write(pipe, &byte, 1) != 1) ::_exit(3);
  }
  for (;;) ::pause();
}

struct Killed {
  std::size_t acknowledged = 0;  ///< Bytes that came.
  int status = 0;
};

/// Runs `changes` in a child, which dies `delay` after its `wanted`th acknowledgement.
Killed run_and_kill(const fs::path& folder, const std::vector<Change>& changes, std::size_t wanted,
                    std::chrono::microseconds delay, const SomeKey& key) {
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    work(folder, changes, key, ends[1]);
  }
  ::close(ends[1]);
  Killed killed;
  char byte = 0;
  while (killed.acknowledged < wanted && ::read(ends[0], &byte, 1) == 1) ++killed.acknowledged;
  std::this_thread::sleep_for(delay);
  ::kill(child, SIGKILL);
  ::waitpid(child, &killed.status, 0);
  while (::read(ends[0], &byte, 1) == 1) ++killed.acknowledged;
  ::close(ends[0]);
  return killed;
}

void kill_often(const SomeKey& key) {
  const fs::path folder =
      fs::temp_directory_path() / ("visavis_kill_" + std::to_string(::getpid()));
  People people;
  std::vector<std::string> gone;
  std::vector<std::string> ever;
  std::size_t total = 0;
  for (int round = 0; round < kills(); ++round) {
    std::mt19937_64 random(static_cast<std::uint64_t>(round));
    if (round % kRoundsPerGallery == 0) {
      fs::remove_all(folder);
      people.clear();
      gone.clear();
      ever.clear();
    }
    People planned = people;
    const std::vector<Change> changes = make_changes(random, planned, kChanges, Chips::kSome);
    const std::size_t wanted = random() % 12;
    const std::chrono::microseconds delay(random() % 4000);
    const Killed killed = run_and_kill(folder, changes, wanted, delay, key);
    ASSERT_TRUE(WIFSIGNALED(killed.status))
        << "round " << round << ": the child failed by itself, " << WEXITSTATUS(killed.status);
    if (key && fs::exists(folder)) {
      for (const Change& change : changes)
        std::ranges::copy(marks(change), std::back_inserter(ever));
      EXPECT_EQ(count_traces(folder, ever), 0U) << "round " << round << ": something is in clear";
    }
    if (killed.acknowledged == 0 && !fs::exists(folder / "gallery.sqlite")) continue;
    const std::size_t done = killed.acknowledged == 0 ? 0 : killed.acknowledged - 1;
    total += done;
    for (std::size_t i = 0; i < done; ++i) {
      apply_change(changes[i], people);
      const auto needles = traces(changes[i]);
      gone.insert(gone.end(), needles.begin(), needles.end());
    }
    EXPECT_EQ(count_traces(folder, gone, key), 0U)
        << "round " << round << ": removed bytes are there";
    People next = people;
    if (killed.acknowledged > 0 && done < changes.size()) apply_change(changes[done], next);
    People found;
    ASSERT_EQ(judge(folder, people, next, key, found), "") << "round " << round;
    if (found != people) {
      const auto needles = traces(changes[done]);
      gone.insert(gone.end(), needles.begin(), needles.end());
    }
    people = std::move(found);
    EXPECT_EQ(count_traces(folder, gone, key), 0U)
        << "round " << round << ": bytes of a removal that the opening finished";
  }
  EXPECT_GT(total, static_cast<std::size_t>(kills())) << "the children get nothing done";
  if (key) {
    std::vector<std::string> kept;
    for (const auto& [person, faces] : people)
      std::ranges::copy(marks({.faces = faces}), std::back_inserter(kept));
    EXPECT_EQ(count_traces(folder, kept), 0U);
    EXPECT_GT(count_traces(folder, kept, key), 0U) << "or nothing was looked for in the index";
  }
  fs::remove_all(folder);
}

TEST(KillTest, NothingAcknowledgedIsLostAndNothingRemovedComesBack) { kill_often(nullptr); }

TEST(KillTest, TheSameOfAnEncryptedGalleryAndNothingIsEverInClear) { kill_often(make_key()); }

}  // namespace
}  // namespace visavis::gallery
