#include "network_parts.hpp"

#include <cstddef>
#include <visavis/core/hash.hpp>

namespace visavis::usecases {

std::vector<NetworkPart> facts_of(std::span<const modelkit::Part> parts) {
  std::vector<NetworkPart> facts;
  for (const modelkit::Part& part : parts)
    facts.push_back(
        {.name = part.name, .bytes = part.bytes.size(), .sha256 = to_hex(sha256(part.bytes))});
  return facts;
}

std::string hash_of(std::span<const modelkit::Part> parts) {
  if (parts.size() == 1) return to_hex(sha256(parts.front().bytes));
  std::vector<std::byte> all;
  for (const modelkit::Part& part : parts)
    all.insert(all.end(), part.bytes.begin(), part.bytes.end());
  return to_hex(sha256(all));
}

}  // namespace visavis::usecases
