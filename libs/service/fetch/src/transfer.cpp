#include "transfer.hpp"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace visavis::fetch {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::size_t kMaxHeaderBytes = std::size_t{64} << 10U;

struct Cleanup {
  void operator()(CURL* easy) const noexcept { ::curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const noexcept { ::curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, Cleanup>;
using List = std::unique_ptr<curl_slist, Cleanup>;

/// What the callbacks know and note.
struct Exchange {
  std::span<const Address> addresses;
  std::uint64_t max_bytes = 0;
  std::stop_token stop;
  std::vector<std::byte> body{};
  std::size_t header_bytes = 0;
  std::optional<FetchCause> given_up{};  ///< Why a callback ended it.
};

/// The last word: whatever curl was told, no socket to another address comes to be.
curl_socket_t open_socket(void* data, curlsocktype purpose, curl_sockaddr* to) {
  auto& exchange = *static_cast<Exchange*>(data);
  const auto address = to_address(to->addr);
  const bool is_known =
      address && std::ranges::find(exchange.addresses, *address) != exchange.addresses.end();
  if (purpose != CURLSOCKTYPE_IPCXN || !is_known) {
    exchange.given_up = FetchCause::kAddress;
    return CURL_SOCKET_BAD;
  }
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

std::size_t take_body(const char* bytes, std::size_t one, std::size_t count, void* data) {
  auto& exchange = *static_cast<Exchange*>(data);
  const auto piece = std::as_bytes(std::span(bytes, one * count));
  if (piece.size() > exchange.max_bytes - exchange.body.size()) {
    exchange.given_up = FetchCause::kSize;
    return 0;
  }
  exchange.body.insert(exchange.body.end(), piece.begin(), piece.end());
  return piece.size();
}

/// Whether a line of the header says that the body is compressed, in whatever way.
bool is_compressed(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return false;
  const auto equals = [](std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
  };
  if (!equals(line.substr(0, colon), "content-encoding")) return false;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && std::string_view(" \t\r\n").contains(value.back()))
    value.remove_suffix(1);
  while (!value.empty() && std::string_view(" \t").contains(value.front())) value.remove_prefix(1);
  return !value.empty() && !equals(value, "identity");
}

std::size_t take_header(const char* bytes, std::size_t one, std::size_t count, void* data) {
  auto& exchange = *static_cast<Exchange*>(data);
  const std::string_view line(bytes, one * count);
  exchange.header_bytes += line.size();
  if (exchange.header_bytes > kMaxHeaderBytes) exchange.given_up = FetchCause::kBroken;
  if (is_compressed(line)) exchange.given_up = FetchCause::kEncoding;
  return exchange.given_up ? 0 : line.size();
}

int look_at_stop(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& exchange = *static_cast<Exchange*>(data);
  if (!exchange.stop.stop_requested()) return 0;
  exchange.given_up = FetchCause::kCancelled;
  return 1;
}

/// "host:port:address,address": curl looks up nothing itself.
List pinned(const Url& url, std::span<const Address> addresses) {
  if (url.address) return nullptr;
  std::string line = url.host + ":" + std::to_string(url.port) + ":";
  for (const Address& address : addresses)
    line += (address.is_v6 ? "[" + to_string(address) + "]" : to_string(address)) + ",";
  line.pop_back();
  return List(::curl_slist_append(nullptr, line.c_str()));
}

/// Sets options until one fails.
class Options {
 public:
  explicit Options(CURL* easy) : easy_(easy) {}
  template <class Value>
  Options& set(CURLoption option, Value value) {
    if (good_) good_ = ::curl_easy_setopt(easy_, option, value) == CURLE_OK;
    return *this;
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  CURL* easy_;
  bool good_ = true;
};

bool set_security(Options& options) {
  return options.set(CURLOPT_PROTOCOLS_STR, "http,https")
      .set(CURLOPT_FOLLOWLOCATION, 0L)
      .set(CURLOPT_PROXY, "")  // nor one of the environment
      .set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED))
      .set(CURLOPT_UNRESTRICTED_AUTH, 0L)
      .set(CURLOPT_SSL_VERIFYPEER, 1L)
      .set(CURLOPT_SSL_VERIFYHOST, 2L)
      .set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2))
      .set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1))
      .set(CURLOPT_HTTP09_ALLOWED, 0L)
      .set(CURLOPT_FRESH_CONNECT, 1L)
      .set(CURLOPT_FORBID_REUSE, 1L)
      .set(CURLOPT_NOSIGNAL, 1L)
      .good();
}

bool set_limits(Options& options, const FetchPolicy& policy, milliseconds left) {
  const milliseconds connect = std::min(policy.connect, left);
  return options.set(CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()))
      .set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.count()))
      .set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(policy.min_bytes_per_second))
      .set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(policy.slow_for.count()))
      .set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(policy.max_bytes))
      .good();
}

bool set_callbacks(Options& options, Exchange& exchange) {
  return options.set(CURLOPT_OPENSOCKETFUNCTION, &open_socket)
      .set(CURLOPT_OPENSOCKETDATA, &exchange)
      .set(CURLOPT_WRITEFUNCTION, &take_body)
      .set(CURLOPT_WRITEDATA, &exchange)
      .set(CURLOPT_HEADERFUNCTION, &take_header)
      .set(CURLOPT_HEADERDATA, &exchange)
      .set(CURLOPT_XFERINFOFUNCTION, &look_at_stop)
      .set(CURLOPT_XFERINFODATA, &exchange)
      .set(CURLOPT_NOPROGRESS, 0L)
      .good();
}

std::string_view sentence_of(FetchCause cause) {
  switch (cause) {
    case FetchCause::kAddress:
      return "the URL leads to an address that is not public";
    case FetchCause::kConnect:
      return "no connection to the URL's server came about";
    case FetchCause::kTls:
      return "the server of the URL could not prove who it is, or no encryption was agreed on";
    case FetchCause::kTime:
      return "the download took too long";
    case FetchCause::kSlow:
      return "the download was too slow";
    case FetchCause::kSize:
      return "the download has more bytes than are allowed";
    case FetchCause::kEncoding:
      return "the server compressed its answer, which it was asked not to do";
    case FetchCause::kCancelled:
      return "the download was cancelled";
    default:
      return "the server's answer ended early or is none of HTTP";
  }
}

/// curl has one code for all that takes too long.
FetchCause cause_of_timeout(CURL* easy, Deadline deadline) {
  // curl rounds its timeouts.
  if (std::chrono::steady_clock::now() + milliseconds(50) >= deadline) return FetchCause::kTime;
  curl_off_t ready = 0;  // when the connection, with TLS, was there
  ::curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
  return ready == 0 ? FetchCause::kConnect : FetchCause::kSlow;
}

FetchCause cause_of(CURLcode code, CURL* easy, Deadline deadline) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return FetchCause::kConnect;
    case CURLE_OPERATION_TIMEDOUT:
      return cause_of_timeout(easy, deadline);
    case CURLE_FILESIZE_EXCEEDED:
      return FetchCause::kSize;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return FetchCause::kTls;
    default:
      return FetchCause::kBroken;
  }
}

ErrorCode code_of(FetchCause cause) {
  switch (cause) {
    case FetchCause::kUrl:
    case FetchCause::kHost:
    case FetchCause::kPort:
    case FetchCause::kAddress:
    case FetchCause::kSize:
    case FetchCause::kRedirects:
    case FetchCause::kEncoding:
      return ErrorCode::kInvalidArgument;
    case FetchCause::kStatus:
      return ErrorCode::kNotFound;
    case FetchCause::kUnknown:
    case FetchCause::kConnect:
    case FetchCause::kTls:
    case FetchCause::kTime:
    case FetchCause::kSlow:
    case FetchCause::kBroken:
    case FetchCause::kCancelled:
      return ErrorCode::kUnavailable;
  }
  return ErrorCode::kInternal;
}

std::expected<Response, FetchFailure> answer_of(CURL* easy, std::vector<std::byte> body) {
  long status = 0;
  ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return Response{std::move(body), {}};
  constexpr std::array kRedirects{301L, 302L, 303L, 307L, 308L};
  if (std::ranges::find(kRedirects, status) == kRedirects.end())
    return refuse(FetchCause::kStatus,
                  "the server of the URL answered with status " + std::to_string(status));
  const char* next = nullptr;
  ::curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &next);
  if (next == nullptr) return refuse(FetchCause::kRedirects, "a redirect leads nowhere");
  return Response{{}, next};
}

}  // namespace

std::unexpected<FetchFailure> refuse(FetchCause cause, std::string_view sentence) {
  return std::unexpected(FetchFailure{cause, {code_of(cause), std::string(sentence)}});
}

std::expected<Response, FetchFailure> transfer(const Url& url, std::span<const Address> addresses,
                                               const FetchPolicy& policy, Deadline deadline,
                                               const std::stop_token& stop) {
  const auto left = duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) return refuse(FetchCause::kTime, sentence_of(FetchCause::kTime));
  Exchange exchange{.addresses = addresses, .max_bytes = policy.max_bytes, .stop = stop};
  const Easy easy(::curl_easy_init());
  const List pins = pinned(url, addresses);
  const List headers(::curl_slist_append(nullptr, "Accept-Encoding: identity"));
  Options options(easy.get());
  const bool is_set = easy && headers && set_security(options) &&
                      set_limits(options, policy, left) && set_callbacks(options, exchange) &&
                      options.set(CURLOPT_URL, url.text().c_str())
                          .set(CURLOPT_RESOLVE, pins.get())
                          .set(CURLOPT_HTTPHEADER, headers.get())
                          .set(CURLOPT_USERAGENT, "visavis")
                          .good();
  if (!is_set)
    return std::unexpected(FetchFailure{
        FetchCause::kBroken, {ErrorCode::kInternal, "this libcurl cannot do what is needed"}});
  const CURLcode code = ::curl_easy_perform(easy.get());
  if (exchange.given_up) return refuse(*exchange.given_up, sentence_of(*exchange.given_up));
  if (code == CURLE_OK) return answer_of(easy.get(), std::move(exchange.body));
  const FetchCause cause = cause_of(code, easy.get(), deadline);
  return refuse(cause, sentence_of(cause));
}

}  // namespace visavis::fetch
