// The rule of `congestionControl: 'auto'`: bbr collapses over MPTCP where the path has no rate
// limit of its own, which is between a host and itself or its neighbours (figures and proof:
// docs/congestion-control.md). There, and only there, reno takes its place: every kernel has it and
// lets everybody use it.
#pragma once

#include <cstdint>

#include "core/result.h"

namespace mptcp {

inline constexpr const char* kCollapsing = "bbr";
inline constexpr const char* kInstead = "reno";
inline constexpr uint32_t kNearbyRtt = 1000;  // µs; a peer with a shorter round trip is a neighbour

enum class Collapse {
  kUnlikely,  // another congestion control, or TCP
  kDistant,   // kCollapsing, towards a peer that no round trip has shown to be a neighbour
  kAvoided,   // the connection speaks MPTCP, had kCollapsing towards a neighbour, and has kInstead
};

/// kAvoided was read back from the kernel.
Result<Collapse> avoid_collapse(int fd);

}  // namespace mptcp
