// Hands sockets over between their owners at connect() and at close().
#pragma once

#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp {

/// Replaces `target`, for whose connect() an event loop waits, by the connected socket `source`:
/// `target` becomes writable at once. `source` stays open.
Result<void> replace_connecting(int epoll_fd, int target, int source);

/// Returns a duplicate of `fd` that keeps the connection when `fd` is closed. Its owner must send
/// the DATA_FIN, reset the connection when data arrives, and close it when the peer has closed. The
/// kernel does not do so: after an MPTCP close() it continues to accept the peer's data for
/// net.mptcp.close_timeout, while TCP answers with a reset. The result is empty if a plain close()
/// is right: the connection uses TCP, the peer has closed already, or unread data makes the kernel
/// reset at once.
Result<UniqueFd> duplicate_to_keep(int fd);

}  // namespace mptcp
