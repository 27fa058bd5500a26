// MPTCP sockets: opened, and read by getsockopt (kernel: net/mptcp/sockopt.c).
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

/// A struct of the kernel with as many of its bytes as the running kernel filled.
template <class T>
struct Reported {
  T value{};
  size_t length = 0;  // bytes; what lies beyond was not reported
};

using MptcpInfo = Reported<uapi::MptcpInfo>;
using TcpInfo = Reported<uapi::TcpInfo>;

struct SubflowAddresses {
  std::optional<uint32_t> id;  // the kernel's number of the subflow in its connection; since 6.5
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

/// A non-blocking, close-on-exec stream socket. `family`: AF_INET or AF_INET6.
/// ENOPROTOOPT: net.mptcp.enabled=0. EPROTONOSUPPORT: no MPTCP in this kernel. EINVAL: before 5.6.
Result<UniqueFd> open_mptcp_socket(sa_family_t family);

/// SO_PROTOCOL. Stays 262 on a client that fell back; 6 on a socket accepted from a TCP client.
Result<int> socket_protocol(int fd);

/// Whether a connected socket speaks MPTCP now. ENOTSUP: this kernel cannot say (before 5.16).
Result<bool> speaks_mptcp(int fd);

/// MPTCP_INFO. EOPNOTSUPP, ENOPROTOOPT: the connection speaks TCP.
Result<MptcpInfo> read_mptcp_info(int fd);

/// TCP_INFO: of a TCP connection, or of an MPTCP connection's first subflow.
Result<TcpInfo> read_tcp_info(int fd);

/// MPTCP_TCPINFO, in the order of read_subflow_addresses. Since 5.16.
Result<std::vector<TcpInfo>> read_subflow_tcp_info(int fd);

/// MPTCP_SUBFLOW_ADDRS. Since 5.16.
Result<std::vector<SubflowAddresses>> read_subflow_addresses(int fd);

/// MPTCP_FULL_INFO: one consistent picture. Since 6.5.
Result<FullInfo> read_full_info(int fd);

/// The subflows by read_full_info, or by the two older options where the kernel lacks it.
Result<std::vector<Subflow>> read_subflows(int fd);

}  // namespace mptcp
