// The interface names in link-local addresses (`fe80::1%eth0`). They belong to a network namespace,
// so the thread that is in it looks them up.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/address.h"
#include "core/result.h"

namespace mptcp::binding {

/// Visits every Address in what JavaScript asks for.
template <class T, class Visit>
void for_each_address(T& thing, const Visit& visit) {
  if constexpr (requires(Address & address) {
                  address = thing;
                  visit(thing);
                }) {
    visit(thing);
  } else if constexpr (requires { thing.begin(); }) {
    for (auto& element : thing) for_each_address(element, visit);
  } else if constexpr (requires { thing.valueless_by_exception(); }) {
    std::visit([&](auto& alternative) { for_each_address(alternative, visit); }, thing);
  } else if constexpr (requires { *thing; }) {
    if (thing) for_each_address(*thing, visit);
  } else {
    if constexpr (requires { thing.address; }) for_each_address(thing.address, visit);
    if constexpr (requires { thing.local; }) for_each_address(thing.local, visit);
    if constexpr (requires { thing.remote; }) for_each_address(thing.remote, visit);
    if constexpr (requires { thing.endpoint; }) for_each_address(thing.endpoint, visit);
  }
}

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
  /// On the thread: gives the addresses of `thing` their scopes. ENODEV: no such interface.
  template <class T>
  Result<void> resolve(T& thing) const {
    Result<void> resolved;
    for_each_address(thing, [&](Address& address) {
      if (auto found = resolve_address(address); !found) resolved = std::move(found);
    });
    return resolved;
  }

 private:
  Result<void> resolve_address(Address& address) const;

  std::vector<std::string> names_;  // of scope n + 1, until it is resolved
};

}  // namespace mptcp::binding
