#pragma once

/// One request and its answer.

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "resolve.hpp"
#include "url.hpp"
#include "visavis/fetch/fetcher.hpp"

namespace visavis::fetch {

struct Response {
  std::vector<std::byte> body;
  std::string next;  ///< Where it redirects to, as an absolute URL; empty: it does not.
};

[[nodiscard]] std::unexpected<FetchFailure> refuse(FetchCause cause, std::string_view sentence);

/// @param addresses  the only ones that are connected to
[[nodiscard]] std::expected<Response, FetchFailure> transfer(const Url& url,
                                                             std::span<const Address> addresses,
                                                             const FetchPolicy& policy,
                                                             Deadline deadline,
                                                             const std::stop_token& stop);

}  // namespace visavis::fetch
