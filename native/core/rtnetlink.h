// Dumps and watches links, their addresses and routes (kernel: net/core/rtnetlink.c,
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
  std::string kind;               // such as "veth"; empty if the driver has none
  std::optional<int32_t> master;  // index of the link's bridge, bond or VRF

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
  int32_t interface = 0;  // index; 0 stands for none
  uint16_t weight = 1;

  bool operator==(const NextHop&) const = default;
};

struct Route {
  sa_family_t family = 0;              // AF_INET or AF_INET6
  std::optional<Address> destination;  // absent for the default route
  uint8_t prefix_length = 0;
  uint32_t table = 0;    // RT_TABLE_*
  uint8_t type = 0;      // RTN_*
  uint8_t protocol = 0;  // RTPROT_*, which names its maker
  uint32_t metric = 0;   // the kernel prefers the lowest
  std::optional<Address> preferred_source;
  std::vector<NextHop> next_hops;  // several if multipath; none if unreachable, blackhole ...

  bool operator==(const Route&) const = default;
};

/// Says what has happened to an object. The kernel does not report whether an address is new or
/// changed, and does not always report it for links and routes.
enum class ChangeKind : uint8_t { kAdded, kChanged, kAddedOrChanged, kRemoved };

struct Change {
  ChangeKind kind = ChangeKind::kAddedOrChanged;
  std::variant<Link, InterfaceAddress, Route> object;
};

/// Opens a socket for the dumps below, in the calling thread's network namespace.
Result<netlink::Socket> open();

/// Opens a socket that receives the changes of links, addresses and routes; its caller loses none
/// by opening it before the first dump. receive() fails with ENOBUFS after a loss, which needs
/// another dump.
Result<netlink::Socket> open_watch();

Result<std::vector<Link>> links(netlink::Socket& socket);
Result<std::vector<InterfaceAddress>> addresses(netlink::Socket& socket);

/// Streams the routes of all tables, because a router may have a million. `each` returns false to
/// end the dump. `restart` says that the routes received so far are void.
Result<void> routes(netlink::Socket& socket, const std::function<bool(const Route&)>& each,
                    const std::function<void()>& restart);

/// Asks the kernel which route packets from `source` to `destination` take, by its rules and
/// tables. Without a source, the kernel chooses it, and it is the route's preferred source;
/// `interface` restricts the route to one unless it is 0. Fails with ENETUNREACH or EHOSTUNREACH if
/// there is none.
Result<Route> find_route(netlink::Socket& socket, const Address& destination,
                         const std::optional<Address>& source, int32_t interface);

// The decoders fail with EBADMSG if the bytes are no such message.
Result<Link> decode_link(const netlink::MessageView& message);
Result<InterfaceAddress> decode_address(const netlink::MessageView& message);
Result<Route> decode_route(const netlink::MessageView& message);

/// Returns nothing for a message about something else, such as another family or a bridge's port.
Result<std::optional<Change>> decode_change(const netlink::MessageView& message);

}  // namespace mptcp::rtnetlink
