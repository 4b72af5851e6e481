#include "scan.hpp"

#include <algorithm>

#include "visavis/matching/matching.hpp"

namespace visavis::gallery {

void Scan::add(std::int64_t face, std::int64_t person, std::span<const float> unit) {
  rows_.emplace(face, faces_.size());
  faces_.push_back(face);
  persons_.push_back(person);
  vectors_.insert(vectors_.end(), unit.begin(), unit.end());
}

void Scan::remove(std::int64_t face) {
  const auto found = rows_.find(face);
  if (found == rows_.end()) return;
  const std::size_t row = found->second;
  const std::size_t last = faces_.size() - 1;
  const std::size_t dimension = vectors_.size() / faces_.size();
  const auto at = [&](std::size_t i) {
    return vectors_.begin() + static_cast<std::ptrdiff_t>(i * dimension);
  };
  rows_.erase(found);
  if (row != last) {
    faces_[row] = faces_[last];
    persons_[row] = persons_[last];
    std::copy(at(last), vectors_.end(), at(row));
    rows_[faces_[row]] = row;
  }
  std::fill(at(last), vectors_.end(), 0.F);  // what a vector no longer holds stays in memory
  vectors_.erase(at(last), vectors_.end());
  faces_.pop_back();
  persons_.pop_back();
}

std::vector<Hit> Scan::search(std::span<const float> probe, std::size_t persons) const {
  std::unordered_map<std::int64_t, Hit> best;
  for (std::size_t i = 0; i < faces_.size(); ++i) {
    const auto row = std::span(vectors_).subspan(i * probe.size(), probe.size());
    const Hit hit{
        .face = faces_[i], .person = persons_[i], .similarity = matching::similarity(probe, row)};
    const auto [entry, is_new] = best.try_emplace(hit.person, hit);
    if (!is_new && hit.similarity > entry->second.similarity) entry->second = hit;
  }
  std::vector<Hit> hits;
  hits.reserve(best.size());
  for (const auto& [person, hit] : best) hits.push_back(hit);
  const auto end = hits.begin() + static_cast<std::ptrdiff_t>(std::min(persons, hits.size()));
  std::partial_sort(hits.begin(), end, hits.end(), [](const Hit& a, const Hit& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.person < b.person;
  });
  hits.erase(end, hits.end());
  return hits;
}

}  // namespace visavis::gallery
