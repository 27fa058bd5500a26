// An IP address with its port and scope, as a connection, an endpoint or an event has it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace mptcp {

struct Address {
  sa_family_t family = AF_UNSPEC;   // AF_INET or AF_INET6
  std::array<uint8_t, 16> bytes{};  // network order, the first 4 for AF_INET
  uint16_t port = 0;                // host order
  uint32_t scope = 0;               // interface index of a link-local address

  bool operator==(const Address&) const = default;
};

/// A v4-mapped IPv6 address becomes the IPv4 address that it stands for.
Address from_sockaddr(const sockaddr_storage& storage);

/// The bytes of one address, 4 or 16 of them by `family`.
Address from_bytes(sa_family_t family, const void* bytes, uint16_t port = 0, uint32_t scope = 0);

/// Numeric text, with `%scope` (interface name or index) or without.
std::optional<Address> parse_address(const std::string& text, uint16_t port = 0);

/// Fills `storage`, and gives the length to pass to connect() or bind().
socklen_t to_sockaddr(const Address& address, sockaddr_storage* storage);

/// Without the port; a link-local address keeps its `%interface`.
std::string to_text(const Address& address);

}  // namespace mptcp
