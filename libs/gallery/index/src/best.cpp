#include "best.hpp"

#include <algorithm>

namespace visavis::index {

bool before(const Hit& a, const Hit& b) noexcept {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.key < b.key;
}

void Best::offer(const Hit& hit) {
  if (hits_.size() == k_ && !before(hit, hits_.back())) return;
  if (grouping_ == Grouping::kBestPerGroup) {
    const auto same = std::ranges::find(hits_, hit.group, &Hit::group);
    if (same != hits_.end()) {
      if (!before(hit, *same)) return;
      hits_.erase(same);
    }
  }
  if (hits_.size() == k_) hits_.pop_back();
  hits_.insert(std::ranges::upper_bound(hits_, hit, before), hit);
}

void Best::merge(const Best& other) {
  for (const Hit& hit : other.hits_) offer(hit);
}

}  // namespace visavis::index
