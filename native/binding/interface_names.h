// The interface names in link-local addresses (`fe80::1%eth0`). They belong to a network namespace,
// so the thread that is in it looks them up.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/result.h"

namespace mptcp::binding {

/// From the thread to JavaScript. Each name is asked for once: for what is read at one time.
class InterfaceNames {
 public:
  /// As to_text(address).
  std::string text(const Address& address);

 private:
  const std::string& name(uint32_t scope);

  std::vector<std::pair<uint32_t, std::string>> names_;
};

/// From JavaScript to the thread: the names that addresses have, to become their scopes.
class InterfaceScopes {
 public:
  /// On the JavaScript thread: the address without its scope, or nothing where `text` is none.
  std::optional<Address> parse(const std::string& text, uint16_t port);
  /// On the thread that is in the address's network namespace: replaces the place of a name by the
  /// scope that it stands for. ENODEV: there is no such interface.
  Result<void> resolve(Address& address) const;

 private:
  std::vector<std::string> names_;  // of scope n + 1, until it is resolved
};

}  // namespace mptcp::binding
