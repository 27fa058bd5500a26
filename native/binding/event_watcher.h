// Defines the class EventWatcher, which receives the events of the path manager.
#pragma once

#include <napi.h>

namespace mptcp::binding {

Napi::Function define_event_watcher(Napi::Env env);

}  // namespace mptcp::binding
