// Decodes rtnetlink's messages about links, addresses and routes.
#include "core/rtnetlink.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <span>
#include <utility>

namespace mptcp::rtnetlink {
namespace {

using netlink::Attributes;
using netlink::Bytes;
using netlink::malformed_message;
using netlink::Message;
using netlink::MessageView;

constexpr const char* kLink = "RTM_GETLINK";
constexpr const char* kAddress = "RTM_GETADDR";
constexpr const char* kRoute = "RTM_GETROUTE";

bool is_ip(int family) { return family == AF_INET || family == AF_INET6; }

template <class Header>
Message dump_message(uint16_t type, const char* name) {
  Message message(type, name);
  message.put_header(Header{});
  return message;
}

std::optional<Address> get_address(const Attributes& attributes, uint16_t type, sa_family_t family,
                                   int32_t interface) {
  const auto found = attributes.find(type);
  const size_t length = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  if (!found || found->payload.size() != length) return std::nullopt;
  const auto* bytes = found->payload.data();
  const bool link_local = family == AF_INET6 && bytes[0] == std::byte{0xfe} &&
                          (bytes[1] & std::byte{0xc0}) == std::byte{0x80};
  return from_bytes(family, bytes, 0, link_local ? static_cast<uint32_t>(interface) : 0);
}

// Reads RTA_GATEWAY, or RTA_VIA if the gateway's family is not the route's.
std::optional<Address> get_gateway(const Attributes& attributes, sa_family_t family,
                                   int32_t interface) {
  if (auto gateway = get_address(attributes, RTA_GATEWAY, family, interface)) return gateway;
  const auto via = attributes.find(RTA_VIA);
  const auto via_family = via ? netlink::read_prefix<sa_family_t>(via->payload) : std::nullopt;
  if (!via_family || !is_ip(*via_family)) return std::nullopt;
  const Bytes address = via->payload.subspan(sizeof(sa_family_t));
  if (address.size() != (*via_family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr))) {
    return std::nullopt;
  }
  return from_bytes(*via_family, address.data(), 0, static_cast<uint32_t>(interface));
}

// Reads RTA_MULTIPATH, a sequence of struct rtnexthop with attributes each. Returns whether it is
// well-formed.
bool read_next_hops(Bytes rest, sa_family_t family, std::vector<NextHop>& next_hops) {
  while (!rest.empty()) {
    const auto header = netlink::read_prefix<rtnexthop>(rest);
    if (!header || header->rtnh_len < sizeof(rtnexthop) || header->rtnh_len > rest.size()) {
      return false;
    }
    const auto attributes =
        Attributes::parse(rest.subspan(sizeof(rtnexthop), header->rtnh_len - sizeof(rtnexthop)));
    if (!attributes) return false;
    NextHop hop;
    hop.interface = header->rtnh_ifindex;
    hop.gateway = get_gateway(*attributes, family, hop.interface);
    hop.weight = static_cast<uint16_t>(header->rtnh_hops + 1);
    next_hops.push_back(hop);
    rest = rest.subspan(std::min<size_t>(RTNH_ALIGN(header->rtnh_len), rest.size()));
  }
  return true;
}

ChangeKind link_change(const MessageView& message) {
  // The kernel sets all bits of ifi_change for a device that it has just registered.
  const bool registered = message.fixed<ifinfomsg>()->ifi_change == ~0U;
  return registered ? ChangeKind::kAdded : ChangeKind::kChanged;
}

ChangeKind route_change(const MessageView& message) {
  const uint16_t flags = message.header.nlmsg_flags;
  if (flags & NLM_F_REPLACE) return ChangeKind::kChanged;
  if (flags & (NLM_F_CREATE | NLM_F_APPEND)) return ChangeKind::kAdded;
  return ChangeKind::kAddedOrChanged;
}

template <class T>
Result<std::optional<Change>> make_change(ChangeKind kind, Result<T> object) {
  if (!object) return object.error();
  return std::optional(Change{kind, std::move(*object)});
}

}  // namespace

Result<netlink::Socket> open() { return netlink::Socket::open(NETLINK_ROUTE); }

Result<netlink::Socket> open_watch() {
  auto socket = open();
  if (!socket) return socket.error();
  for (const uint32_t group : {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                               RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE}) {
    if (auto joined = socket->join(group); !joined) return joined.error();
  }
  return socket;
}

Result<std::vector<Link>> links(netlink::Socket& socket) {
  auto message = dump_message<ifinfomsg>(RTM_GETLINK, kLink);
  return socket.list<Link>(message, decode_link);
}

Result<std::vector<InterfaceAddress>> addresses(netlink::Socket& socket) {
  auto message = dump_message<ifaddrmsg>(RTM_GETADDR, kAddress);
  return socket.list<InterfaceAddress>(message, decode_address);
}

Result<void> routes(netlink::Socket& socket, const std::function<bool(const Route&)>& each,
                    const std::function<void()>& restart) {
  auto message = dump_message<rtmsg>(RTM_GETROUTE, kRoute);
  return socket.dump_decoded<Route>(message, decode_route, each, restart);
}

Result<Route> find_route(netlink::Socket& socket, const Address& destination,
                         const std::optional<Address>& source, int32_t interface) {
  const size_t length = destination.family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  const auto bytes = [length](const Address& address) {
    return std::as_bytes(std::span(address.bytes)).first(length);
  };
  Message message(RTM_GETROUTE, kRoute);
  rtmsg header{};
  header.rtm_family = static_cast<uint8_t>(destination.family);
  header.rtm_dst_len = static_cast<uint8_t>(8 * length);
  header.rtm_src_len = source ? header.rtm_dst_len : uint8_t{0};
  message.put_header(header);
  message.put_bytes(RTA_DST, bytes(destination));
  if (source) message.put_bytes(RTA_SRC, bytes(*source));
  if (interface != 0) message.put(RTA_OIF, interface);
  Result<Route> found = malformed_message(kRoute);
  auto asked =
      socket.request(message, [&](const MessageView& reply) { found = decode_route(reply); });
  if (!asked) return asked.error();
  return found;
}

Result<Link> decode_link(const MessageView& message) {
  const auto header = message.fixed<ifinfomsg>();
  const auto attributes = message.attributes(sizeof(ifinfomsg));
  if (!header || !attributes) return malformed_message(kLink);
  Link link;
  link.index = header->ifi_index;
  link.flags = header->ifi_flags;
  if (const auto name = attributes->find(IFLA_IFNAME)) link.name = name->as_string();
  link.mtu = attributes->get<uint32_t>(IFLA_MTU);
  link.operational_state = attributes->get<uint8_t>(IFLA_OPERSTATE);
  if (const auto carrier = attributes->get<uint8_t>(IFLA_CARRIER)) link.carrier = *carrier != 0;
  if (const auto info = attributes->nested(IFLA_LINKINFO)) {
    if (const auto kind = info->find(IFLA_INFO_KIND)) link.kind = kind->as_string();
  }
  link.master = attributes->get<int32_t>(IFLA_MASTER);
  return link;
}

Result<InterfaceAddress> decode_address(const MessageView& message) {
  const auto header = message.fixed<ifaddrmsg>();
  const auto attributes = message.attributes(sizeof(ifaddrmsg));
  if (!header || !attributes || !is_ip(header->ifa_family)) return malformed_message(kAddress);
  InterfaceAddress result;
  result.interface = static_cast<int32_t>(header->ifa_index);
  result.prefix_length = header->ifa_prefixlen;
  result.scope = header->ifa_scope;
  result.flags = attributes->get<uint32_t>(IFA_FLAGS).value_or(header->ifa_flags);
  // IFA_LOCAL is the address, and IFA_ADDRESS its peer, or the same address if it has none. IPv6
  // has IFA_LOCAL only if there is a peer.
  const auto local = get_address(*attributes, IFA_LOCAL, header->ifa_family, result.interface);
  const auto address = get_address(*attributes, IFA_ADDRESS, header->ifa_family, result.interface);
  if (!local && !address) return malformed_message(kAddress);
  result.address = local ? *local : *address;
  return result;
}

Result<Route> decode_route(const MessageView& message) {
  const auto header = message.fixed<rtmsg>();
  const auto attributes = message.attributes(sizeof(rtmsg));
  if (!header || !attributes || !is_ip(header->rtm_family)) return malformed_message(kRoute);
  Route route;
  route.family = header->rtm_family;
  route.prefix_length = header->rtm_dst_len;
  route.type = header->rtm_type;
  route.protocol = header->rtm_protocol;
  route.table = attributes->get<uint32_t>(RTA_TABLE).value_or(header->rtm_table);
  route.metric = attributes->get<uint32_t>(RTA_PRIORITY).value_or(0);
  const auto interface = attributes->get<int32_t>(RTA_OIF);
  route.destination = get_address(*attributes, RTA_DST, route.family, interface.value_or(0));
  route.preferred_source =
      get_address(*attributes, RTA_PREFSRC, route.family, interface.value_or(0));
  if (const auto multipath = attributes->find(RTA_MULTIPATH)) {
    if (!read_next_hops(multipath->payload, route.family, route.next_hops)) {
      return malformed_message(kRoute);
    }
  } else if (interface) {
    NextHop hop;
    hop.interface = *interface;
    hop.gateway = get_gateway(*attributes, route.family, *interface);
    route.next_hops.push_back(hop);
  }
  return route;
}

Result<std::optional<Change>> decode_change(const MessageView& message) {
  // The fixed structs of all these messages begin with the family.
  const auto family = message.fixed<uint8_t>();
  if (!family) return malformed_message("rtnetlink");
  switch (message.header.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      if (*family != AF_UNSPEC) return std::optional<Change>();
      auto link = decode_link(message);
      if (!link) return link.error();
      const bool removed = message.header.nlmsg_type == RTM_DELLINK;
      return make_change(removed ? ChangeKind::kRemoved : link_change(message), std::move(link));
    }
    case RTM_NEWADDR:
      if (!is_ip(*family)) return std::optional<Change>();
      return make_change(ChangeKind::kAddedOrChanged, decode_address(message));
    case RTM_DELADDR:
      if (!is_ip(*family)) return std::optional<Change>();
      return make_change(ChangeKind::kRemoved, decode_address(message));
    case RTM_NEWROUTE:
      if (!is_ip(*family)) return std::optional<Change>();
      return make_change(route_change(message), decode_route(message));
    case RTM_DELROUTE:
      if (!is_ip(*family)) return std::optional<Change>();
      return make_change(ChangeKind::kRemoved, decode_route(message));
    default:
      return std::optional<Change>();
  }
}

}  // namespace mptcp::rtnetlink
