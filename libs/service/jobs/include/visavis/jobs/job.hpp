#pragma once

/// What is known of a job: work over many items that takes longer than a request may.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::jobs {

enum class JobState : std::uint8_t { kQueued, kRunning, kDone, kFailed, kCancelled };

/// "queued", "running", "done", "failed", "cancelled".
[[nodiscard]] std::string_view to_string(JobState state) noexcept;
[[nodiscard]] constexpr bool has_ended(JobState state) noexcept { return state >= JobState::kDone; }

/// done = succeeded + refused + failed.
struct JobProgress {
  std::optional<std::uint64_t> total{};  ///< As soon as it is known.
  std::uint64_t done = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t refused = 0;  ///< An answer: no face, low quality, …
  std::uint64_t failed = 0;   ///< Could not be read, fetched, …

  bool operator==(const JobProgress&) const = default;
};

/// Times are seconds.
struct Job {
  std::string id;  ///< 32 hexadecimal digits.
  std::string tenant;
  std::string kind;        ///< "import_zip", …: whoever runs jobs tells them apart by it.
  std::string key;         ///< Id of the key that made it; may be empty.
  std::string parameters;  ///< JSON text, for whoever runs it.
  JobState state = JobState::kQueued;
  std::int64_t created = 0;
  std::optional<std::int64_t> started{};
  std::optional<std::int64_t> ended{};
  JobProgress progress{};
  bool cancelling = false;  ///< It is to end before its next item.
  std::string message{};    ///< Why it failed as a whole.

  bool operator==(const Job&) const = default;
};

struct NewJob {
  std::string tenant;
  std::string kind;
  std::string key;
  std::string parameters;  ///< UTF-8, at most 64 KiB.
};

enum class ItemResult : std::uint8_t { kSucceeded, kRefused, kFailed };

/// "succeeded", "refused", "failed".
[[nodiscard]] std::string_view to_string(ItemResult result) noexcept;
[[nodiscard]] std::optional<ItemResult> parse_item_result(std::string_view text) noexcept;

/// What became of one item. Texts are cut at 500 bytes, and what is not UTF-8 in them is replaced.
struct ItemOutcome {
  std::uint64_t item = 0;  ///< From 0.
  ItemResult result = ItemResult::kSucceeded;
  std::string label{};    ///< For people: a file's name, a URL.
  std::string reason{};   ///< "no_face", "decode_failed", … Empty for a success.
  std::string message{};  ///< One sentence for a person.
  std::string person{};   ///< Ids of what came to be.
  std::string face{};

  bool operator==(const ItemOutcome&) const = default;
};

/// Of all tenants.
struct JobCounts {
  std::size_t queued = 0;
  std::size_t running = 0;
};

struct OutcomePage {
  std::vector<ItemOutcome> outcomes;  ///< In the order of the items.
  /// Where the next page begins; empty at the end of what there is so far. A page may hold fewer
  /// than were asked for, even none, and have a next one: a call reads at most 4 MiB.
  std::string next;
};

}  // namespace visavis::jobs
