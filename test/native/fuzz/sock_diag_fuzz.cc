#include "core/sock_diag.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mptcp;
  test::for_each_message(data, size, [](const netlink::MessageView& message) {
    static_cast<void>(sock_diag::decode_connection(message));
    static_cast<void>(sock_diag::decode_subflow(message, true));
  });
  return 0;
}
