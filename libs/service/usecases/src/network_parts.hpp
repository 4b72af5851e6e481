#pragma once

/// The files that a network is in.

#include <span>
#include <string>
#include <vector>
#include <visavis/import/import.hpp>
#include <visavis/usecases/networks.hpp>

namespace visavis::usecases {

[[nodiscard]] std::vector<NetworkPart> facts_of(std::span<const modelkit::Part> parts);

/// Of several files: of all of them, one behind the other.
[[nodiscard]] std::string hash_of(std::span<const modelkit::Part> parts);

}  // namespace visavis::usecases
