#include "visavis/protocols/groups.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "group_rates.hpp"
#include "resampled.hpp"
#include "visavis/core/result.hpp"
#include "visavis/metrics/bootstrap.hpp"
#include "visavis/protocols/rate.hpp"
#include "visavis/store/tsv.hpp"

namespace visavis::protocols {
namespace {

RateWithInterval with_interval(double value, std::size_t people, std::size_t replicates,
                               const metrics::Statistic& statistic) {
  RateWithInterval rate{.value = value};
  if (people >= kFewestPeople && replicates > 0)
    rate.interval = metrics::bootstrap_people(people, statistic, {.replicates = replicates});
  return rate;
}

/// Trials of one group, of the same people together.
std::vector<metrics::PairTrials> trials_of(std::span<const ScoredPair> pairs,
                                           const GroupIndex& index, std::size_t group,
                                           double threshold, bool is_genuine) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, metrics::PairTrials> by_people;
  for (const ScoredPair& pair : pairs) {
    if (index.group(pair.a) != group || index.group(pair.b) != group) continue;
    const std::uint32_t a = index.place(pair.a);
    const std::uint32_t b = index.place(pair.b);
    metrics::PairTrials& trials = by_people[std::minmax(a, b)];
    trials.a = a;
    trials.b = b;
    ++trials.trials;
    if ((pair.score >= threshold) != is_genuine) ++trials.errors;
  }
  std::vector<metrics::PairTrials> trials;
  for (const auto& [people, one] : by_people) trials.push_back(one);
  return trials;
}

std::uint64_t sum_of(std::span<const metrics::PairTrials> trials,
                     std::uint64_t metrics::PairTrials::* what) {
  std::uint64_t sum = 0;
  for (const metrics::PairTrials& one : trials) sum += one.*what;
  return sum;
}

/// Of every photo of a group with every other.
void rate_all_pairs(std::span<const metrics::PairTrials> false_matches,
                    std::span<const std::uint32_t> photos, std::size_t replicates,
                    GroupRates& rates) {
  std::uint64_t before = 0;
  for (const std::uint32_t own : photos) {
    rates.impostor += before * own;
    before += own;
  }
  if (rates.impostor == 0) return;
  const auto errors = sum_of(false_matches, &metrics::PairTrials::errors);
  rates.fmr = with_interval(static_cast<double>(errors) / static_cast<double>(rates.impostor),
                            photos.size(), replicates, [&](metrics::Draw draw) {
                              return metrics::error_share_of_all_pairs(false_matches, photos, draw);
                            });
}

std::vector<std::uint32_t> photos_of(std::span<const std::uint32_t> photos, const GroupIndex& index,
                                     std::size_t group) {
  std::vector<std::uint32_t> own(index.people(group));
  for (std::uint32_t person = 0; person < photos.size(); ++person)
    if (index.group(person) == group) own[index.place(person)] = photos[person];
  return own;
}

}  // namespace

Result<Groups> parse_groups(std::string_view text) {
  VISAVIS_TRY(rows, store::parse_tsv(text));
  Groups groups;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 && rows[0] == std::vector<std::string>{"person", "group"}) continue;
    const auto row = "row " + std::to_string(i + 1) + " of the list of groups ";
    if (rows[i].size() != 2 || rows[i][0].empty() || rows[i][1].empty())
      return fail(ErrorCode::kDecodeFailed, row + "is not a person and a group");
    const auto [it, is_new] = groups.emplace(rows[i][0], rows[i][1]);
    if (!is_new && it->second != rows[i][1])
      return fail(ErrorCode::kDecodeFailed, row + "puts somebody into a second group");
  }
  if (groups.empty()) return fail(ErrorCode::kDecodeFailed, "the list of groups is empty");
  return groups;
}

const std::string* group_of(const Groups& groups, const std::string& person) {
  auto it = groups.find(person);
  if (it == groups.end()) it = groups.find(std::filesystem::path(person).filename().string());
  return it == groups.end() ? nullptr : &it->second;
}

std::optional<RateWithInterval> rate_of(std::span<const metrics::PairTrials> trials,
                                        std::size_t people, std::size_t replicates) {
  const auto all = sum_of(trials, &metrics::PairTrials::trials);
  if (all == 0) return std::nullopt;
  const auto errors = sum_of(trials, &metrics::PairTrials::errors);
  return with_interval(static_cast<double>(errors) / static_cast<double>(all), people, replicates,
                       [&](metrics::Draw draw) { return metrics::error_share(trials, draw); });
}

GroupIndex::GroupIndex(const Groups& groups, std::span<const std::string> people)
    : group_(people.size(), kNone), place_(people.size()) {
  std::map<std::string_view, std::uint32_t> numbers;  // by name
  for (const std::string& person : people)
    if (const std::string* name = group_of(groups, person)) numbers.emplace(*name, 0);
  for (auto& [name, number] : numbers) {
    number = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back(name);
  }
  members_.resize(names_.size());
  for (std::size_t i = 0; i < people.size(); ++i) {
    const std::string* name = group_of(groups, people[i]);
    if (name == nullptr) {
      ++ungrouped_;
      continue;
    }
    group_[i] = numbers.find(*name)->second;
    place_[i] = static_cast<std::uint32_t>(members_[group_[i]]++);
  }
}

std::vector<GroupRates> rates_at(double threshold, const GroupedPairs& pairs,
                                 const GroupIndex& index, std::size_t replicates) {
  std::vector<GroupRates> all;
  for (std::size_t group = 0; group < index.size(); ++group) {
    const std::size_t people = index.people(group);
    GroupRates rates{.group = index.name(group), .people = people};
    const auto genuine = trials_of(pairs.genuine, index, group, threshold, true);
    rates.genuine = sum_of(genuine, &metrics::PairTrials::trials);
    rates.fnmr = rate_of(genuine, people, replicates);
    if (pairs.photos.empty()) {
      const auto impostor = trials_of(pairs.impostor, index, group, threshold, false);
      rates.impostor = sum_of(impostor, &metrics::PairTrials::trials);
      rates.fmr = rate_of(impostor, people, replicates);
    } else {
      auto matches = trials_of(pairs.impostor, index, group, threshold, false);
      std::erase_if(matches, [](const metrics::PairTrials& one) { return one.errors == 0; });
      rate_all_pairs(matches, photos_of(pairs.photos, index, group), replicates, rates);
    }
    all.push_back(std::move(rates));
  }
  return all;
}

}  // namespace visavis::protocols
