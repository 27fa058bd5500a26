// Makes MPTCP connections in the test's network namespace and logs the kernel's events about them.
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

/// Opens an MPTCP listener, on a free port if that of `address` is 0.
UniqueFd listen_on(const Address& address);
/// Connects blocking sockets and exchanges data, so that both sides are fully established.
Connection connect_to(const UniqueFd& listener, const Address& address);

Address local_address(const UniqueFd& socket);
uint32_t token_of(const UniqueFd& socket);
void exchange_byte(const UniqueFd& from, const UniqueFd& to);

/// Sets net.mptcp.path_manager, or pm_type before Linux 6.15, in this namespace.
void select_userspace_path_manager();

/// Keeps the events of the namespace from its creation on.
class EventLog {
 public:
  EventLog();
  /// Returns the first matching event, which may have arrived already or within half a minute.
  std::optional<pm::Event> wait_for(const std::function<bool(const pm::Event&)>& matches);
  std::optional<pm::Event> wait_for(uint8_t type, std::optional<uint32_t> token);

 private:
  std::optional<netlink::Socket> socket_;
  std::vector<pm::Event> seen_;
};

}  // namespace mptcp::test
