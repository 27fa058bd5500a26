// Enters network namespaces by their name or path, and identifies them.
#pragma once

#include <optional>
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

/// Returns the file handle of the calling thread's network namespace as a text, by which
/// network_namespace_exists() finds it; nothing where the kernel has none (before Linux 6.18).
Result<std::optional<std::string>> network_namespace_handle();

/// Returns whether the network namespace that has such a handle may still exist: false only where
/// the kernel says that it does not.
Result<bool> network_namespace_exists(const std::string& handle);

}  // namespace mptcp
