// Is the entry of the addon: it registers what binding/ defines.
#include <napi.h>

#include "binding/command_thread.h"
#include "binding/diag_dump.h"
#include "binding/event_watcher.h"
#include "binding/interface_watcher.h"
#include "binding/socket_binding.h"

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  mptcp::binding::register_socket_functions(env, exports);
  exports.Set("Commands", mptcp::binding::CommandThread::define(env));
  exports.Set("EventWatcher", mptcp::binding::define_event_watcher(env));
  exports.Set("InterfaceWatcher", mptcp::binding::define_interface_watcher(env));
  exports.Set("ConnectionDump", mptcp::binding::define_connection_dump(env));
  exports.Set("SubflowDump", mptcp::binding::define_subflow_dump(env));
  return exports;
}

NODE_API_MODULE(mptcp, init)
