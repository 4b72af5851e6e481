#pragma once

/// Embeddings of people who are in no gallery: a matrix and a table that labels its rows.

#include <cstddef>
#include <string>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/usecases/people.hpp>

namespace visavis::usecases {

/// @return one face a row, unit vectors with their norms: the table's `norm` where it has one, else
/// the row's own. kInput with the file's name if the files do not fit each other, the model or
/// themselves.
[[nodiscard]] Outcome<std::vector<gallery::NewFace>> read_rows(const LabelledRows& rows,
                                                               ModelId model, int dimension);

/// The best face of each person for a probe, by falling similarity.
[[nodiscard]] std::vector<gallery::Candidate> search_rows(const std::vector<gallery::NewFace>& rows,
                                                          const Embedding& probe,
                                                          std::size_t limit);

}  // namespace visavis::usecases
