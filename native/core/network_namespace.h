// Enters other network namespaces, found by their name or path.
#pragma once

#include <string>

#include "core/result.h"

namespace mptcp {

/// Moves the calling thread, and no other one, for good: its sockets, interface names and
/// /proc/thread-self/net are the namespace's from then on. A name is one of `ip netns`
/// (/run/netns/<name>); a text with a slash is a path, such as /proc/1234/ns/net. Fails with
/// ENOENT if there is no such namespace, and with EPERM without CAP_SYS_ADMIN here and in the
/// namespace's owner.
Result<void> enter_network_namespace(const std::string& name_or_path);

/// Returns the cookie of the calling thread's network namespace, a number that no other one has
/// until the machine starts again. Fails with ENOPROTOOPT before Linux 5.14.
Result<std::string> network_namespace_cookie();

}  // namespace mptcp
