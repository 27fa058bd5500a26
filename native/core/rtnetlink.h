// Interfaces, their addresses and routes: dumped and watched (kernel: net/core/rtnetlink.c,
// net/ipv4/devinet.c, net/ipv6/addrconf.c, fib_*.c).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/address.h"
#include "core/netlink/socket.h"
#include "core/result.h"

namespace mptcp::rtnetlink {

struct Link {
  int32_t index = 0;
  std::string name;
  uint32_t flags = 0;                        // IFF_*
  std::optional<uint32_t> mtu;               // bytes
  std::optional<uint8_t> operational_state;  // IF_OPER_* (RFC 2863)
  std::optional<bool> carrier;
  std::string kind;               // "veth", "wireguard" ...; empty: none
  std::optional<int32_t> master;  // index of the bridge, bond or VRF that it belongs to

  bool operator==(const Link&) const = default;
};

struct InterfaceAddress {
  int32_t interface = 0;  // index
  Address address;
  uint8_t prefix_length = 0;
  uint8_t scope = 0;   // RT_SCOPE_*
  uint32_t flags = 0;  // IFA_F_*

  bool operator==(const InterfaceAddress&) const = default;
};

struct NextHop {
  std::optional<Address> gateway;
  int32_t interface = 0;  // index; 0: none
  uint16_t weight = 1;

  bool operator==(const NextHop&) const = default;
};

struct Route {
  sa_family_t family = 0;              // AF_INET or AF_INET6
  std::optional<Address> destination;  // absent: the default route
  uint8_t prefix_length = 0;
  uint32_t table = 0;    // RT_TABLE_*
  uint8_t type = 0;      // RTN_*
  uint8_t protocol = 0;  // RTPROT_*: who made it
  uint32_t metric = 0;   // the lower wins
  std::optional<Address> preferred_source;
  std::vector<NextHop> next_hops;  // more than one: multipath; none: unreachable, blackhole ...

  bool operator==(const Route&) const = default;
};

/// What a notification says has happened. The kernel does not say whether an address is new or
/// changed; for links and routes it mostly does.
enum class ChangeKind : uint8_t { kAdded, kChanged, kAddedOrChanged, kRemoved };

struct Change {
  ChangeKind kind = ChangeKind::kAddedOrChanged;
  std::variant<Link, InterfaceAddress, Route> object;
};

/// A socket for the dumps below, in the calling thread's network namespace.
Result<netlink::Socket> open();

/// A socket that receives the changes of links, addresses and routes; to lose none, open it before
/// the first dump. ENOBUFS from its receive(): changes were lost, dump again.
Result<netlink::Socket> open_watch();

Result<std::vector<Link>> links(netlink::Socket& socket);
Result<std::vector<InterfaceAddress>> addresses(netlink::Socket& socket);

/// The routes of all tables, streamed, because a router has a million. `each` gives false to end;
/// after `restart` all that it got before is void.
Result<void> routes(netlink::Socket& socket, const std::function<bool(const Route&)>& each,
                    const std::function<void()>& restart);

// EBADMSG where the bytes are no such message.
Result<Link> decode_link(const netlink::MessageView& message);
Result<InterfaceAddress> decode_address(const netlink::MessageView& message);
Result<Route> decode_route(const netlink::MessageView& message);

/// Nothing for a message about something else: other families, the ports of a bridge.
Result<std::optional<Change>> decode_change(const netlink::MessageView& message);

}  // namespace mptcp::rtnetlink
