#pragma once

/// Embeddings of people who are in no gallery: a matrix and a table that labels its rows.

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

/// The persons for a probe, by falling similarity; as `Gallery::identify`, but with a fusion every
/// person is looked at.
[[nodiscard]] std::vector<gallery::Candidate> search_rows(const std::vector<gallery::NewFace>& rows,
                                                          const Embedding& probe,
                                                          const gallery::IdentifyOptions& options);

}  // namespace visavis::usecases
