#include "core/mptcp_pm.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mptcp;
  test::for_each_message(data, size, [](const netlink::MessageView& message) {
    if (const auto event = pm::decode_event(message)) {
      if (event->local) static_cast<void>(to_text(*event->local));
      if (event->remote) static_cast<void>(to_text(*event->remote));
    }
    static_cast<void>(pm::decode_endpoint(message));
    static_cast<void>(pm::decode_limits(message));
    static_cast<void>(netlink::decode_family(message));
  });
  return 0;
}
