#include "core/rtnetlink.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mptcp;
  test::for_each_message(data, size, [](const netlink::MessageView& message) {
    static_cast<void>(rtnetlink::decode_change(message));
    static_cast<void>(rtnetlink::decode_link(message));
    static_cast<void>(rtnetlink::decode_address(message));
    static_cast<void>(rtnetlink::decode_route(message));
  });
  return 0;
}
