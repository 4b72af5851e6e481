#pragma once

/// Downloads by addresses that strangers give, without becoming their way into our network.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::fetch {

/// What may be fetched, and how much of it.
struct FetchPolicy {
  /// "photos.example.org", "*.example.org" (what is below it, not itself), an address as it is
  /// written in a URL, or "*" for any host. Whatever is allowed here, addresses that are not public
  /// are refused.
  std::vector<std::string> hosts{};
  std::vector<std::uint16_t> ports{80, 443};
  std::uint64_t max_bytes = std::uint64_t{32} << 20U;
  int max_redirects = 3;
  std::chrono::milliseconds total{
      30'000};  ///< All redirects and the search for addresses included.
  std::chrono::milliseconds connect{5'000};  ///< TLS included.
  /// An answer that is slower than this for `slow_for` is given up.
  std::uint32_t min_bytes_per_second = 1000;
  std::chrono::seconds slow_for{5};
};

/// Why there is nothing. Each has a sentence of its own.
enum class FetchCause : std::uint8_t {
  kUrl,        ///< No URL of http or https, or one with a user or a password.
  kHost,       ///< Not on the list of hosts.
  kPort,       ///< Not among the ports.
  kAddress,    ///< Leads to an address that is not public.
  kUnknown,    ///< The host has no address, or nobody told one in time.
  kConnect,    ///< Refused, unreachable, or not answered in time.
  kTls,        ///< Its certificate is not one to trust, or no encryption could be agreed on.
  kTime,       ///< The whole took too long.
  kSlow,       ///< Came too slowly.
  kSize,       ///< More bytes than are allowed.
  kRedirects,  ///< Too many, or one from https to http, or one that leads nowhere.
  kStatus,     ///< The server answered, but not with 200.
  kEncoding,   ///< Compressed, although that was not asked for.
  kBroken,     ///< The answer ended early or is none of HTTP.
  kCancelled,
};

/// The stable lower_snake name: "address".
[[nodiscard]] std::string_view to_string(FetchCause cause) noexcept;

struct FetchFailure {
  FetchCause cause;
  Error error;  ///< Never holds anything of the URL, an address, or what the server sent.
};

using Fetched = std::expected<std::vector<std::byte>, FetchFailure>;

/// GET as HTTP/1.1, without cookies, proxy, .netrc or credentials of any kind. Each hop's host is
/// looked up once, all its addresses must be public, and only these are connected to. Thread-safe;
/// starts no threads.
///
///     auto fetcher = Fetcher::make({.hosts = {"*.example.org"}});
///     Fetched photo = fetcher->get("https://photos.example.org/1.jpg");
class Fetcher {
 public:
  /// @return kInvalidArgument for a policy that allows nothing or whose hosts or limits are none;
  /// kUnavailable if the system refuses.
  [[nodiscard]] static Result<Fetcher> make(const FetchPolicy& policy);
  Fetcher(Fetcher&&) noexcept;
  Fetcher& operator=(Fetcher&&) noexcept;
  ~Fetcher();

  /// @param stop  gives the download up within about a second
  [[nodiscard]] Fetched get(std::string_view url, const std::stop_token& stop = {}) const;

 private:
  friend struct FetcherParts;
  struct Impl;
  explicit Fetcher(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::fetch
