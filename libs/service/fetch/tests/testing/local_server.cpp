#include "visavis/fetch_testing/local_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

namespace visavis::fetch::tests {
namespace {

std::string read_request(int file) {
  std::string request;
  std::array<char, 4096> bytes{};
  while (!request.contains("\r\n\r\n")) {
    const ssize_t n = ::read(file, bytes.data(), bytes.size());
    if (n <= 0) break;
    request.append(bytes.data(), static_cast<std::size_t>(n));
  }
  return request;
}

}  // namespace

bool Connection::send(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t n = ::send(file_, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool Connection::goes_within(int seconds) const {
  pollfd polled{file_, POLLIN, 0};
  if (::poll(&polled, 1, seconds * 1000) <= 0) return false;
  char byte = 0;
  return ::recv(file_, &byte, 1, MSG_PEEK) <= 0;
}

void Connection::reset() const {
  const linger hard{1, 0};
  ::setsockopt(file_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

LocalServer::LocalServer(Handler handler, const char* address, bool reads_request)
    : handler_(std::move(handler)),
      reads_request_(reads_request),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  ::inet_pton(AF_INET, address, &at.sin_addr);
  socklen_t size = sizeof(at);
  auto* any = reinterpret_cast<sockaddr*>(&at);
  if (::bind(listener_.get(), any, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), any, &size) != 0)
    ADD_FAILURE() << "no server on " << address;
  port_ = ntohs(at.sin_port);
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

LocalServer::~LocalServer() {
  thread_.request_stop();
  thread_.join();
}

void LocalServer::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd polled{listener_.get(), POLLIN, 0};
    if (::poll(&polled, 1, 20) <= 0) continue;
    const Descriptor file(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (file.get() < 0) continue;
    ++count_;
    handler_({file.get(), reads_request_ ? read_request(file.get()) : std::string()});
  }
}

std::string ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

std::string redirect(std::string_view to, int status) {
  return "HTTP/1.1 " + std::to_string(status) + " Elsewhere\r\nLocation: " + std::string(to) +
         "\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace visavis::fetch::tests
