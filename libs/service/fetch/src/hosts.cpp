#include "hosts.hpp"

#include <algorithm>

#include "url.hpp"

namespace visavis::fetch {

Result<Hosts> Hosts::make(const std::vector<std::string>& entries) {
  if (entries.empty())
    return fail(ErrorCode::kInvalidArgument, "a list of hosts that may be asked is needed");
  std::vector<std::string> normal;
  for (const std::string& entry : entries) {
    const bool is_below = entry.starts_with("*.");
    const std::string host = is_below ? entry.substr(2) : entry;
    const bool is_more = host.find_first_of("/?#") != host.npos;
    const auto url = is_more ? std::nullopt : parse_url("http://" + host + "/");
    const bool has_port = host.contains(':') && !host.ends_with(']');
    if (entry == "*") {
      normal.push_back(entry);
    } else if (url && !has_port && !(is_below && url->address)) {
      normal.push_back((is_below ? "*." : "") + url->host);
    } else {
      return fail(ErrorCode::kInvalidArgument,
                  "an entry of the list of hosts is neither a host nor *.host nor *");
    }
  }
  return Hosts(std::move(normal));
}

bool Hosts::allow(std::string_view host) const {
  return std::ranges::any_of(entries_, [&](std::string_view entry) {
    if (entry == "*" || entry == host) return true;
    return entry.starts_with("*.") && host.size() > entry.size() - 1 &&
           host.ends_with(entry.substr(1));
  });
}

}  // namespace visavis::fetch
