#pragma once

/// The list of hosts that may be asked.

#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::fetch {

/// Immutable.
class Hosts {
 public:
  /// @return kInvalidArgument for an empty list and for an entry that is no host, no "*.host" and
  /// no
  /// "*".
  [[nodiscard]] static Result<Hosts> make(const std::vector<std::string>& entries);

  /// @param host  as Url has it
  [[nodiscard]] bool allow(std::string_view host) const;

 private:
  explicit Hosts(std::vector<std::string> entries) : entries_(std::move(entries)) {}
  std::vector<std::string> entries_;
};

}  // namespace visavis::fetch
