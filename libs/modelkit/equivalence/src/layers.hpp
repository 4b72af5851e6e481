#pragma once

/// Where two networks part.

#include <optional>

#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {

/// Compares the layers that have a counterpart, on one sample, up to the first that differs.
[[nodiscard]] Result<std::optional<Divergence>> first_difference(const Side& source,
                                                                 const Side& result,
                                                                 const Sample& sample,
                                                                 const Limits& limits);

}  // namespace visavis::modelkit
