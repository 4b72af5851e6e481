#pragma once

/// From a host's name to its addresses, within a time: by c-ares, because the system's own resolver
/// cannot be stopped.

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "address.hpp"

namespace visavis::fetch {

using Deadline = std::chrono::steady_clock::time_point;

/// Empty: there is none, or none was told in time.
using Resolver = std::function<std::vector<Address>(const std::string& host, Deadline deadline,
                                                    const std::stop_token& stop)>;

/// @param servers  "address:port,…" instead of the system's, for tests; empty: the system's
[[nodiscard]] Resolver make_resolver(const std::string& servers = {});

}  // namespace visavis::fetch
