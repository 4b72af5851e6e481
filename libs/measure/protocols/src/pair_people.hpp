#pragma once

/// Who is on the photos of a list of pairs.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "visavis/protocols/pairs.hpp"

namespace visavis::protocols {

/// Numbers of people, for each pair.
struct PairPeople {
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b;
  std::size_t count = 0;
  std::vector<std::string> names;  ///< Of the people; empty where folders do not tell them.
};

/// A person is a photo's folder, if every pair says so: one folder for one person, two for two.
/// Else photos belong to one person if pairs of one person link them.
[[nodiscard]] PairPeople people_of(const PairList& list);

}  // namespace visavis::protocols
