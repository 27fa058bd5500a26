// Defines the classes ConnectionDump and SubflowDump.
#pragma once

#include <napi.h>

namespace mptcp::binding {

Napi::Function define_connection_dump(Napi::Env env);
Napi::Function define_subflow_dump(Napi::Env env);

}  // namespace mptcp::binding
