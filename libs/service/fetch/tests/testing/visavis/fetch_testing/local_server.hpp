#pragma once

/// A server of plain sockets that does what a test says, well or badly.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <visavis/core/descriptor.hpp>

namespace visavis::fetch::tests {

/// An accepted connection, whose request has been read.
class Connection {
 public:
  Connection(int file, std::string request) : file_(file), request_(std::move(request)) {}

  [[nodiscard]] const std::string& request() const { return request_; }
  /// @return false when the other end has gone
  bool send(std::string_view text) const;
  /// Waits as long as the other end is there, at most `seconds`. @return whether it has gone
  [[nodiscard]] bool goes_within(int seconds) const;
  /// Ends it with RST.
  void reset() const;
  [[nodiscard]] int file() const { return file_; }

 private:
  int file_;
  std::string request_;
};

class LocalServer {
 public:
  using Handler = std::function<void(const Connection&)>;

  /// @param reads_request  whether an HTTP request is read before the handler is called
  explicit LocalServer(Handler handler, const char* address = "127.0.0.1",
                       bool reads_request = true);
  ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// How many connections came.
  [[nodiscard]] int count() const { return count_; }

 private:
  void serve(const std::stop_token& stop);

  Handler handler_;
  bool reads_request_;
  Descriptor listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> count_ = 0;
  std::jthread thread_;
};

[[nodiscard]] std::string ok(std::string_view body);
[[nodiscard]] std::string redirect(std::string_view to, int status = 302);

}  // namespace visavis::fetch::tests
