#include "crowd.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "resampled.hpp"
#include "visavis/core/executor.hpp"
#include "visavis/core/result.hpp"
#include "visavis/protocols/calibrate.hpp"
#include "visavis/protocols/verification.hpp"

namespace visavis::protocols {

std::vector<ScoredPair> impostors_from(std::span<const LabelledFace> faces, const Crowd& crowd,
                                       double threshold, const ScoreRule& rule,
                                       Executor& executor) {
  std::vector<std::vector<ScoredPair>> parts(static_cast<std::size_t>(executor.concurrency()));
  for_each_row(
      faces, false, rule, executor,
      [&](std::size_t i, std::span<const float> scores, std::size_t worker) {
        const std::uint32_t a = crowd.person[i];
        for (std::size_t j = 0; j < scores.size(); ++j)
          if (const std::uint32_t b = crowd.person[j]; a != b && scores[j] >= threshold)
            parts[worker].push_back({.score = scores[j], .a = std::min(a, b), .b = std::max(a, b)});
      });
  std::vector<ScoredPair> all;
  for (auto& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
    part = {};
  }
  std::ranges::sort(all, {}, [](const ScoredPair& p) { return std::tuple(p.a, p.b, -p.score); });
  return all;
}

Result<void> check_models(std::span<const LabelledFace> faces) {
  for (const LabelledFace& face : faces)
    if (face.embedding.model != faces[0].embedding.model ||
        face.embedding.values.size() != faces[0].embedding.values.size())
      return fail(ErrorCode::kModelMismatch, "the faces were embedded by different models");
  return {};
}

}  // namespace visavis::protocols
