#include "resolve.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <visavis/core/descriptor.hpp>

namespace visavis::fetch {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// A name server on loopback that answers each question as it is told.
class NameServer {
 public:
  using Answer = std::function<std::string(const std::string& question)>;

  explicit NameServer(Answer answer)
      : answer_(std::move(answer)), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    auto* any = reinterpret_cast<sockaddr*>(&at);
    if (::bind(socket_.get(), any, size) != 0 || ::getsockname(socket_.get(), any, &size) != 0)
      ADD_FAILURE() << "no name server";
    address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~NameServer() { thread_ = {}; }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd polled{socket_.get(), POLLIN, 0};
      if (::poll(&polled, 1, 20) <= 0) continue;
      std::array<char, 1024> bytes{};
      sockaddr_in from{};
      socklen_t size = sizeof(from);
      auto* any = reinterpret_cast<sockaddr*>(&from);
      const ssize_t n = ::recvfrom(socket_.get(), bytes.data(), bytes.size(), 0, any, &size);
      if (n <= 12) continue;
      const std::string reply = answer_({bytes.data(), static_cast<std::size_t>(n)});
      if (!reply.empty()) ::sendto(socket_.get(), reply.data(), reply.size(), 0, any, size);
    }
  }

  Answer answer_;
  Descriptor socket_;
  std::string address_;
  std::jthread thread_;
};

/// RFC 1035 section 4.1: the question with one A record, or none for another type than A.
std::string a_record(const std::string& question, std::string_view address) {
  const std::size_t name_end = question.find('\0', 12);
  const std::string asked = question.substr(12, name_end + 5 - 12);
  const bool is_a = question[name_end + 2] == 1;
  std::string reply = question.substr(0, 2);
  reply.append("\x81\x80\0\1\0", 5);
  reply.push_back(is_a ? '\1' : '\0');
  reply.append(4, '\0');
  reply.append(asked);
  if (is_a) reply.append("\xC0\x0C\0\1\0\1\0\0\0\x3C\0\4", 12).append(address);
  return reply;
}

TEST(ResolveTest, FindsWhatANameServerTells) {
  const NameServer server(
      [](const std::string& question) { return a_record(question, "\x0A\x01\x02\x03"); });
  const auto found =
      make_resolver(server.address())("photos.example", steady_clock::now() + seconds(5), {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(to_string(found.front()), "10.1.2.3");
}

TEST(ResolveTest, ASilentNameServerCostsNoMoreThanTheDeadline) {
  const NameServer server([](const std::string&) { return std::string(); });
  const auto start = steady_clock::now();
  EXPECT_TRUE(
      make_resolver(server.address())("photos.example", start + milliseconds(300), {}).empty());
  EXPECT_LT(steady_clock::now() - start, seconds(3)) << "its own tries alone take longer";
}

TEST(ResolveTest, StopsWhenItIsTold) {
  const NameServer server([](const std::string&) { return std::string(); });
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(make_resolver(server.address())("photos.example", steady_clock::now() + seconds(30),
                                              stop.get_token())
                  .empty());
}

TEST(ResolveTest, GarbageIsNoAddress) {
  const NameServer server([](const std::string& question) {
    return question.substr(0, 2).append("\x81\x80\0\1\0\7", 6).append(40, '\xC0');
  });
  EXPECT_TRUE(
      make_resolver(server.address())("photos.example", steady_clock::now() + milliseconds(300), {})
          .empty());
}

}  // namespace
}  // namespace visavis::fetch
