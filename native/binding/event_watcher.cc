#include "binding/event_watcher.h"

#include "binding/watcher.h"
#include "core/mptcp_pm.h"

namespace mptcp::binding {
namespace {

struct Events {
  using Item = pm::Event;
  static constexpr const char* kClass = "EventWatcher";
  static constexpr const char* kThread = "mptcp-events";

  static Result<netlink::Socket> open() { return pm::open_events(); }

  static Result<std::optional<Item>> decode(const netlink::MessageView& message) {
    auto event = pm::decode_event(message);
    if (!event) return event.error();
    return std::optional(std::move(*event));
  }
};

}  // namespace

Napi::Function define_event_watcher(Napi::Env env) { return Watcher<Events>::define(env); }

}  // namespace mptcp::binding
