// Netlink messages coming in. Every length is checked: whatever the bytes, nothing is read outside.
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

/// The first sizeof(T) of `bytes` as a T; nothing where there are fewer.
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

  /// A number or struct in host byte order; nothing unless it has exactly the size of T.
  template <class T>
  std::optional<T> as() const {
    return payload.size() == sizeof(T) ? read_prefix<T>(payload) : std::nullopt;
  }
  /// Up to the terminating zero, where there is one.
  std::string_view as_string() const;
};

/// Well-formed attributes one after the other. Unknown ones are kept; of duplicates find() gives
/// the last, as the kernel's own parser does.
class Attributes {
 public:
  static constexpr int kMaxDepth = 8;

  /// Nothing where an attribute is shorter than its header or longer than what is left.
  static std::optional<Attributes> parse(Bytes bytes, int depth = 0);

  Attributes() = default;  // none

  std::optional<Attribute> find(uint16_t type) const;

  template <class T>
  std::optional<T> get(uint16_t type) const {
    const auto attribute = find(type);
    return attribute ? attribute->as<T>() : std::nullopt;
  }

  /// The attributes inside attribute `type`; nothing where it is absent or malformed, or deeper
  /// than kMaxDepth.
  std::optional<Attributes> nested(uint16_t type) const;
  std::optional<Attributes> inside(const Attribute& attribute) const;

  template <class Visit>
  void for_each(Visit visit) const {
    for (Bytes rest = bytes_; !rest.empty();) visit(take(rest));
  }

 private:
  Attributes(Bytes bytes, int depth) : bytes_(bytes), depth_(depth) {}
  static Attribute take(Bytes& rest);

  Bytes bytes_;
  int depth_ = 0;
};

struct MessageView {
  nlmsghdr header{};
  Bytes payload;

  /// The protocol's struct before the attributes; nothing where the message is too short for it.
  template <class T>
  std::optional<T> fixed() const {
    return read_prefix<T>(payload);
  }
  /// The attributes behind a fixed struct of `fixed_size` bytes.
  std::optional<Attributes> attributes(size_t fixed_size) const;
};

/// EBADMSG: what decoders give for bytes that are not what their message must be.
Error malformed_message(const char* call);

/// Takes the first message off a datagram; nothing at its end or where the rest is malformed, in
/// which case `datagram` is not empty afterwards.
std::optional<MessageView> take_message(Bytes& datagram);

}  // namespace mptcp::netlink
