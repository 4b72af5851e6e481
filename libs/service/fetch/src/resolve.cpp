#include "resolve.hpp"

#include <ares.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>

namespace visavis::fetch {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kLookAtStop{200};

struct Destroy {
  void operator()(ares_channeldata* channel) const noexcept { ::ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, Destroy>;

Channel open_channel(const std::string& servers) {
  ares_options options{};
  options.timeout = 2000;  // for each server and try
  options.tries = 2;
  ares_channel channel = nullptr;
  if (::ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS)
    return nullptr;
  Channel opened(channel);
  if (!servers.empty() && ::ares_set_servers_ports_csv(channel, servers.c_str()) != ARES_SUCCESS)
    return nullptr;
  return opened;
}

struct Answer {
  bool is_there = false;
  std::vector<Address> addresses;
};

void take_answer(void* into, int status, int /*timeouts*/, ares_addrinfo* found) {
  auto& answer = *static_cast<Answer*>(into);
  answer.is_there = true;
  const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> owner(
      found, [](ares_addrinfo* list) { ::ares_freeaddrinfo(list); });
  if (status != ARES_SUCCESS || found == nullptr) return;
  for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next)
    if (const auto address = to_address(*node->ai_addr)) answer.addresses.push_back(*address);
}

/// Waits until something comes or a moment has passed, and lets c-ares work.
void work(const Channel& channel, milliseconds most) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const int mask = ::ares_getsock(channel.get(), sockets.data(), static_cast<int>(sockets.size()));
  std::array<pollfd, ARES_GETSOCK_MAXNUM> polled{};
  nfds_t count = 0;
  for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    const bool reads = ARES_GETSOCK_READABLE(static_cast<unsigned>(mask), static_cast<unsigned>(i));
    const bool writes =
        ARES_GETSOCK_WRITABLE(static_cast<unsigned>(mask), static_cast<unsigned>(i));
    if (!reads && !writes) continue;
    const int events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
    polled[count++] = {sockets[static_cast<std::size_t>(i)], static_cast<short>(events), 0};
  }
  ::poll(polled.data(), count, static_cast<int>(most.count()));
  bool nothing = true;
  for (const pollfd& one : std::span(polled).first(count)) {
    if (one.revents == 0) continue;
    nothing = false;
    const bool writes = (one.revents & POLLOUT) != 0;
    const bool reads = (one.revents & ~POLLOUT) != 0;
    ::ares_process_fd(channel.get(), reads ? one.fd : ARES_SOCKET_BAD,
                      writes ? one.fd : ARES_SOCKET_BAD);
  }
  if (nothing) ::ares_process_fd(channel.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // its timeouts
}

std::vector<Address> resolve(const std::string& servers, const std::string& host, Deadline deadline,
                             const std::stop_token& stop) {
  Answer answer;  // outlives the channel, which answers all that is open when it goes
  const Channel channel = open_channel(servers);
  if (!channel) return {};
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  ::ares_getaddrinfo(channel.get(), host.c_str(), nullptr, &hints, take_answer, &answer);
  while (!answer.is_there && !stop.stop_requested()) {
    const auto left = duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return {};
    work(channel, std::min(left, kLookAtStop));
  }
  return answer.addresses;
}

}  // namespace

Resolver make_resolver(const std::string& servers) {
  return [servers](const std::string& host, Deadline deadline, const std::stop_token& stop) {
    return resolve(servers, host, deadline, stop);
  };
}

}  // namespace visavis::fetch
