// The JSON of a request may be anything.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "parameters.hpp"

using visavis::server::change_of;
using visavis::server::object_in;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto object =
      object_in({reinterpret_cast<const char*>(data), size},
                {"name", "attributes", "consent_basis", "consent_at", "expires_at"});
  if (!object) return 0;
  const auto change = change_of(*object);
  if (!change) return 0;
  // What was understood is kept as text and must be understood again.
  if (change->attributes && !nlohmann::json::accept(*change->attributes)) std::abort();
  if (change->expires_at && change->never_expires) std::abort();
  return 0;
}
