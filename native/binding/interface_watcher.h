// Defines the class InterfaceWatcher, which receives changes of links, addresses and routes.
#pragma once

#include <napi.h>

namespace mptcp::binding {

Napi::Function define_interface_watcher(Napi::Env env);

}  // namespace mptcp::binding
