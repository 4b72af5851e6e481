#pragma once

/// How often each key may ask: a token bucket per key (Tanenbaum, Computer Networks, section 5.4).

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <visavis/core/result.hpp>

namespace visavis::access {

struct Rate {
  double per_second = 10;  ///< In the long run.
  double burst = 20;       ///< At once, after a pause; at least 1.
};

struct Turn {
  bool granted = false;
  std::chrono::seconds retry_after{0};  ///< If it was not granted: at least 1, for Retry-After.
};

/// Thread-safe.
class RateLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// @param max_keys  how many keys are remembered. Of more than that, the one that has not asked
  /// for longest is forgotten, and begins with a full bucket when it comes back; so with more keys
  /// than this, all of them asking in turn, the limit is only as strict as the bucket is small.
  /// @return kInvalidArgument for a rate or a burst that is not a finite number above 0 (1).
  [[nodiscard]] static Result<RateLimiter> make(const Rate& rate, std::size_t max_keys = 10'000);
  RateLimiter(RateLimiter&&) noexcept;
  RateLimiter& operator=(RateLimiter&&) noexcept;
  ~RateLimiter();

  /// One request of a key. A refused one takes nothing. A `now` before an earlier one counts as
  /// that.
  [[nodiscard]] Turn take(std::string_view key, Time now);

  [[nodiscard]] std::size_t remembered() const;

 private:
  struct Impl;
  explicit RateLimiter(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::access
