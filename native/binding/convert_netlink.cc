#include "binding/convert_netlink.h"

#include <cstring>
#include <variant>

#include "binding/make_object.h"

namespace mptcp::binding {
namespace {

napi_value address_text(Napi::Env env, const Address& address, const InterfaceNames& names) {
  return to_value(env, names.text(address));
}

// NativeSocketAddress.
struct SocketAddress;

napi_value socket_address(Napi::Env env, const Address& address, const InterfaceNames& names) {
  return make_object<SocketAddress>(
      env, {{"address", address_text(env, address, names)}, {"port", to_value(env, address.port)}});
}

/// What `convert` makes of the address; absent: no property.
napi_value if_there(const std::optional<Address>& address, decltype(socket_address) convert,
                    Napi::Env env, const InterfaceNames& names) {
  return address ? convert(env, *address, names) : nullptr;
}

}  // namespace

Napi::Value to_js(Napi::Env env, const pm::RawAttribute& attribute, const InterfaceNames&) {
  auto payload = Napi::Uint8Array::New(env, attribute.payload.size());
  std::memcpy(payload.Data(), attribute.payload.data(), attribute.payload.size());
  return make_object<pm::RawAttribute>(
      env, {{"type", to_value(env, attribute.type)}, {"payload", payload}});
}

Napi::Value to_js(Napi::Env env, const pm::Endpoint& endpoint, const InterfaceNames& names) {
  return make_object<pm::Endpoint>(env, {{"id", to_value(env, endpoint.id)},
                                         {"address", address_text(env, endpoint.address, names)},
                                         {"port", to_value(env, endpoint.address.port)},
                                         {"flags", to_value(env, endpoint.flags)},
                                         {"interface", to_value(env, endpoint.interface)}});
}

Napi::Value to_js(Napi::Env env, const pm::Reply& reply, const InterfaceNames& names) {
  if (const auto* endpoint = std::get_if<pm::Endpoint>(&reply)) return to_js(env, *endpoint, names);
  if (const auto* limits = std::get_if<pm::Limits>(&reply)) {
    return make_object<pm::Limits>(env,
                                   {{"subflows", to_value(env, limits->subflows)},
                                    {"addAddrAccepted", to_value(env, limits->add_addr_accepted)}});
  }
  return env.Undefined();
}

Napi::Value to_js(Napi::Env env, const pm::Event& event, const InterfaceNames& names) {
  return make_object<pm::Event>(
      env, {{"type", to_value(env, event.type)},
            {"token", to_value(env, event.token)},
            {"family", to_value(env, event.family)},
            {"localId", to_value(env, event.local_id)},
            {"remoteId", to_value(env, event.remote_id)},
            {"local", if_there(event.local, socket_address, env, names)},
            {"remote", if_there(event.remote, socket_address, env, names)},
            {"backup", to_value(env, event.backup)},
            {"error", to_value(env, event.error)},
            {"resetReason", to_value(env, event.reset_reason)},
            {"resetFlags", to_value(env, event.reset_flags)},
            {"timeout", to_value(env, event.timeout)},
            {"flags", to_value(env, event.flags)},
            {"serverSide", to_value(env, event.server_side)},
            {"interface", to_value(env, event.interface)},
            {"unknown", event.unknown.empty() ? napi_value() : to_js(env, event.unknown, names)}});
}

Napi::Value to_js(Napi::Env env, const rtnetlink::Link& link, const InterfaceNames&) {
  return make_object<rtnetlink::Link>(
      env, {{"index", to_value(env, link.index)},
            {"name", to_value(env, link.name)},
            {"flags", to_value(env, link.flags)},
            {"operationalState", to_value(env, link.operational_state)},
            {"carrier", to_value(env, link.carrier)},
            {"mtu", to_value(env, link.mtu)},
            {"kind", link.kind.empty() ? napi_value() : to_value(env, link.kind)},
            {"master", to_value(env, link.master)}});
}

Napi::Value to_js(Napi::Env env, const rtnetlink::InterfaceAddress& address,
                  const InterfaceNames& names) {
  return make_object<rtnetlink::InterfaceAddress>(
      env, {{"interface", to_value(env, address.interface)},
            {"address", address_text(env, address.address, names)},
            {"prefixLength", to_value(env, address.prefix_length)},
            {"flags", to_value(env, address.flags)},
            {"scope", to_value(env, address.scope)}});
}

Napi::Value to_js(Napi::Env env, const rtnetlink::NextHop& next_hop, const InterfaceNames& names) {
  return make_object<rtnetlink::NextHop>(
      env, {{"gateway", if_there(next_hop.gateway, address_text, env, names)},
            {"interface", to_value(env, next_hop.interface)},
            {"weight", to_value(env, next_hop.weight)}});
}

Napi::Value to_js(Napi::Env env, const rtnetlink::Route& route, const InterfaceNames& names) {
  const std::string destination = route.destination ? names.text(*route.destination) : "";
  return make_object<rtnetlink::Route>(
      env, {{"family", to_value(env, route.family == AF_INET ? 4 : 6)},
            {"destination", to_value(env, destination)},
            {"prefixLength", to_value(env, route.prefix_length)},
            {"nextHops", to_js(env, route.next_hops, names)},
            {"table", to_value(env, route.table)},
            {"metric", to_value(env, route.metric)},
            {"source", if_there(route.preferred_source, address_text, env, names)},
            {"type", to_value(env, route.type)},
            {"protocol", to_value(env, route.protocol)}});
}

Napi::Value to_js(Napi::Env env, const rtnetlink::Change& change, const InterfaceNames& names) {
  static constexpr const char* kKinds[] = {"added", "changed", "addedOrChanged", "removed"};
  static constexpr const char* kObjects[] = {"link", "address", "route"};
  auto object = Napi::Object::New(env);
  object.Set("kind", kKinds[static_cast<size_t>(change.kind)]);
  object.Set(
      kObjects[change.object.index()],
      std::visit([&](const auto& thing) { return to_js(env, thing, names); }, change.object));
  return object;
}

Napi::Value to_js(Napi::Env env, const sock_diag::Connection& connection,
                  const InterfaceNames& names) {
  return make_object<sock_diag::Connection>(
      env, {{"local", socket_address(env, connection.local, names)},
            {"remote", socket_address(env, connection.remote, names)},
            {"state", to_value(env, connection.state)},
            {"uid", to_value(env, connection.uid)},
            {"inode", to_value(env, connection.inode)},
            {"receiveQueue", to_value(env, connection.receive_queue)},
            {"sendQueue", to_value(env, connection.send_queue)},
            {"token", to_value(env, connection.token)},
            {"info", connection.info ? to_js(env, *connection.info) : napi_value()}});
}

Napi::Value to_js(Napi::Env env, const sock_diag::Subflow& subflow, const InterfaceNames& names) {
  return make_object<sock_diag::Subflow>(
      env, {{"local", socket_address(env, subflow.local, names)},
            {"remote", socket_address(env, subflow.remote, names)},
            {"state", to_value(env, subflow.state)},
            {"uid", to_value(env, subflow.uid)},
            {"inode", to_value(env, subflow.inode)},
            {"receiveQueue", to_value(env, subflow.receive_queue)},
            {"sendQueue", to_value(env, subflow.send_queue)},
            {"token", to_value(env, subflow.token)},
            {"remoteToken", to_value(env, subflow.remote_token)},
            {"flags", to_value(env, subflow.flags)},
            {"localId", to_value(env, subflow.local_id)},
            {"remoteId", to_value(env, subflow.remote_id)},
            {"tcpInfo", subflow.tcp_info ? to_js(env, *subflow.tcp_info) : napi_value()}});
}

}  // namespace mptcp::binding
