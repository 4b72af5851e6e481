#pragma once

/// How the rates of groups are counted.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "resampled.hpp"
#include "visavis/metrics/bootstrap.hpp"
#include "visavis/protocols/groups.hpp"
#include "visavis/protocols/rate.hpp"

namespace visavis::protocols {

/// Errors of trials, with its interval by `people`; nothing without trials.
[[nodiscard]] std::optional<RateWithInterval> rate_of(std::span<const metrics::PairTrials> trials,
                                                      std::size_t people, std::size_t replicates);

/// Numbered people in numbered groups. Immutable.
class GroupIndex {
 public:
  static constexpr std::uint32_t kNone = ~0U;

  /// @param people  by number
  GroupIndex(const Groups& groups, std::span<const std::string> people);

  [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
  [[nodiscard]] const std::string& name(std::size_t group) const { return names_[group]; }
  [[nodiscard]] std::size_t people(std::size_t group) const { return members_[group]; }
  [[nodiscard]] std::size_t ungrouped() const noexcept { return ungrouped_; }
  /// kNone for somebody in no group.
  [[nodiscard]] std::uint32_t group(std::uint32_t person) const { return group_[person]; }
  /// Of a person, among those of the group.
  [[nodiscard]] std::uint32_t place(std::uint32_t person) const { return place_[person]; }

 private:
  std::vector<std::string> names_;
  std::vector<std::size_t> members_;
  std::vector<std::uint32_t> group_;
  std::vector<std::uint32_t> place_;
  std::size_t ungrouped_ = 0;
};

/// Pairs whose people are numbered as in the index.
struct GroupedPairs {
  std::span<const ScoredPair> genuine;
  std::span<const ScoredPair> impostor;
  /// Of each person, where `impostor` are only those that reach every threshold and every photo was
  /// compared with every other; empty: `impostor` are all.
  std::span<const std::uint32_t> photos{};
};

/// @param threshold  not below the lowest for which `pairs` hold every impostor that reaches it
[[nodiscard]] std::vector<GroupRates> rates_at(double threshold, const GroupedPairs& pairs,
                                               const GroupIndex& index, std::size_t replicates);

}  // namespace visavis::protocols
