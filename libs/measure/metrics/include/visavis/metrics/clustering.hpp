#pragma once

/// How well groups of faces agree with the people they show.

#include <cstdint>
#include <span>

namespace visavis::metrics {

struct PrecisionRecall {
  double precision = 0;
  double recall = 0;
  double f = 0;  ///< Their harmonic mean.
};

/// Of all pairs of faces put into one group, the share that shows one person (precision); of all
/// pairs of one person, the share put into one group (recall). 1 where there is no such pair.
/// @pre as many groups as persons, one for each face
[[nodiscard]] PrecisionRecall pairwise(std::span<const std::uint32_t> groups,
                                       std::span<const std::uint32_t> persons);

/// BCubed (Bagga and Baldwin, ACL 1998; Amigó et al., Information Retrieval 12, 2009): for each
/// face, the share of its group that shows its person (precision) and the share of its person's
/// faces that is in its group (recall), both counting the face itself; the mean over all faces.
/// @pre as many groups as persons, one for each face, at least one
[[nodiscard]] PrecisionRecall bcubed(std::span<const std::uint32_t> groups,
                                     std::span<const std::uint32_t> persons);

}  // namespace visavis::metrics
