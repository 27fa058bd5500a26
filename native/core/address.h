// Defines an IP address with its port and scope, which connections, endpoints and events share.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace mptcp {

struct Address {
  sa_family_t family = AF_UNSPEC;   // AF_INET or AF_INET6 once it is set
  std::array<uint8_t, 16> bytes{};  // network order, the first 4 for AF_INET
  uint16_t port = 0;                // host order
  uint32_t scope = 0;               // interface index of a link-local address

  bool operator==(const Address&) const = default;
};

/// Converts `storage`. A v4-mapped IPv6 address becomes the IPv4 address that it stands for, and
/// another family than IPv4 and IPv6 gives an address of AF_UNSPEC.
Address from_sockaddr(const sockaddr_storage& storage);

/// Makes an address of `bytes`, 4 or 16 of them by `family`.
Address from_bytes(sa_family_t family, const void* bytes, uint16_t port = 0, uint32_t scope = 0);

/// Parses numeric text, which may end in `%scope`, an interface name or index. Returns nothing if
/// `text` is not an address.
std::optional<Address> parse_address(const std::string& text, uint16_t port = 0);

/// Fills `storage` and returns the length that connect() and bind() need.
socklen_t to_sockaddr(const Address& address, sockaddr_storage* storage);

/// Writes the address without its port; a link-local address keeps its `%interface`.
std::string to_text(const Address& address);

}  // namespace mptcp
