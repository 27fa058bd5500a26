// Applies the rule of `congestionControl: 'auto'` to a socket.
#include "core/congestion_rule.h"

#include "core/mptcp_socket.h"
#include "core/socket_options.h"

namespace mptcp {
namespace {

constexpr const char* kOption = "TCP_CONGESTION";

Result<bool> has_congestion_control(int fd, const char* name) {
  const auto current = get_socket_option(fd, kOption);
  if (!current) return current.error();
  return *current == OptionValue(name);
}

bool is_mptcp_neighbour(int fd) {
  const auto speaks = speaks_mptcp(fd);
  if (!speaks || !*speaks) return false;
  const auto info = read_tcp_info(fd);
  // The minimum measures the distance; the average includes the time in queues.
  return info && info->value.min_rtt < kNearbyRtt;
}

}  // namespace

Result<bool> forestall_collapse(int fd) {
  auto collapsing = has_congestion_control(fd, kCollapsing);
  if (!collapsing || !*collapsing) return collapsing;
  const auto replaced = set_socket_option(fd, kOption, kInstead);
  if (!replaced) return replaced.error();
  return true;
}

Result<bool> settle_collapse(int fd) {
  const bool stays = is_mptcp_neighbour(fd);
  const auto settled = set_socket_option(fd, kOption, stays ? kInstead : kCollapsing);
  if (!settled) return settled.error();
  return has_congestion_control(fd, kInstead);
}

}  // namespace mptcp
