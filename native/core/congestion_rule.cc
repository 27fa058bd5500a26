#include "core/congestion_rule.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <string_view>

#include "core/mptcp_socket.h"

namespace mptcp {
namespace {

constexpr socklen_t kMaxName = 16;  // TCP_CA_NAME_MAX

Result<bool> has_congestion_control(int fd, std::string_view name) {
  std::array<char, kMaxName + 1> current{};
  socklen_t length = kMaxName;
  if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, current.data(), &length) != 0) {
    return last_error("getsockopt TCP_CONGESTION");
  }
  return current.data() == name;
}

}  // namespace

Result<Collapse> avoid_collapse(int fd) {
  const auto collapsing = has_congestion_control(fd, kCollapsing);
  if (!collapsing) return collapsing.error();
  if (!*collapsing) return Collapse::kUnlikely;
  const auto speaks = speaks_mptcp(fd);
  if (!speaks) return speaks.error();
  if (!*speaks) return Collapse::kUnlikely;
  const auto info = read_tcp_info(fd);
  if (!info) return info.error();
  // What queues add to a round trip says nothing about the distance.
  if (info->value.min_rtt >= kNearbyRtt) return Collapse::kDistant;  // not measured: the largest
  constexpr std::string_view kName = kInstead;
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, kName.data(), kName.size()) != 0) {
    return last_error("setsockopt TCP_CONGESTION");
  }
  const auto replaced = has_congestion_control(fd, kInstead);
  if (!replaced) return replaced.error();
  return *replaced ? Collapse::kAvoided : Collapse::kUnlikely;
}

}  // namespace mptcp
