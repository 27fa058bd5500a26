// Writes the core's values from netlink as records.
#include "binding/convert_netlink.h"

#include <variant>

namespace mptcp::binding {
namespace {

// Is a NativeSocketAddress in JavaScript.
struct SocketAddress {
  const Address& address;
};

[[maybe_unused]] void write(Records& to, const SocketAddress& socket) {
  to.object<SocketAddress>(Property("address", to.text(socket.address)),
                           Property("port", socket.address.port));
}

std::optional<SocketAddress> if_there(const std::optional<Address>& address) {
  return address ? std::optional(SocketAddress{*address}) : std::nullopt;
}

std::optional<std::string> text_if_there(Records& to, const std::optional<Address>& address) {
  return address ? std::optional(to.text(*address)) : std::nullopt;
}

// Writes the properties of NativeDiagSocket, and then those in which a `T` differs.
template <class T, class... More>
void write_socket(Records& to, const T& socket, const Property<More>&... more) {
  to.object<T>(Property("local", socket.local), Property("remote", socket.remote),
               Property("state", socket.state), Property("uid", socket.uid),
               Property("inode", socket.inode), Property("receiveQueue", socket.receive_queue),
               Property("sendQueue", socket.send_queue), more...);
}

template <class T>
const T* unless_empty(const T& value) {
  return value.empty() ? nullptr : &value;
}

}  // namespace

void write(Records& to, const pm::RawAttribute& attribute) {
  to.object<pm::RawAttribute>(Property("type", attribute.type),
                              Property("payload", attribute.payload));
}

void write(Records& to, const pm::Endpoint& endpoint) {
  to.object<pm::Endpoint>(
      Property("id", endpoint.id), Property("address", to.text(endpoint.address)),
      Property("port", endpoint.address.port), Property("flags", endpoint.flags),
      Property("interface", endpoint.interface));
}

void write(Records& to, const pm::Limits& limits) {
  to.object<pm::Limits>(Property("subflows", limits.subflows),
                        Property("addAddrAccepted", limits.add_addr_accepted));
}

void write(Records& to, const pm::Reply& reply) {
  if (const auto* endpoint = std::get_if<pm::Endpoint>(&reply)) return write(to, *endpoint);
  if (const auto* limits = std::get_if<pm::Limits>(&reply)) return write(to, *limits);
  to.nothing();
}

void write(Records& to, const pm::Event& event) {
  to.object<pm::Event>(
      Property("type", event.type), Property("token", event.token),
      Property("family", event.family), Property("localId", event.local_id),
      Property("remoteId", event.remote_id), Property("local", if_there(event.local)),
      Property("remote", if_there(event.remote)), Property("backup", event.backup),
      Property("error", event.error), Property("resetReason", event.reset_reason),
      Property("resetFlags", event.reset_flags), Property("timeout", event.timeout),
      Property("flags", event.flags), Property("serverSide", event.server_side),
      Property("interface", event.interface), Property("unknown", unless_empty(event.unknown)));
}

void write(Records& to, const rtnetlink::Link& link) {
  to.object<rtnetlink::Link>(
      Property("index", link.index), Property("name", link.name), Property("flags", link.flags),
      Property("operationalState", link.operational_state), Property("carrier", link.carrier),
      Property("mtu", link.mtu), Property("kind", unless_empty(link.kind)),
      Property("master", link.master));
}

void write(Records& to, const rtnetlink::InterfaceAddress& address) {
  to.object<rtnetlink::InterfaceAddress>(
      Property("interface", address.interface), Property("address", to.text(address.address)),
      Property("prefixLength", address.prefix_length), Property("flags", address.flags),
      Property("scope", address.scope));
}

void write(Records& to, const rtnetlink::NextHop& next_hop) {
  to.object<rtnetlink::NextHop>(Property("gateway", text_if_there(to, next_hop.gateway)),
                                Property("interface", next_hop.interface),
                                Property("weight", next_hop.weight));
}

void write(Records& to, const rtnetlink::Route& route) {
  to.object<rtnetlink::Route>(
      Property("family", route.family == AF_INET ? 4 : 6),
      Property("destination", text_if_there(to, route.destination).value_or("")),
      Property("prefixLength", route.prefix_length), Property("nextHops", route.next_hops),
      Property("table", route.table), Property("metric", route.metric),
      Property("source", text_if_there(to, route.preferred_source)), Property("type", route.type),
      Property("protocol", route.protocol));
}

void write(Records& to, const rtnetlink::Change& change) {
  static constexpr const char* kKinds[] = {"added", "changed", "addedOrChanged", "removed"};
  const auto& object = change.object;
  to.object<rtnetlink::Change>(
      Property("kind", kKinds[static_cast<size_t>(change.kind)]),
      Property("link", std::get_if<rtnetlink::Link>(&object)),
      Property("address", std::get_if<rtnetlink::InterfaceAddress>(&object)),
      Property("route", std::get_if<rtnetlink::Route>(&object)));
}

void write(Records& to, const sock_diag::Connection& connection) {
  write_socket(to, connection, Property("token", connection.token),
               Property("info", connection.info));
}

void write(Records& to, const sock_diag::Subflow& subflow) {
  write_socket(to, subflow, Property("token", subflow.token),
               Property("remoteToken", subflow.remote_token), Property("flags", subflow.flags),
               Property("localId", subflow.local_id), Property("remoteId", subflow.remote_id),
               Property("tcpInfo", subflow.tcp_info));
}

}  // namespace mptcp::binding
