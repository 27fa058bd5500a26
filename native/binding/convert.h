// Between the core's values and JavaScript's: plain objects up, errors as Error with errno.
#pragma once

#include <napi.h>

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

Napi::Object to_js(Napi::Env env, const Address& address);
Napi::Object to_js(Napi::Env env, const MptcpInfo& info);
Napi::Object to_js(Napi::Env env, const TcpInfo& info);
Napi::Object to_js(Napi::Env env, const SubflowAddresses& addresses);
Napi::Object to_js(Napi::Env env, const Subflow& subflow);
/// An array; `more` is passed on to the conversion of each element.
template <class T, class... More>
Napi::Array to_js(Napi::Env env, const std::vector<T>& elements, const More&... more) {
  auto array = Napi::Array::New(env, elements.size());
  for (uint32_t i = 0; i < elements.size(); ++i) {
    const Napi::HandleScope scope(env);
    array.Set(i, to_js(env, elements[i], more...));
  }
  return array;
}

}  // namespace mptcp::binding
