// Parses netlink messages. Every length is checked, so that no bytes make it read outside of them.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "core/result.h"

namespace mptcp::netlink {

using Bytes = std::span<const std::byte>;

/// Reads the first sizeof(T) bytes as a T. Returns nothing if there are fewer.
template <class T>
std::optional<T> read_prefix(Bytes bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

struct Attribute {
  uint16_t type = 0;  // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
  Bytes payload;

  /// Reads a number or struct in host byte order. Returns nothing unless it has the size of T.
  template <class T>
  std::optional<T> as() const {
    return payload.size() == sizeof(T) ? read_prefix<T>(payload) : std::nullopt;
  }
  /// Reads the text before the terminating zero, or all of it if there is none.
  std::string_view as_string() const;
};

/// Is a sequence of well-formed attributes, which includes unknown ones. find() returns the last of
/// duplicates, as the kernel's own parser does.
class Attributes {
 public:
  static constexpr int kMaxDepth = 8;

  /// Returns nothing if an attribute is shorter than its header or longer than the rest.
  static std::optional<Attributes> parse(Bytes bytes, int depth = 0);

  Attributes() = default;

  std::optional<Attribute> find(uint16_t type) const;

  template <class T>
  std::optional<T> get(uint16_t type) const {
    const auto attribute = find(type);
    return attribute ? attribute->as<T>() : std::nullopt;
  }

  /// Returns the attributes nested in attribute `type`, or nothing if it is absent, malformed or
  /// deeper than kMaxDepth.
  std::optional<Attributes> nested(uint16_t type) const;
  std::optional<Attributes> inside(const Attribute& attribute) const;

  template <class Visit>
  void for_each(Visit visit) const {
    for (Bytes rest = bytes_; !rest.empty();) visit(next(rest));
  }

 private:
  Attributes(Bytes bytes, int depth) : bytes_(bytes), depth_(depth) {}
  static Attribute next(Bytes& rest);

  Bytes bytes_;
  int depth_ = 0;
};

struct MessageView {
  nlmsghdr header{};
  Bytes payload;

  /// Reads the protocol's struct before the attributes. Returns nothing if the message is too
  /// short.
  template <class T>
  std::optional<T> fixed() const {
    return read_prefix<T>(payload);
  }
  /// Returns the attributes after a fixed struct of `fixed_size` bytes, or nothing if malformed.
  std::optional<Attributes> attributes(size_t fixed_size) const;
};

/// Makes the error of decoders whose message is malformed: EBADMSG.
Error malformed_message(const char* call);

/// Removes the first message from a datagram. Returns nothing at its end, and if the rest is
/// malformed, after which `datagram` is not empty.
std::optional<MessageView> next_message(Bytes& datagram);

}  // namespace mptcp::netlink
