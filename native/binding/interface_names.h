// Converts the interface names in link-local addresses (`fe80::1%eth0`). They belong to a network
// namespace, so that the thread that has entered it must look them up.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/result.h"

namespace mptcp::binding {

/// Writes addresses on the thread. It looks up each name once, and so is for items of one moment.
class InterfaceNames {
 public:
  /// Writes the same as to_text(address).
  std::string text(const Address& address);

 private:
  const std::string& name(uint32_t scope);

  std::vector<std::pair<uint32_t, std::string>> names_;
};

/// Carries the names in addresses from JavaScript to the thread, which makes them scopes.
class InterfaceScopes {
 public:
  /// Parses an address on the JavaScript thread; its scope becomes the place of its name. Returns
  /// nothing if `text` is not an address.
  std::optional<Address> parse(const std::string& text, uint16_t port);
  /// Replaces the place of a name by its scope, on the thread that has entered the network
  /// namespace. Fails with ENODEV if there is no such interface.
  Result<void> resolve(Address& address) const;

 private:
  std::vector<std::string> names_;  // the name at index n is unresolved scope n + 1
};

}  // namespace mptcp::binding
