// What an event loop's socket needs at its beginning and its end beyond connect() and close().
#pragma once

#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp {

/// Puts the connected socket `source` in the place of `target`, which an event loop watches for
/// the end of its own connect(): `target` becomes writable at once. `source` stays open.
Result<void> replace_connecting(int epoll_fd, int target, int source);

/// Says goodbye as TCP's close() does, without giving up the socket: after an MPTCP close() the
/// kernel goes on taking the peer's data for net.mptcp.close_timeout, where TCP answers with a
/// reset. Sends the DATA_FIN and gives a duplicate of `fd` whose owner resets it when data
/// arrives and closes it when the peer is done. Empty: a plain close() is right (the connection
/// speaks TCP, the peer is done already, or unread data makes the kernel reset at once).
Result<UniqueFd> keep_after_close(int fd);

}  // namespace mptcp
