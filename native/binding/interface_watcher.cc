#include "binding/interface_watcher.h"

#include "binding/watcher.h"
#include "core/rtnetlink.h"

namespace mptcp::binding {
namespace {

struct Changes {
  using Item = rtnetlink::Change;
  static constexpr const char* kClass = "InterfaceWatcher";
  static constexpr const char* kThread = "mptcp-links";

  static Result<netlink::Socket> open() { return rtnetlink::open_watch(); }

  static Result<std::optional<Item>> decode(const netlink::MessageView& message) {
    return rtnetlink::decode_change(message);
  }
};

}  // namespace

Napi::Function define_interface_watcher(Napi::Env env) { return Watcher<Changes>::define(env); }

}  // namespace mptcp::binding
