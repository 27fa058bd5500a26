// The MPTCP connections of a network namespace and their subflows, by sock_diag
// (kernel: net/ipv4/inet_diag.c, net/mptcp/mptcp_diag.c, net/mptcp/diag.c).
//
// Everything is streamed: `each` gets one item at a time and gives false to end; after `restart`
// all that it got before is void.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "core/address.h"
#include "core/mptcp_socket.h"
#include "core/netlink/socket.h"
#include "core/result.h"

namespace mptcp::sock_diag {

/// What every socket has.
struct Socket {
  uint8_t state = 0;  // TCP_ESTABLISHED ...
  Address local;
  Address remote;
  uint32_t uid = 0;
  uint32_t inode = 0;          // 0: no process holds it any more
  uint32_t receive_queue = 0;  // bytes; of a listener: connections that wait to be accepted
  uint32_t send_queue = 0;     // bytes; of a listener: how many may wait
};

struct Connection : Socket {
  std::optional<uint32_t> token;  // absent: a listener, or the kernel hides it
  std::optional<MptcpInfo> info;
};

/// The TCP socket of a subflow. Before 6.15 the kernel shows it with CAP_NET_ADMIN only.
struct Subflow : Socket {
  uint32_t token = 0;                    // of this side's connection
  std::optional<uint32_t> remote_token;  // known to the side that made an additional subflow
  std::optional<uint32_t> flags;         // uapi::kMptcpSubflowFlag*
  std::optional<uint8_t> local_id;
  std::optional<uint8_t> remote_id;
  std::unique_ptr<TcpInfo> tcp_info;  // where asked for
};

/// The kernel applies it.
struct Filter {
  uint32_t states = ~0U;  // 1 << TCP state
  std::optional<uint16_t> local_port;
  std::optional<uint16_t> remote_port;
  std::optional<Address> local;  // its port does not count; IPv4 also finds v4-mapped
  std::optional<Address> remote;
};

using Restart = std::function<void()>;

/// In the calling thread's network namespace.
Result<netlink::Socket> open();

/// ENOENT: this kernel has no sock_diag for MPTCP (before 5.9, or not configured).
Result<void> connections(netlink::Socket& socket, const Filter& filter,
                         const std::function<bool(const Connection&)>& each,
                         const Restart& restart);

/// All TCP sockets that are subflows.
Result<void> subflows(netlink::Socket& socket, bool with_tcp_info,
                      const std::function<bool(Subflow&&)>& each, const Restart& restart);

netlink::Message connection_dump(sa_family_t family, const Filter& filter);
netlink::Message subflow_dump(sa_family_t family);

// EBADMSG where the bytes are no such message.
Result<Connection> decode_connection(const netlink::MessageView& message);
/// Nothing for a TCP socket that is no subflow.
Result<std::optional<Subflow>> decode_subflow(const netlink::MessageView& message,
                                              bool with_tcp_info);

}  // namespace mptcp::sock_diag
