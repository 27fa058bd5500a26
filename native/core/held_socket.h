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

/// Accepts and resets every connection that waits at such a listener, or at that of a name. Joins
/// never wait there, but they are refused while its queue is full. An error means that this process
/// has no descriptors.
Result<void> reset_waiting(int listener);

/// Binds an abstract Unix name, which is unique in the calling thread's network namespace: it is a
/// lock that ends with its holder. Fails with EADDRINUSE if another socket has it, see
/// abstract_name_owner().
Result<UniqueFd> hold_abstract_name(const std::string& name);

/// The process that holds a name, as it was when it began to.
struct NameOwner {
  pid_t pid = 0;  // 0 if it is in another pid namespace
  uid_t uid = 0;  // as this user namespace sees it
};

/// Returns the process that holds the name, or nothing if nobody does. Fails with EAGAIN if so many
/// have asked that its queue is full: a holder should accept and close what waits there.
Result<std::optional<NameOwner>> abstract_name_owner(const std::string& name);

}  // namespace mptcp
