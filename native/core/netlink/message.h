// Netlink messages going out: a header, the protocol's fixed struct, attributes.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mptcp::netlink {

class Message {
 public:
  /// `name` is what errors call the request: "MPTCP_PM_CMD_ADD_ADDR". It must outlive the message.
  /// The socket adds NLM_F_REQUEST, NLM_F_ACK and NLM_F_DUMP to `flags`.
  Message(uint16_t type, const char* name, uint16_t flags = 0);

  /// The protocol's struct that stands before the attributes: genlmsghdr, ifinfomsg ...
  template <class T>
  Message& put_header(const T& header) {
    static_assert(std::is_trivially_copyable_v<T>);
    append(std::as_bytes(std::span(&header, 1)));
    align();
    return *this;
  }

  Message& put_bytes(uint16_t type, std::span<const std::byte> payload);
  Message& put_string(uint16_t type, std::string_view text);  // with the terminating zero

  /// A number or struct in host byte order.
  template <class T>
  Message& put(uint16_t type, const T& value) {
    static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>);
    return put_bytes(type, std::as_bytes(std::span(&value, 1)));
  }

  /// `fill` adds the attributes that the nested attribute `type` holds.
  template <class Fill>
  Message& nest(uint16_t type, Fill fill) {
    const size_t start = open_attribute(type | NLA_F_NESTED);
    fill(*this);
    close_attribute(start);
    return *this;
  }

  /// The kernel answers by a message or an error: an acknowledgement besides would say nothing.
  void expect_reply() { expects_reply_ = true; }
  bool expects_reply() const { return expects_reply_; }

  const char* name() const { return name_; }
  std::span<const std::byte> bytes() const { return bytes_; }

  /// For the socket: what it alone knows.
  void stamp(uint16_t more_flags, uint32_t sequence);

 private:
  void append(std::span<const std::byte> bytes);
  void align();
  size_t open_attribute(uint16_t type);
  void close_attribute(size_t start);

  std::vector<std::byte> bytes_;
  const char* name_;
  uint16_t flags_;
  bool expects_reply_ = false;
};

}  // namespace mptcp::netlink
