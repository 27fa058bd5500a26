// Opens MPTCP sockets and reads their state by getsockopt (kernel: net/mptcp/sockopt.c).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/address.h"
#include "core/result.h"
#include "core/uapi/mptcp.h"
#include "core/unique_fd.h"

namespace mptcp {

/// Holds a struct of the kernel and how much of it the running kernel has filled.
template <class T>
struct Reported {
  T value{};
  size_t length = 0;  // bytes; fields beyond are not reported
};

using MptcpInfo = Reported<uapi::MptcpInfo>;
using TcpInfo = Reported<uapi::TcpInfo>;

struct SubflowAddresses {
  std::optional<uint32_t> id;  // the subflow's number in its connection; since Linux 6.5
  Address local;
  Address remote;
};

struct Subflow {
  SubflowAddresses addresses;
  TcpInfo tcp_info;
};

struct FullInfo {
  MptcpInfo info;
  std::vector<Subflow> subflows;
};

/// Opens a non-blocking, close-on-exec stream socket of AF_INET or AF_INET6. Fails with ENOPROTOOPT
/// if net.mptcp.enabled is 0, with EPROTONOSUPPORT if this kernel is built without MPTCP, and with
/// EINVAL before Linux 5.6.
Result<UniqueFd> open_mptcp_socket(sa_family_t family);

/// Reads SO_PROTOCOL: it stays 262 on a client that fell back, and is 6 on a socket that was
/// accepted from a TCP client.
Result<int> socket_protocol(int fd);

/// Returns whether a connected socket uses MPTCP now. Fails with ENOTSUP before Linux 5.16, which
/// cannot report it.
Result<bool> speaks_mptcp(int fd);

/// Reads MPTCP_INFO. Fails with EOPNOTSUPP or ENOPROTOOPT if the connection uses TCP.
Result<MptcpInfo> read_mptcp_info(int fd);

/// Reads TCP_INFO of a TCP connection, or of the initial subflow of an MPTCP connection.
Result<TcpInfo> read_tcp_info(int fd);

/// Reads MPTCP_TCPINFO, in the order of read_subflow_addresses(). Needs Linux 5.16.
Result<std::vector<TcpInfo>> read_subflow_tcp_info(int fd);

/// How the subflows of a connection are, as a whole.
enum class PathHealth {
  kLost,    // none is connected, and there is nothing to read
  kUnread,  // none is connected, but what arrived before, or the peer's end, is still to be read
  kSilent,  // each that is connected waits for the answer to two or more retransmissions or probes
  kAlive,   // there is another
};

/// Reads the health of a connection's paths. Fails with EOPNOTSUPP or ENOPROTOOPT if it uses TCP,
/// and before Linux 5.16.
Result<PathHealth> read_path_health(int fd);

/// Reads MPTCP_SUBFLOW_ADDRS. Needs Linux 5.16.
Result<std::vector<SubflowAddresses>> read_subflow_addresses(int fd);

/// Reads MPTCP_FULL_INFO, a consistent snapshot. Needs Linux 6.5.
Result<FullInfo> read_full_info(int fd);

/// Reads the subflows by read_full_info(), or by the two older options if the kernel lacks it.
Result<std::vector<Subflow>> read_subflows(int fd);

}  // namespace mptcp
