#pragma once

/// Several recognisers' embeddings of one face as one.

#include <span>
#include <visavis/vocab/embedding.hpp>

namespace visavis::embed {

/// The concatenation of √weight · unit vector: with weights that add up to 1 it is a unit vector,
/// and a cosine of two is the weighted mean of the members' cosines. Its norm is the members'
/// weighted geometric mean, so that no member's scale counts more than another's.
/// @pre as many weights as members, each above 0, together 1
[[nodiscard]] Embedding fuse(std::span<const Embedding> members, std::span<const double> weights,
                             ModelId model);

}  // namespace visavis::embed
