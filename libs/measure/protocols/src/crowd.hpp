#pragma once

/// Faces by person, and every face with every other.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "resampled.hpp"
#include "visavis/core/executor.hpp"
#include "visavis/core/result.hpp"
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
/// Several rows at a time, so that the other faces come from memory once for all of them.
template <class Work>
void for_each_row(std::span<const LabelledFace> faces, bool all, const ScoreRule& rule,
                  Executor& executor, Work work) {
  constexpr std::size_t kRows = 8;
  const std::size_t blocks = (faces.size() + kRows - 1) / kRows;
  std::vector<std::vector<float>> scratch(static_cast<std::size_t>(executor.concurrency()));
  executor.parallel_for(blocks, [&](std::size_t block, int worker) {
    // The longest rows first, so that no thread is left with them at the end.
    const std::size_t first = (blocks - 1 - block) * kRows;
    const std::size_t end = std::min(first + kRows, faces.size());
    std::vector<float>& rows = scratch[static_cast<std::size_t>(worker)];
    rows.resize(kRows * faces.size());
    const auto length = [&](std::size_t i) { return all ? faces.size() : i; };
    for (std::size_t j = 0; j < length(end - 1); ++j)
      for (std::size_t i = first; i < end; ++i)
        rows[(i - first) * faces.size() + j] = score(faces[i].embedding, faces[j].embedding, rule);
    for (std::size_t i = first; i < end; ++i)
      work(i, std::span<const float>(rows).subspan((i - first) * faces.size(), length(i)),
           static_cast<std::size_t>(worker));
  });
}

/// All pairs of two people that reach `threshold`, ordered by their people and then by falling
/// score.
[[nodiscard]] std::vector<ScoredPair> impostors_from(std::span<const LabelledFace> faces,
                                                     const Crowd& crowd, double threshold,
                                                     const ScoreRule& rule, Executor& executor);

/// @return kModelMismatch unless all faces are of one model
[[nodiscard]] Result<void> check_models(std::span<const LabelledFace> faces);

}  // namespace visavis::protocols
