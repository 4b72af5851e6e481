#pragma once

/// Error rates by groups of people: is one threshold equally good for all?

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/protocols/rate.hpp>

namespace visavis::protocols {

/// The group of each person.
using Groups = std::map<std::string, std::string, std::less<>>;

/// Reads lines `person group` with a tab between, with or without a header line
/// "person<TAB>group".
/// @return kDecodeFailed with the number of the row that is wrong or puts somebody into a second
/// group, or when there is none.
[[nodiscard]] Result<Groups> parse_groups(std::string_view text);

/// The group of a person who is known by a folder: by its path, else by its name. Null: none.
[[nodiscard]] const std::string* group_of(const Groups& groups, const std::string& person);

/// Of comparisons within one group: genuine pairs, and pairs of two of its people.
struct GroupRates {
  std::string group{};
  std::size_t people = 0;
  std::uint64_t genuine = 0;
  std::uint64_t impostor = 0;
  std::optional<RateWithInterval> fmr{};   ///< Nothing without impostor pairs.
  std::optional<RateWithInterval> fnmr{};  ///< Nothing without genuine pairs.
};

/// All groups at a threshold that they share.
struct GroupPoint {
  std::optional<double> far{};  ///< That the threshold has over everybody; nothing if it was given.
  double threshold = 0;
  std::vector<GroupRates> groups{};  ///< By name.
};

struct GroupReport {
  std::size_t ungrouped_people = 0;  ///< On the photos, but in no group: left out of these rates.
  std::vector<GroupPoint> points{};
};

/// Of searches by people of one group in the whole gallery.
struct GroupSearches {
  std::string group{};
  std::size_t people = 0;  ///< Searched for or by.
  std::size_t mated = 0;
  std::size_t non_mated = 0;
  std::optional<RateWithInterval> fnir{};  ///< Nothing without mated searches.
  std::optional<RateWithInterval> fpir{};  ///< Nothing without others.
};

struct GroupSearchPoint {
  double fpir = 0;  ///< Over everybody.
  double threshold = 0;
  std::vector<GroupSearches> groups{};
};

struct GroupSearchReport {
  std::size_t ungrouped_people = 0;
  std::vector<GroupSearchPoint> points{};
};

}  // namespace visavis::protocols
