// Builds netlink messages: a header, the protocol's fixed struct, then attributes.
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
  /// Errors name the request by `name`, such as "MPTCP_PM_CMD_ADD_ADDR", which must outlive it.
  /// The socket adds NLM_F_REQUEST, NLM_F_ACK and NLM_F_DUMP to `flags`.
  Message(uint16_t type, const char* name, uint16_t flags = 0);

  /// Appends the protocol's fixed struct, which precedes the attributes: genlmsghdr, ifinfomsg ...
  template <class T>
  Message& put_header(const T& header) {
    static_assert(std::is_trivially_copyable_v<T>);
    append(std::as_bytes(std::span(&header, 1)));
    align();
    return *this;
  }

  Message& put_bytes(uint16_t type, std::span<const std::byte> payload);
  /// Adds `text` with its terminating zero.
  Message& put_string(uint16_t type, std::string_view text);

  /// Adds a number or struct in host byte order.
  template <class T>
  Message& put(uint16_t type, const T& value) {
    static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>);
    return put_bytes(type, std::as_bytes(std::span(&value, 1)));
  }

  /// Adds the attribute `type`, in which `fill` nests others.
  template <class Fill>
  Message& nest(uint16_t type, Fill fill) {
    const size_t start = open_attribute(type | NLA_F_NESTED);
    fill(*this);
    close_attribute(start);
    return *this;
  }

  /// Says that the kernel answers by a message or an error, so that no acknowledgement is needed.
  void expect_reply() { expects_reply_ = true; }
  bool expects_reply() const { return expects_reply_; }

  const char* name() const { return name_; }
  std::span<const std::byte> bytes() const { return bytes_; }

  /// Completes the header; the socket calls it.
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
