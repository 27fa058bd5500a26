// The interface names in link-local addresses (`fe80::1%eth0`). They belong to a network namespace,
// so the thread that is in it looks them up, and they travel with what they are for.
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

/// Visits every Address in a command, a reply or an event.
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
    if constexpr (requires { thing.peer; }) for_each_address(thing.peer, visit);
    if constexpr (requires { thing.destination; }) for_each_address(thing.destination, visit);
    if constexpr (requires { thing.preferred_source; }) {
      for_each_address(thing.preferred_source, visit);
    }
    if constexpr (requires { thing.gateway; }) for_each_address(thing.gateway, visit);
    if constexpr (requires { thing.next_hops; }) for_each_address(thing.next_hops, visit);
    if constexpr (requires { thing.object; }) for_each_address(thing.object, visit);
  }
}

/// From the thread to JavaScript: the names of the scopes that addresses have.
class InterfaceNames {
 public:
  /// On the thread.
  template <class T>
  void add_from(T& thing) {
    for_each_address(thing, [&](const Address& address) { add(address); });
  }
  /// On the JavaScript thread: as to_text(address) is in the namespace.
  std::string text(const Address& address) const;

 private:
  void add(const Address& address);

  std::vector<std::pair<uint32_t, std::string>> names_;
};

template <class T>
struct Named {
  T value;
  InterfaceNames names;
};

/// On the thread.
template <class T>
Named<T> with_names(T value) {
  Named<T> named{std::move(value), {}};
  named.names.add_from(named.value);
  return named;
}

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
