// The rule of `congestionControl: 'auto'`: bbr collapses over MPTCP where the path has no rate
// limit of its own, which is between a host and itself or its neighbours (figures and proof:
// docs/congestion-control.md). There, and only there, reno takes its place: every kernel has it and
// lets everybody use it. A connection that was made with bbr stays slow whatever replaces it, so
// the place is taken before, and given back to bbr where the peer is none of these.
#pragma once

#include <cstdint>

#include "core/result.h"

namespace mptcp {

inline constexpr const char* kCollapsing = "bbr";
inline constexpr const char* kInstead = "reno";
inline constexpr uint32_t kNearbyRtt = 1000;  // µs; a peer with a shorter round trip is a neighbour

/// On a socket that is to connect or listen, for it and what it accepts: kInstead, where it has
/// kCollapsing. True: it had.
Result<bool> forestall_collapse(int fd);

/// On a connection of such a socket: kInstead where it speaks MPTCP with a neighbour, else
/// kCollapsing. True: kInstead, as read back from the kernel.
Result<bool> settle_collapse(int fd);

}  // namespace mptcp
