// Converts the core's errors to JavaScript's. Everything here runs on the JavaScript thread.
#pragma once

#include <napi.h>

#include <utility>

#include "core/result.h"

namespace mptcp::binding {

/// Returns an Error with `errno`, `call` and, where the kernel reported them, `extack` and the
/// attributes (types/native.d.ts, NativeCommandError).
Napi::Error to_js_error(Napi::Env env, const Error& error);

/// Returns the value, or throws the error into JavaScript.
template <class T>
T value_or_throw(Napi::Env env, Result<T> result) {
  if (!result) throw to_js_error(env, result.error());
  return *std::move(result);
}

inline void throw_if_failed(Napi::Env env, const Result<void>& result) {
  if (!result) throw to_js_error(env, result.error());
}

}  // namespace mptcp::binding
