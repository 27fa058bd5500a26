// Finds out whether the kernel's events report that a peer denies joins to its initial address and
// port (the C flag of MP_CAPABLE, RFC 8684 section 3.1). They do since Linux 6.17 and in the
// kernels to which that was backported.
#pragma once

#include <optional>

#include "core/result.h"

namespace mptcp::pm {

/// Returns whether the events of this kernel report it, or nothing if that cannot be found out. The
/// function makes a connection over the loopback interface: of a new network namespace if
/// CAP_SYS_ADMIN allows one, else of the calling thread's own. Events need CAP_NET_ADMIN. The call
/// lasts some milliseconds, and a second at most. EAGAIN: the process may have no more threads.
Result<std::optional<bool>> events_report_denied_joins();

}  // namespace mptcp::pm
