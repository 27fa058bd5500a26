// Dumps the MPTCP connections of a network namespace and their subflows by sock_diag (kernel:
// net/ipv4/inet_diag.c, net/mptcp/mptcp_diag.c, net/mptcp/diag.c).
//
// Dumps are streamed: `each` receives one item at a time and returns false to end the dump.
// `restart` says that the items received so far are void.
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

/// Has the fields that connections and subflows share.
struct Socket {
  uint8_t state = 0;  // TCP_*, such as TCP_ESTABLISHED
  Address local;
  Address remote;
  uint32_t uid = 0;
  uint32_t inode = 0;          // 0 once no process holds the socket
  uint32_t receive_queue = 0;  // bytes; of a listener, the connections that wait for accept()
  uint32_t send_queue = 0;     // bytes; of a listener, its backlog
};

struct Connection : Socket {
  std::optional<uint32_t> token;  // absent for a listener, and if the kernel hides it
  std::optional<MptcpInfo> info;
};

/// Is the TCP socket of a subflow. Before Linux 6.15 the kernel shows it with CAP_NET_ADMIN only.
struct Subflow : Socket {
  uint32_t token = 0;                    // of the connection on this host
  std::optional<uint32_t> remote_token;  // the host that opened an additional subflow knows it
  std::optional<uint32_t> flags;         // uapi::kMptcpSubflowFlag*
  std::optional<uint8_t> local_id;
  std::optional<uint8_t> remote_id;
  std::unique_ptr<TcpInfo> tcp_info;  // if requested
};

/// Selects connections; the kernel applies it.
struct Filter {
  uint32_t states = ~0U;  // bits 1 << TCP state
  std::optional<uint16_t> local_port;
  std::optional<uint16_t> remote_port;
  std::optional<Address> local;  // without its port; IPv4 selects v4-mapped ones as well
  std::optional<Address> remote;
};

using Restart = std::function<void()>;

/// Opens a socket for dumps in the calling thread's network namespace.
Result<netlink::Socket> open();

/// Dumps connections and listeners. Fails with ENOENT if this kernel has no sock_diag for MPTCP
/// (before Linux 5.9, or not configured).
Result<void> connections(netlink::Socket& socket, const Filter& filter,
                         const std::function<bool(const Connection&)>& each,
                         const Restart& restart);

/// Dumps all TCP sockets that are subflows.
Result<void> subflows(netlink::Socket& socket, bool with_tcp_info,
                      const std::function<bool(Subflow&&)>& each, const Restart& restart);

netlink::Message connection_dump(sa_family_t family, const Filter& filter);
netlink::Message subflow_dump(sa_family_t family);

// The decoders fail with EBADMSG if the bytes are no such message.
Result<Connection> decode_connection(const netlink::MessageView& message);
/// Returns nothing for a TCP socket that is no subflow.
Result<std::optional<Subflow>> decode_subflow(const netlink::MessageView& message,
                                              bool with_tcp_info);

}  // namespace mptcp::sock_diag
