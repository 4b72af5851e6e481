#include "visavis/fetch_testing/local_fetcher.hpp"

#include <algorithm>
#include <utility>

#include "fetcher_impl.hpp"

namespace visavis::fetch::testing {
namespace {

std::vector<Address> addresses_in(const std::vector<std::string>& texts) {
  std::vector<Address> addresses;
  for (const std::string& text : texts)
    if (const auto address = parse_address(text)) addresses.push_back(*address);
  return addresses;
}

}  // namespace

Result<Fetcher> make_local_fetcher(const FetchPolicy& policy, const Local& local) {
  Surroundings around;
  around.resolve = [resolve = local.resolve](const std::string& host, Deadline,
                                             const std::stop_token&) {
    return addresses_in(resolve(host));
  };
  around.may_connect = [allowed = addresses_in(local.allowed)](const Address& address) {
    return is_public(address) || std::ranges::find(allowed, address) != allowed.end();
  };
  return FetcherParts::make(policy, std::move(around));
}

}  // namespace visavis::fetch::testing
