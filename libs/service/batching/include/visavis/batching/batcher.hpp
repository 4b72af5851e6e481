#pragma once

/// Work of many callers, done in batches by few workers.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace visavis::batching {

using Clock = std::chrono::steady_clock;

struct BatcherOptions {
  std::size_t max_batch = 8;      ///< At least 1.
  std::size_t max_waiting = 256;  ///< Pieces of work that no worker has taken.
  std::size_t workers = 1;        ///< Who share what waits; threads in `serve`.
};

/// Why a piece of work was not done.
enum class Refusal : std::uint8_t {
  kFull,    ///< Too much waits already; trying again may help.
  kLate,    ///< Its deadline passed before a worker came to it.
  kClosed,  ///< The batcher takes no more.
};

struct BatcherStats {
  std::size_t waiting = 0;
  std::size_t max_waiting = 0;           ///< Since the beginning.
  std::uint64_t full = 0;                ///< Refused as kFull.
  std::uint64_t late = 0;                ///< Refused as kLate.
  std::vector<std::uint64_t> batches{};  ///< Done so far, by size; [0] is unused.
};

/// Thread-safe. Whoever destroys it has closed it and joined workers and callers.
///
///     Batcher<Image, Faces> batcher({.workers = 2});
///     std::jthread worker([&] { batcher.serve([&](std::span<Image> images) { return …; }); });
///     auto faces = batcher.submit(image, Clock::now() + 5s);
template <class In, class Out>
class Batcher {
 public:
  explicit Batcher(const BatcherOptions& options)
      : options_(options), batches_(options.max_batch + 1, 0) {}

  /// Waits until the work is done or refused.
  [[nodiscard]] std::expected<Out, Refusal> submit(In input, Clock::time_point deadline) {
    Piece piece{.input = std::move(input), .deadline = deadline};
    std::unique_lock lock(mutex_);
    if (closed_) return std::unexpected(Refusal::kClosed);
    if (waiting_.size() >= options_.max_waiting) {
      ++full_;
      return std::unexpected(Refusal::kFull);
    }
    waiting_.push_back(&piece);
    most_waiting_ = std::max(most_waiting_, waiting_.size());
    work_.notify_one();
    const auto over = [&] { return piece.state == State::kDone; };
    if (!piece.changed.wait_until(lock, deadline, over) && piece.state == State::kWaiting) {
      std::erase(waiting_, &piece);
      ++late_;
      return std::unexpected(Refusal::kLate);
    }
    piece.changed.wait(lock, over);
    if (!piece.output) return std::unexpected(Refusal::kLate);
    return *std::move(piece.output);
  }

  /// Does work on the calling thread until the batcher is closed and nothing waits.
  /// @param work  from std::span<In> to std::vector<Out>, one for each in their order; must not
  /// throw.
  template <class Work>
  void serve(const Work& work) {
    for (std::vector<Piece*> batch = take(); !batch.empty(); batch = take()) {
      std::vector<In> inputs;
      inputs.reserve(batch.size());
      for (Piece* piece : batch) inputs.push_back(std::move(piece->input));
      std::vector<Out> outputs = work(std::span<In>(inputs));
      const std::scoped_lock lock(mutex_);
      ++batches_[batch.size()];
      for (std::size_t i = 0; i < batch.size(); ++i) finish(*batch[i], std::move(outputs[i]));
    }
  }

  /// From now on nothing is accepted; what was is done.
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    work_.notify_all();
  }

  [[nodiscard]] BatcherStats stats() const {
    const std::scoped_lock lock(mutex_);
    return {.waiting = waiting_.size(),
            .max_waiting = most_waiting_,
            .full = full_,
            .late = late_,
            .batches = batches_};
  }

 private:
  enum class State : std::uint8_t { kWaiting, kTaken, kDone };

  /// Lies on its caller's stack.
  struct Piece {
    In input;
    Clock::time_point deadline;
    State state = State::kWaiting;
    std::optional<Out> output{};  ///< Nothing, when done: it was late.
    std::condition_variable changed{};
  };

  /// With the mutex held.
  void finish(Piece& piece, std::optional<Out> output) {
    piece.output = std::move(output);
    piece.state = State::kDone;
    piece.changed.notify_one();
  }

  /// The next batch; empty when all is over.
  std::vector<Piece*> take() {
    std::unique_lock lock(mutex_);
    for (;;) {
      work_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty()) return {};
      std::vector<Piece*> batch = pick();
      if (!batch.empty()) return batch;
    }
  }

  /// This worker's share of what waits, without what is late. With the mutex held.
  std::vector<Piece*> pick() {
    const auto now = Clock::now();
    const std::size_t workers = std::max<std::size_t>(options_.workers, 1);
    const std::size_t share = (waiting_.size() + workers - 1) / workers;
    std::vector<Piece*> batch;
    while (!waiting_.empty() && batch.size() < std::min(share, options_.max_batch)) {
      Piece& piece = *waiting_.front();
      waiting_.pop_front();
      if (piece.deadline <= now) {
        ++late_;
        finish(piece, std::nullopt);
        continue;
      }
      piece.state = State::kTaken;
      batch.push_back(&piece);
    }
    if (!waiting_.empty()) work_.notify_one();
    return batch;
  }

  const BatcherOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Piece*> waiting_;
  std::vector<std::uint64_t> batches_;
  std::size_t most_waiting_ = 0;
  std::uint64_t full_ = 0;
  std::uint64_t late_ = 0;
  bool closed_ = false;
};

}  // namespace visavis::batching
