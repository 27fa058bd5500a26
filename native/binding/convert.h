// Between the core's values and JavaScript's: plain objects up, errors as Error with errno.
#pragma once

#include <napi.h>

#include "binding/records.h"
#include "core/address.h"
#include "core/mptcp_socket.h"
#include "core/result.h"

namespace mptcp::binding {

/// An Error with `errno`, `call` and, where the kernel said more, `extack` and the attributes.
Napi::Error to_js_error(Napi::Env env, const Error& error);

/// The value, or the error thrown into JavaScript.
template <class T>
T value_or_throw(Napi::Env env, Result<T> result) {
  if (!result) throw to_js_error(env, result.error());
  return *std::move(result);
}

inline void throw_if_failed(Napi::Env env, const Result<void>& result) {
  if (!result) throw to_js_error(env, result.error());
}

void write(Records& to, const Address& address);
void write(Records& to, const MptcpInfo& info);
void write(Records& to, const TcpInfo& info);
void write(Records& to, const SubflowAddresses& addresses);
void write(Records& to, const Subflow& subflow);
void write(Records& to, const FullInfo& full);

}  // namespace mptcp::binding
