#pragma once

/// Faces by person, and every face with every other.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "visavis/core/executor.hpp"
#include "visavis/protocols/calibrate.hpp"
#include "visavis/protocols/verification.hpp"

namespace visavis::protocols {

/// Who is on each face.
struct Crowd {
  std::vector<std::uint32_t> person;  ///< Of each face.
  std::vector<std::uint32_t> faces;   ///< Of each person: how many.

  [[nodiscard]] std::size_t people() const noexcept { return faces.size(); }
};

[[nodiscard]] inline Crowd crowd_of(std::span<const LabelledFace> faces) {
  std::map<std::string_view, std::uint32_t> numbers;
  Crowd crowd;
  for (const LabelledFace& face : faces) {
    const auto next = static_cast<std::uint32_t>(numbers.size());
    const std::uint32_t person = numbers.try_emplace(face.person, next).first->second;
    if (person == crowd.faces.size()) crowd.faces.push_back(0);
    ++crowd.faces[person];
    crowd.person.push_back(person);
  }
  return crowd;
}

/// Applies `work(i, scores, worker)` to each face's scores with the faces before it, or with all.
template <class Work>
void for_each_row(std::span<const LabelledFace> faces, bool all, const ScoreRule& rule,
                  Executor& executor, Work work) {
  std::vector<std::vector<float>> rows(static_cast<std::size_t>(executor.concurrency()));
  executor.parallel_for(faces.size(), [&](std::size_t i, int worker) {
    std::vector<float>& row = rows[static_cast<std::size_t>(worker)];
    row.resize(all ? faces.size() : i);
    for (std::size_t j = 0; j < row.size(); ++j)
      row[j] = score(faces[i].embedding, faces[j].embedding, rule);
    work(i, std::span<const float>(row), static_cast<std::size_t>(worker));
  });
}

}  // namespace visavis::protocols
