// Opens MPTCP sockets and reads the structs of their options at the length that the kernel filled.
#include "core/mptcp_socket.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mptcp {
namespace {

// No kernel allows more subflows today; a larger array is read again at its size.
constexpr uint32_t kExpectedSubflows = 9;

bool is_not_mptcp(int code) { return code == EOPNOTSUPP || code == ENOPROTOOPT; }

template <class T>
Result<Reported<T>> read_struct(int fd, int level, int option, const char* call) {
  Reported<T> reported;
  socklen_t length = sizeof(T);
  if (getsockopt(fd, level, option, &reported.value, &length) != 0) return last_error(call);
  reported.length = length;
  return reported;
}

// Holds the array of MPTCP_TCPINFO or MPTCP_SUBFLOW_ADDRS. The kernel has filled `length` bytes of
// each element.
template <class T>
struct SubflowArray {
  std::vector<T> elements;
  size_t length = 0;
};

template <class T>
Result<SubflowArray<T>> read_subflow_array(int fd, int option, const char* call) {
  for (uint32_t capacity = kExpectedSubflows;;) {
    std::vector<std::byte> buffer(sizeof(uapi::SubflowData) + capacity * sizeof(T));
    uapi::SubflowData header{};
    header.size_subflow_data = sizeof(header);
    header.size_user = sizeof(T);
    std::memcpy(buffer.data(), &header, sizeof(header));
    auto length = static_cast<socklen_t>(buffer.size());
    if (getsockopt(fd, uapi::kSolMptcp, option, buffer.data(), &length) != 0) {
      return last_error(call);
    }
    std::memcpy(&header, buffer.data(), sizeof(header));
    if (header.num_subflows > capacity) {
      capacity = header.num_subflows;
      continue;
    }
    SubflowArray<T> array;
    array.length = std::min<size_t>(header.size_user, sizeof(T));
    array.elements.resize(header.num_subflows);
    for (uint32_t i = 0; i < header.num_subflows; ++i) {
      std::memcpy(&array.elements[i], buffer.data() + sizeof(header) + i * header.size_user,
                  array.length);
    }
    return array;
  }
}

SubflowAddresses to_addresses(std::optional<uint32_t> id, const uapi::SubflowAddrs& addrs) {
  return {id, from_sockaddr(addrs.local), from_sockaddr(addrs.remote)};
}

// Whether a subflow can still carry something: it is neither opening nor over.
bool is_connected(uint8_t state) {
  switch (state) {
    case TCP_ESTABLISHED:
    case TCP_FIN_WAIT1:
    case TCP_FIN_WAIT2:
    case TCP_CLOSE_WAIT:
    case TCP_LAST_ACK:
    case TCP_CLOSING:
      return true;
    default:
      return false;
  }
}

bool is_readable(int fd) {
  pollfd state{fd, POLLIN, 0};
  return poll(&state, 1, 0) > 0 && (state.revents & POLLIN) != 0;
}

// Every kernel since 5.16 has the option even on a socket that was never connected.
bool kernel_has_mptcp_info() {
  const auto fresh = open_mptcp_socket(AF_INET);
  return fresh && read_mptcp_info(fresh->get());
}

}  // namespace

Result<UniqueFd> open_mptcp_socket(sa_family_t family) {
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, uapi::kIpprotoMptcp));
  if (!fd) return last_error("socket");
  return fd;
}

Result<int> socket_protocol(int fd) {
  int protocol = 0;
  socklen_t length = sizeof(protocol);
  if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0) {
    return last_error("getsockopt SO_PROTOCOL");
  }
  return protocol;
}

Result<bool> speaks_mptcp(int fd) {
  const auto info = read_mptcp_info(fd);
  if (info) return true;
  if (!is_not_mptcp(info.error().code)) return info.error();
  const auto protocol = socket_protocol(fd);
  if (!protocol) return protocol.error();
  // An old kernel refuses the option on a real MPTCP connection too.
  if (*protocol == uapi::kIpprotoMptcp && !kernel_has_mptcp_info()) {
    Error error = info.error();
    error.code = ENOTSUP;
    return error;
  }
  return false;
}

Result<MptcpInfo> read_mptcp_info(int fd) {
  return read_struct<uapi::MptcpInfo>(fd, uapi::kSolMptcp, uapi::kMptcpInfo,
                                      "getsockopt MPTCP_INFO");
}

Result<TcpInfo> read_tcp_info(int fd) {
  return read_struct<uapi::TcpInfo>(fd, IPPROTO_TCP, TCP_INFO, "getsockopt TCP_INFO");
}

Result<std::vector<TcpInfo>> read_subflow_tcp_info(int fd) {
  const auto array =
      read_subflow_array<uapi::TcpInfo>(fd, uapi::kMptcpTcpInfo, "getsockopt MPTCP_TCPINFO");
  if (!array) return array.error();
  std::vector<TcpInfo> infos;
  infos.reserve(array->elements.size());
  for (const auto& element : array->elements) infos.push_back({element, array->length});
  return infos;
}

Result<PathHealth> read_path_health(int fd) {
  const auto array =
      read_subflow_array<uapi::TcpProgress>(fd, uapi::kMptcpTcpInfo, "getsockopt MPTCP_TCPINFO");
  if (!array) return array.error();
  auto health = PathHealth::kLost;
  for (const auto& subflow : array->elements) {
    if (!is_connected(subflow.state)) continue;
    if (std::max(subflow.retransmits, subflow.probes) < 2) return PathHealth::kAlive;
    health = PathHealth::kSilent;
  }
  if (health == PathHealth::kLost && is_readable(fd)) return PathHealth::kUnread;
  return health;
}

Result<std::vector<SubflowAddresses>> read_subflow_addresses(int fd) {
  const auto array = read_subflow_array<uapi::SubflowAddrs>(fd, uapi::kMptcpSubflowAddrs,
                                                            "getsockopt MPTCP_SUBFLOW_ADDRS");
  if (!array) return array.error();
  std::vector<SubflowAddresses> addresses;
  addresses.reserve(array->elements.size());
  for (const auto& element : array->elements) {
    addresses.push_back(to_addresses(std::nullopt, element));
  }
  return addresses;
}

Result<FullInfo> read_full_info(int fd) {
  for (uint32_t capacity = kExpectedSubflows;;) {
    std::vector<uapi::SubflowInfo> infos(capacity);
    std::vector<uapi::TcpInfo> tcp_infos(capacity);
    uapi::FullInfo full{};
    full.size_tcpinfo_user = sizeof(uapi::TcpInfo);
    full.size_sfinfo_user = sizeof(uapi::SubflowInfo);
    full.size_arrays_user = capacity;
    full.subflow_info = reinterpret_cast<uintptr_t>(infos.data());
    full.tcp_info = reinterpret_cast<uintptr_t>(tcp_infos.data());
    socklen_t length = sizeof(full);
    if (getsockopt(fd, uapi::kSolMptcp, uapi::kMptcpFullInfo, &full, &length) != 0) {
      return last_error("getsockopt MPTCP_FULL_INFO");
    }
    if (full.num_subflows > capacity) {
      capacity = full.num_subflows;
      continue;
    }
    FullInfo result;
    result.info.value = full.mptcp_info;
    result.info.length = length - offsetof(uapi::FullInfo, mptcp_info);
    // The kernel packs the elements at the smaller of both sizes.
    const size_t info_stride = std::min<size_t>(full.size_sfinfo_user, sizeof(uapi::SubflowInfo));
    const size_t tcp_stride = std::min<size_t>(full.size_tcpinfo_user, sizeof(uapi::TcpInfo));
    for (uint32_t i = 0; i < full.num_subflows; ++i) {
      uapi::SubflowInfo info{};
      std::memcpy(&info, reinterpret_cast<const std::byte*>(infos.data()) + i * info_stride,
                  info_stride);
      Subflow subflow;
      subflow.addresses = to_addresses(info.id, info.addrs);
      subflow.tcp_info.length = tcp_stride;
      std::memcpy(&subflow.tcp_info.value,
                  reinterpret_cast<const std::byte*>(tcp_infos.data()) + i * tcp_stride,
                  tcp_stride);
      result.subflows.push_back(subflow);
    }
    return result;
  }
}

Result<std::vector<Subflow>> read_subflows(int fd) {
  auto full = read_full_info(fd);
  if (full) return std::move(full->subflows);
  if (!is_not_mptcp(full.error().code)) return full.error();
  const auto addresses = read_subflow_addresses(fd);
  if (!addresses) return addresses.error();
  const auto tcp_infos = read_subflow_tcp_info(fd);
  if (!tcp_infos) return tcp_infos.error();
  // The arrays are unequal if a subflow came or went between the two calls.
  const size_t count = std::min(addresses->size(), tcp_infos->size());
  std::vector<Subflow> subflows;
  subflows.reserve(count);
  for (size_t i = 0; i < count; ++i) subflows.push_back({(*addresses)[i], (*tcp_infos)[i]});
  return subflows;
}

}  // namespace mptcp
