// Probes the events of the running kernel by a connection of its own.
#include "core/denied_joins.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "core/held_socket.h"
#include "core/mptcp_pm.h"
#include "core/mptcp_socket.h"
#include "core/net_file.h"

namespace mptcp::pm {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLongest = std::chrono::seconds(1);

bool wait_for(int fd, short events, Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd polled{.fd = fd, .events = events, .revents = 0};
  return left > 0 && poll(&polled, 1, static_cast<int>(left)) > 0;
}

bool set_loopback_up() {
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", sizeof("lo"));
  if (!fd || ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags |= IFF_UP;
  return ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

struct Connection {
  UniqueFd listener;
  UniqueFd client;
  uint16_t port = 0;
};

std::optional<Connection> connect_over_loopback(Clock::time_point deadline) {
  auto listener = hold_mptcp_listener(*parse_address("127.0.0.1"));
  auto client = open_mptcp_socket(AF_INET);
  if (!listener || !client) return std::nullopt;
  sockaddr_in address{};
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (getsockname(listener->get(), generic, &length) != 0) return std::nullopt;
  fcntl(client->get(), F_SETFL, fcntl(client->get(), F_GETFL) | O_NONBLOCK);
  const bool connected = connect(client->get(), generic, length) == 0;
  if (!connected && (errno != EINPROGRESS || !wait_for(client->get(), POLLOUT, deadline))) {
    return std::nullopt;
  }
  return Connection{*std::move(listener), *std::move(client), ntohs(address.sin_port)};
}

/// Receives the event `created` of one end of the connection to `port`.
std::optional<Event> created(netlink::Socket& events, uint16_t port, bool server_side,
                             Clock::time_point deadline) {
  std::optional<Event> found;
  while (!found) {
    const auto received = events.receive([&](const netlink::MessageView& message) {
      auto event = decode_event(message);
      if (!event || event->type != uapi::kMptcpEventCreated) return;
      const auto& end = server_side ? event->local : event->remote;
      if (end && end->port == port) found = *std::move(event);
    });
    if (!received) return std::nullopt;
    if (*received == 0 && !wait_for(events.fd(), POLLIN, deadline)) return std::nullopt;
  }
  return found;
}

bool has(const Event& event, uint16_t flag) { return (event.flags.value_or(0) & flag) != 0; }

std::optional<bool> find_out() {
  const auto deadline = Clock::now() + kLongest;
  const bool alone = unshare(CLONE_NEWNET) == 0;
  if (alone && !set_loopback_up()) return std::nullopt;
  // The setting cannot be changed in a container whose /proc/sys is read-only or hidden.
  const bool denies =
      alone && write_net_file("/proc/sys/net/mptcp/allow_join_initial_addr_port", "0");
  auto events = open_events();
  if (!events) return std::nullopt;
  const auto connection = connect_over_loopback(deadline);
  if (!connection) return std::nullopt;
  const auto event = created(*events, connection->port, !denies, deadline);
  if (!event) return std::nullopt;
  if (denies) return has(*event, uapi::kMptcpPmEvFlagDenyJoinId0);
  // The peer does not deny joins. The server-side flag shows that the kernel is 6.18 or newer, but
  // its absence proves nothing.
  if (has(*event, uapi::kMptcpPmEvFlagServerSide)) return true;
  return std::nullopt;
}

}  // namespace

Result<std::optional<bool>> events_report_denied_joins() {
  // A std::thread would throw where there is no thread to be had.
  std::optional<bool> reported;
  pthread_t thread{};
  const auto run = [](void* result) -> void* {
    *static_cast<std::optional<bool>*>(result) = find_out();
    return nullptr;
  };
  if (const int code = pthread_create(&thread, nullptr, run, &reported); code != 0) {
    Error error;
    error.code = code;
    error.call = "thread of the probe for denied joins";
    return error;
  }
  pthread_join(thread, nullptr);
  return reported;
}

}  // namespace mptcp::pm
