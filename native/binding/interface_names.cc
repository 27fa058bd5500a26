// Looks up interface names and indexes for link-local addresses.
#include "binding/interface_names.h"

#include <net/if.h>

#include <array>
#include <cerrno>

namespace mptcp::binding {

std::string InterfaceNames::text(const Address& address) {
  if (address.scope == 0) return to_text(address);
  Address unscoped = address;
  unscoped.scope = 0;
  return to_text(unscoped) + '%' + name(address.scope);
}

const std::string& InterfaceNames::name(uint32_t scope) {
  for (const auto& [known, name] : names_) {
    if (known == scope) return name;
  }
  std::array<char, IF_NAMESIZE> name{};
  return names_
      .emplace_back(scope, if_indextoname(scope, name.data()) ? name.data() : std::to_string(scope))
      .second;
}

std::optional<Address> InterfaceScopes::parse(const std::string& text, uint16_t port) {
  const size_t percent = text.find('%');
  auto address = parse_address(text.substr(0, percent), port);
  if (!address || percent == std::string::npos) return address;
  if (address->family != AF_INET6) return std::nullopt;
  names_.push_back(text.substr(percent + 1));
  address->scope = static_cast<uint32_t>(names_.size());
  return address;
}

Result<void> InterfaceScopes::resolve(Address& address) const {
  if (address.scope == 0) return {};
  const std::string& name = names_[address.scope - 1];
  const auto scoped = parse_address("fe80::%" + name);
  if (scoped) {
    address.scope = scoped->scope;
    return {};
  }
  Error error;
  error.code = ENODEV;
  error.call = "if_nametoindex " + name;
  return error;
}

}  // namespace mptcp::binding
