// MPTCP connections inside the test's network namespace, and the kernel's events about them.
#pragma once

#include <functional>
#include <vector>

#include "core/mptcp_pm.h"
#include "core/unique_fd.h"

namespace mptcp::test {

struct Connection {
  UniqueFd client;
  UniqueFd server;

  uint32_t client_token() const;
  uint32_t server_token() const;
};

/// An MPTCP listener, on a free port where `address` has none.
UniqueFd listen_on(const Address& address);
/// Blocking sockets, connected and with data exchanged, so that both sides are fully established.
Connection connect_to(const UniqueFd& listener, const Address& address);

Address local_address(const UniqueFd& socket);
uint32_t token_of(const UniqueFd& socket);
void exchange_byte(const UniqueFd& from, const UniqueFd& to);

/// net.mptcp.path_manager (pm_type before 6.15) of this namespace.
void select_userspace_path_manager();

class EventLog {
 public:
  EventLog();
  /// The first event, among those seen and those to come within half a minute, that matches.
  std::optional<pm::Event> wait_for(const std::function<bool(const pm::Event&)>& matches);
  std::optional<pm::Event> wait_for(uint8_t type, std::optional<uint32_t> token);

 private:
  std::optional<netlink::Socket> socket_;
  std::vector<pm::Event> seen_;
};

}  // namespace mptcp::test
