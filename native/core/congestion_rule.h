// Implements the rule of `congestionControl: 'auto'`. Over MPTCP, bbr collapses on a path without a
// rate limit of its own, which is one between a host and itself or its neighbours (figures and
// proof: docs/congestion-control.md). There, and only there, reno replaces it: every kernel has
// reno and allows everybody to use it. A connection that was made with bbr stays slow whatever
// replaces it, so sockets get reno before they connect, and bbr again if the peer is not a
// neighbour.
#pragma once

#include <cstdint>

#include "core/result.h"

namespace mptcp {

inline constexpr const char* kCollapsing = "bbr";
inline constexpr const char* kInstead = "reno";
inline constexpr uint32_t kNearbyRtt = 1000;  // µs; a neighbour has a shorter round trip

/// Sets kInstead on a socket that has kCollapsing, before it connects or listens; accepted sockets
/// inherit it. Returns whether the socket had kCollapsing.
Result<bool> forestall_collapse(int fd);

/// Sets kInstead on an established connection of such a socket if it uses MPTCP with a neighbour,
/// else kCollapsing. Returns whether the kernel reports kInstead afterwards.
Result<bool> settle_collapse(int fd);

}  // namespace mptcp
