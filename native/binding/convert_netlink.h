// What threads find by netlink, as JavaScript's plain objects (types/native.d.ts), with the names
// that interfaces have in the thread's network namespace.
#pragma once

#include <napi.h>

#include "binding/convert.h"
#include "binding/interface_names.h"
#include "core/mptcp_pm.h"
#include "core/rtnetlink.h"
#include "core/sock_diag.h"

namespace mptcp::binding {

Napi::Value to_js(Napi::Env env, const pm::RawAttribute& attribute, const InterfaceNames& names);
Napi::Value to_js(Napi::Env env, const pm::Endpoint& endpoint, const InterfaceNames& names);
Napi::Value to_js(Napi::Env env, const pm::Reply& reply, const InterfaceNames& names);
Napi::Value to_js(Napi::Env env, const pm::Event& event, const InterfaceNames& names);
Napi::Value to_js(Napi::Env env, const rtnetlink::Link& link, const InterfaceNames& names);
Napi::Value to_js(Napi::Env env, const rtnetlink::InterfaceAddress& address,
                  const InterfaceNames& names);
Napi::Value to_js(Napi::Env env, const rtnetlink::NextHop& next_hop, const InterfaceNames& names);
Napi::Value to_js(Napi::Env env, const rtnetlink::Route& route, const InterfaceNames& names);
Napi::Value to_js(Napi::Env env, const rtnetlink::Change& change, const InterfaceNames& names);
Napi::Value to_js(Napi::Env env, const sock_diag::Connection& connection,
                  const InterfaceNames& names);
Napi::Value to_js(Napi::Env env, const sock_diag::Subflow& subflow, const InterfaceNames& names);

/// The value, or the error as a value.
template <class T>
Napi::Value to_js(Napi::Env env, const Result<T>& result, const InterfaceNames& names) {
  return result ? to_js(env, *result, names) : to_js_error(env, result.error()).Value();
}

template <class T>
Napi::Value to_js(Napi::Env env, const Named<T>& named) {
  return to_js(env, named.value, named.names);
}

}  // namespace mptcp::binding
