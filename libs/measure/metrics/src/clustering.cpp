#include "visavis/metrics/clustering.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>

namespace visavis::metrics {
namespace {

/// Faces by group, by person, and by both.
struct Table {
  std::unordered_map<std::uint64_t, double> groups;
  std::unordered_map<std::uint64_t, double> persons;
  std::unordered_map<std::uint64_t, double> both;  ///< group · 2^32 + person
};

Table count(std::span<const std::uint32_t> groups, std::span<const std::uint32_t> persons) {
  Table table;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    ++table.groups[groups[i]];
    ++table.persons[persons[i]];
    ++table.both[(std::uint64_t{groups[i]} << 32U) | persons[i]];
  }
  return table;
}

double pairs_in(const std::unordered_map<std::uint64_t, double>& counts) {
  double pairs = 0;
  for (const auto& [key, n] : counts) pairs += n * (n - 1) / 2;
  return pairs;
}

PrecisionRecall with_f(double precision, double recall) {
  const double sum = precision + recall;
  return {
      .precision = precision, .recall = recall, .f = sum > 0 ? 2 * precision * recall / sum : 0};
}

}  // namespace

PrecisionRecall pairwise(std::span<const std::uint32_t> groups,
                         std::span<const std::uint32_t> persons) {
  const Table table = count(groups, persons);
  const double right = pairs_in(table.both);
  const double grouped = pairs_in(table.groups);
  const double of_one_person = pairs_in(table.persons);
  return with_f(grouped > 0 ? right / grouped : 1, of_one_person > 0 ? right / of_one_person : 1);
}

PrecisionRecall bcubed(std::span<const std::uint32_t> groups,
                       std::span<const std::uint32_t> persons) {
  const Table table = count(groups, persons);
  double precision = 0;
  double recall = 0;
  for (const auto& [key, n] : table.both) {
    precision += n * n / table.groups.at(key >> 32U);
    recall += n * n / table.persons.at(key & 0xFFFFFFFFU);
  }
  const auto faces = static_cast<double>(groups.size());
  return with_f(precision / faces, recall / faces);
}

}  // namespace visavis::metrics
