// Sockets that are held for what the kernel does with them, never read.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/address.h"
#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp {

/// Listens, so that subflows can join at an announced address: in userspace mode the kernel opens
/// no listener for it. EADDRINUSE: somebody listens there.
Result<UniqueFd> hold_mptcp_listener(const Address& address);

/// Accepts and resets whoever waits at a listener that nobody serves: their place in its queue is
/// the joins' too, which do not wait there. An error is one of this process: no descriptors.
Result<void> reset_waiting(int listener);

/// Holds an abstract Unix name, of which the calling thread's network namespace has one alone: a
/// lock that ends with its holder. EADDRINUSE: see abstract_name_owner().
Result<UniqueFd> hold_abstract_name(const std::string& name);

/// The process that holds the name; 0: one of another pid namespace.
Result<std::optional<pid_t>> abstract_name_owner(const std::string& name);

}  // namespace mptcp
