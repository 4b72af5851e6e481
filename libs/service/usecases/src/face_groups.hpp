#pragma once

/// Groups of faces by their embeddings: what `cluster` does and its evaluation judges.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/people.hpp>

namespace visavis::usecases {

/// What was asked for, else a FAR of 1e-5.
[[nodiscard]] Criterion criterion_of_groups(Criterion criterion);

/// Joins every face with its nearest neighbours above the threshold and cuts the graph.
/// @param rows  the faces' unit vectors, one after the other
/// @return a group for each face: 0 is the largest
[[nodiscard]] Outcome<std::vector<std::uint32_t>> group_faces(std::span<const float> rows,
                                                              std::size_t faces, double threshold,
                                                              Executor& executor);

}  // namespace visavis::usecases
