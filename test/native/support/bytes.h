// Makes messages of bytes for tests that need no kernel.
#pragma once

#include <linux/genetlink.h>

#include "core/netlink/message.h"
#include "core/netlink/reader.h"

namespace mptcp::test {

/// Returns `message` as a reader receives it; it must outlive the view.
inline netlink::MessageView view_of(netlink::Message& message) {
  message.stamp(0, 0);
  netlink::Bytes bytes = message.bytes();
  return netlink::next_message(bytes).value();
}

inline netlink::Message generic(uint8_t command) {
  netlink::Message message(0, "test");
  genlmsghdr header{};
  header.cmd = command;
  message.put_header(header);
  return message;
}

/// Calls `decode` with every truncation of the payload, each in a buffer of its exact size, so that
/// a sanitizer detects a read beyond.
template <class Decode>
void for_each_truncation(const netlink::MessageView& message, Decode decode) {
  for (size_t length = 0; length < message.payload.size(); ++length) {
    const std::vector<std::byte> cut(message.payload.begin(), message.payload.begin() + length);
    netlink::MessageView view = message;
    view.payload = cut;
    decode(view);
  }
}

}  // namespace mptcp::test
