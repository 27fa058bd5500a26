// ConnectionDump and SubflowDump: the MPTCP sockets of a namespace.
#pragma once

#include <napi.h>

namespace mptcp::binding {

Napi::Function define_connection_dump(Napi::Env env);
Napi::Function define_subflow_dump(Napi::Env env);

}  // namespace mptcp::binding
