// Opens sockets that exist for what the kernel does with them, and that nobody reads.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/address.h"
#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp {

/// Listens so that subflows can join at an announced address, for which the kernel opens no
/// listener in userspace mode. Fails with EADDRINUSE if another socket listens there.
Result<UniqueFd> hold_mptcp_listener(const Address& address);

/// Accepts and resets every connection that waits at such a listener. Joins never wait there, but
/// they are refused while its queue is full. An error means that this process has no descriptors.
Result<void> reset_waiting(int listener);

/// Binds an abstract Unix name, which is unique in the calling thread's network namespace: it is a
/// lock that ends with its holder. Fails with EADDRINUSE if another socket has it, see
/// abstract_name_owner().
Result<UniqueFd> hold_abstract_name(const std::string& name);

/// Returns the process that holds the name: 0 if it is in another pid namespace, nothing if nobody
/// holds it.
Result<std::optional<pid_t>> abstract_name_owner(const std::string& name);

}  // namespace mptcp
