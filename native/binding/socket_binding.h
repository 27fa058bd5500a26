// Exports core/mptcp_socket, socket_options and socket_handover as functions of a file descriptor.
// They run on the JavaScript thread that owns it: each makes a few system calls that do not wait.
#pragma once

#include <napi.h>

namespace mptcp::binding {

void register_socket_functions(Napi::Env env, Napi::Object exports);

}  // namespace mptcp::binding
