// Other network namespaces: found by name or path, entered by one thread alone.
#pragma once

#include <string>
#include <thread>
#include <utility>

#include "core/result.h"
#include "core/unique_fd.h"

namespace mptcp {

/// A name is one of `ip netns` (/run/netns/<name>); a text with a slash is a path, such as
/// /proc/1234/ns/net. ENOENT: no such namespace.
Result<UniqueFd> open_network_namespace(const std::string& name_or_path);

/// Moves the calling thread for good: sockets, interface names and /proc/thread-self/net of this
/// thread are the namespace's from then on. EPERM: needs CAP_SYS_ADMIN here and in the namespace's
/// owner.
Result<void> enter_network_namespace(int fd);
Result<void> enter_network_namespace(const std::string& name_or_path);

/// Runs `make` (which gives a Result) on a short-lived thread that has entered the namespace; the
/// calling thread, which waits for it, stays where it is.
template <class Make>
auto in_network_namespace(int fd, Make make) -> decltype(make()) {
  std::optional<decltype(make())> made;
  std::thread([&] {
    const auto entered = enter_network_namespace(fd);
    if (entered) {
      made.emplace(make());
    } else {
      made.emplace(entered.error());
    }
  }).join();
  return std::move(*made);
}

}  // namespace mptcp
