#pragma once

/// A fetcher for tests, which may reach servers on loopback. Never part of a product: see
/// CMakeLists.txt.

#include <functional>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/fetch/fetcher.hpp>

namespace visavis::fetch::testing {

struct Local {
  /// From a host to its addresses as texts.
  std::function<std::vector<std::string>(const std::string& host)> resolve;
  /// May be connected to besides what is public: "127.0.0.1" does not allow 127.0.0.2.
  std::vector<std::string> allowed;
};

[[nodiscard]] Result<Fetcher> make_local_fetcher(const FetchPolicy& policy, const Local& local);

}  // namespace visavis::fetch::testing
