#include "visavis/access/rate_limiter.hpp"

#include <algorithm>
#include <cmath>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace visavis::access {
namespace {

using Seconds = std::chrono::duration<double>;

/// Longer than this nobody is told to wait; the cast to whole seconds stays defined, too.
constexpr double kLongestWait = 86'400;

/// A whole token but for rounding: who waits as told is served.
constexpr double kWhole = 1 - 1e-9;

}  // namespace

struct RateLimiter::Impl {
  struct Bucket {
    std::string key;
    double tokens;
    Time seen;
  };

  Impl(const Rate& limit, std::size_t most) : rate(limit), max_keys(most) {}

  /// The key's bucket, in front of all others.
  Bucket& bucket_of(std::string_view key, Time now) {
    if (const auto found = places.find(key); found != places.end()) {
      buckets.splice(buckets.begin(), buckets, found->second);
      return buckets.front();
    }
    if (buckets.size() >= max_keys) {
      places.erase(buckets.back().key);
      buckets.pop_back();
    }
    buckets.push_front({std::string(key), rate.burst, now});
    places.emplace(buckets.front().key, buckets.begin());
    return buckets.front();
  }

  const Rate rate;
  const std::size_t max_keys;
  std::mutex mutex;
  std::list<Bucket> buckets;  ///< Who asked last is first.
  /// Its keys are the texts in `buckets`.
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> places;
};

RateLimiter::RateLimiter(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
RateLimiter::RateLimiter(RateLimiter&&) noexcept = default;
RateLimiter& RateLimiter::operator=(RateLimiter&&) noexcept = default;
RateLimiter::~RateLimiter() = default;

Result<RateLimiter> RateLimiter::make(const Rate& rate, std::size_t max_keys) {
  if (!std::isfinite(rate.per_second) || rate.per_second <= 0)
    return fail(ErrorCode::kInvalidArgument, "a rate must be a number above 0");
  if (!std::isfinite(rate.burst) || rate.burst < 1)
    return fail(ErrorCode::kInvalidArgument, "a burst must be a number of at least 1");
  if (max_keys < 1)
    return fail(ErrorCode::kInvalidArgument, "a limiter must remember at least one key");
  return RateLimiter(std::make_unique<Impl>(rate, max_keys));
}

Turn RateLimiter::take(std::string_view key, Time now) {
  const std::scoped_lock lock(impl_->mutex);
  Impl::Bucket& bucket = impl_->bucket_of(key, now);
  const Time at = std::max(now, bucket.seen);
  const double earned = Seconds(at - bucket.seen).count() * impl_->rate.per_second;
  bucket.tokens = std::min(bucket.tokens + earned, impl_->rate.burst);
  bucket.seen = at;
  if (bucket.tokens >= kWhole) {
    bucket.tokens -= 1;
    return {.granted = true};
  }
  const double wait = std::ceil((1 - bucket.tokens) / impl_->rate.per_second);
  return {.granted = false,
          .retry_after =
              std::chrono::seconds(static_cast<std::int64_t>(std::clamp(wait, 1.0, kLongestWait)))};
}

std::size_t RateLimiter::remembered() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->buckets.size();
}

}  // namespace visavis::access
