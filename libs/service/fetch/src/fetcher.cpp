#include "visavis/fetch/fetcher.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <utility>

#include "fetcher_impl.hpp"
#include "transfer.hpp"
#include "url.hpp"

namespace visavis::fetch {
namespace {

bool lists(const std::vector<std::uint16_t>& ports, std::uint16_t port) {
  return std::ranges::find(ports, port) != ports.end();
}

Result<void> check(const FetchPolicy& policy) {
  const auto is_time = [](auto value, auto most) { return value.count() > 0 && value <= most; };
  constexpr std::chrono::hours kDay(24);
  constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30U;
  if (policy.ports.empty() || lists(policy.ports, 0))
    return fail(ErrorCode::kInvalidArgument, "a list of ports that may be asked is needed");
  if (policy.max_bytes < 1 || policy.max_bytes > kGibibyte)
    return fail(ErrorCode::kInvalidArgument, "a download may have 1 byte to 1 GiB");
  if (policy.max_redirects < 0 || policy.max_redirects > 20)
    return fail(ErrorCode::kInvalidArgument, "a download may be redirected 0 to 20 times");
  if (!is_time(policy.total, kDay) || !is_time(policy.connect, kDay) ||
      !is_time(policy.slow_for, kDay))
    return fail(ErrorCode::kInvalidArgument,
                "a download's times are more than nothing and at most a day");
  return {};
}

/// The addresses that a URL may be asked at.
std::expected<std::vector<Address>, FetchFailure> addresses_of(const Url& url,
                                                               const Surroundings& around,
                                                               Deadline deadline,
                                                               const std::stop_token& stop) {
  std::vector<Address> found =
      url.address ? std::vector{*url.address} : around.resolve(url.host, deadline, stop);
  if (stop.stop_requested()) return refuse(FetchCause::kCancelled, "the download was cancelled");
  if (found.empty()) return refuse(FetchCause::kUnknown, "the URL's host has no known address");
  // One of several that is not public is reason enough: nobody's host has such by accident.
  if (!std::ranges::all_of(found, around.may_connect))
    return refuse(FetchCause::kAddress, "the URL leads to an address that is not public");
  return found;
}

}  // namespace

std::string_view to_string(FetchCause cause) noexcept {
  switch (cause) {
    case FetchCause::kUrl:
      return "url";
    case FetchCause::kHost:
      return "host";
    case FetchCause::kPort:
      return "port";
    case FetchCause::kAddress:
      return "address";
    case FetchCause::kUnknown:
      return "unknown";
    case FetchCause::kConnect:
      return "connect";
    case FetchCause::kTls:
      return "tls";
    case FetchCause::kTime:
      return "time";
    case FetchCause::kSlow:
      return "slow";
    case FetchCause::kSize:
      return "size";
    case FetchCause::kRedirects:
      return "redirects";
    case FetchCause::kStatus:
      return "status";
    case FetchCause::kEncoding:
      return "encoding";
    case FetchCause::kBroken:
      return "broken";
    case FetchCause::kCancelled:
      return "cancelled";
  }
  return "";
}

Result<Fetcher> FetcherParts::make(const FetchPolicy& policy, Surroundings around) {
  VISAVIS_CHECK(check(policy));
  VISAVIS_TRY(hosts, Hosts::make(policy.hosts));
  // Counted and thread-safe since 7.84.
  if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return fail(ErrorCode::kUnavailable, "libcurl cannot be started");
  return Fetcher(std::make_unique<Fetcher::Impl>(policy, std::move(hosts), std::move(around)));
}

Fetcher::Fetcher(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Fetcher::Fetcher(Fetcher&&) noexcept = default;
Fetcher& Fetcher::operator=(Fetcher&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}
Fetcher::~Fetcher() {
  if (impl_) ::curl_global_cleanup();
}

Result<Fetcher> Fetcher::make(const FetchPolicy& policy) {
  return FetcherParts::make(policy, {make_resolver(), is_public});
}

Fetched Fetcher::get(std::string_view text, const std::stop_token& stop) const {
  const FetchPolicy& policy = impl_->policy;
  const Deadline deadline = std::chrono::steady_clock::now() + policy.total;
  std::string at(text);
  bool was_https = false;
  for (int hop = 0; hop <= policy.max_redirects; ++hop) {
    const auto url = parse_url(at);
    if (!url)
      return refuse(FetchCause::kUrl,
                    "it is no plain URL of http or https without user and password");
    if (was_https && !url->is_https)
      return refuse(FetchCause::kRedirects, "a redirect leads from https to http");
    if (!impl_->hosts.allow(url->host))
      return refuse(FetchCause::kHost, "the URL's host is not among those that may be asked");
    if (!lists(policy.ports, url->port))
      return refuse(FetchCause::kPort, "the URL's port is not among those that may be asked");
    const auto addresses = addresses_of(*url, impl_->around, deadline, stop);
    if (!addresses) return std::unexpected(addresses.error());
    auto response = transfer(*url, *addresses, policy, deadline, stop);
    if (!response) return std::unexpected(std::move(response).error());
    if (response->next.empty()) return std::move(response->body);
    at = std::move(response->next);
    was_https = url->is_https;
  }
  return refuse(FetchCause::kRedirects, "the URL is redirected too often");
}

}  // namespace visavis::fetch
