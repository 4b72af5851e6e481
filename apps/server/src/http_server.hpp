#pragma once

/// The transport: connections, limits and deadlines. Knows no route and no face.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <visavis/core/log.hpp>
#include <visavis/core/result.hpp>

#include "message.hpp"

namespace visavis::server {

struct HttpOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;            ///< 0: one that is free.
  std::filesystem::path certificate{};  ///< PEM, the chain; empty: no TLS.
  std::filesystem::path private_key{};  ///< PEM.
  std::size_t max_connections = 1024;
  std::size_t max_requests = 64;                 ///< At once, from head to answer.
  std::uint64_t max_body_bytes = 512ULL << 20U;  ///< Of all requests that are being done.
  std::chrono::seconds idle{30};                 ///< For a request's head, and between requests.
  std::chrono::seconds body{30};                 ///< For a body, and a second more for each 64 KiB.
  std::chrono::seconds grace{30};                ///< For what runs when the server is to stop.
};

/// What the routes say of a request before its body is read.
struct Admission {
  std::optional<Response> refusal{};  ///< The answer, if it is not to be done.
  std::uint64_t max_body = 0;
  /// Answered on the transport's own thread, also when all others are busy. Must be quick.
  bool at_once = false;
  /// Takes the body piece by piece as it comes, in place of Request::body. What it returns is the
  /// answer, and the rest does not matter. On one of the other threads; must not throw.
  std::function<std::optional<Response>(std::span<const std::byte>)> receive{};
  std::function<Response(Request&)> answer{};  ///< Must not throw.
};

/// Called on the transport's thread, except what admissions answer with. Must not throw.
struct HttpHandlers {
  std::function<Admission(Request&)> admit;
  /// A refusal of the transport's own: 400, 408, 413, 431, 503.
  std::function<Response(const Request&, unsigned status, const std::string& sentence)> refuse;
  /// After every answer. @param bytes  of its body
  std::function<void(const Request&, unsigned status, std::uint64_t bytes, double seconds)> done;
};

struct HttpCounts {
  std::size_t connections = 0;
  std::size_t requests = 0;  ///< Being done.
};

/// Connections are served by one thread, requests by `max_requests` others, so that slow or idle
/// clients hold no thread. Beyond the limits new connections and requests are told to come again.
class HttpServer {
 public:
  /// Listens from then on; nothing is answered before `run`.
  /// @return kUnavailable if the address cannot be listened on, kInvalidArgument for what is no
  /// address or a certificate that cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> bind(const HttpOptions& options,
                                                                HttpHandlers handlers,
                                                                const LogSink& sink);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] HttpCounts counts() const noexcept;

  /// Serves on the calling thread until `stop`.
  void run();
  /// Takes no more connections, finishes the requests that it has, for `grace` at most. Any thread.
  void stop();

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::server
