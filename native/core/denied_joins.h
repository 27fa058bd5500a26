// What the kernel's events say of a peer that denies joins to its first address and port (the C
// flag of MP_CAPABLE): nothing before Linux 6.17 and what it was backported to.
#pragma once

#include <optional>

namespace mptcp::pm {

/// Whether the events of this kernel tell of it, found out by a connection over the loopback: in a
/// network namespace made for that alone where CAP_SYS_ADMIN allows it, else in the calling
/// thread's own. Nothing: it could not be found out. Events need CAP_NET_ADMIN. Takes some
/// milliseconds, a second at most.
std::optional<bool> events_tell_denied_joins();

}  // namespace mptcp::pm
