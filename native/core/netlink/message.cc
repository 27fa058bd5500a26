// Builds netlink messages with their attributes and padding.
#include "core/netlink/message.h"

#include <cassert>
#include <cstring>
#include <limits>

namespace mptcp::netlink {
namespace {

constexpr size_t kUsualSize = 128;  // suffices for every command of mptcp_pm

}  // namespace

Message::Message(uint16_t type, const char* name, uint16_t flags) : name_(name), flags_(flags) {
  bytes_.reserve(kUsualSize);
  bytes_.resize(sizeof(nlmsghdr));
  nlmsghdr header{};
  header.nlmsg_type = type;
  std::memcpy(bytes_.data(), &header, sizeof(header));
}

Message& Message::put_bytes(uint16_t type, std::span<const std::byte> payload) {
  const size_t start = open_attribute(type);
  append(payload);
  close_attribute(start);
  return *this;
}

Message& Message::put_string(uint16_t type, std::string_view text) {
  const size_t start = open_attribute(type);
  append(std::as_bytes(std::span(text)));
  bytes_.push_back(std::byte{0});
  close_attribute(start);
  return *this;
}

void Message::stamp(uint16_t more_flags, uint32_t sequence) {
  nlmsghdr header{};
  std::memcpy(&header, bytes_.data(), sizeof(header));
  header.nlmsg_len = static_cast<uint32_t>(bytes_.size());
  header.nlmsg_flags = flags_ | more_flags;
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof(header));
}

void Message::append(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void Message::align() { bytes_.resize(NLMSG_ALIGN(bytes_.size())); }

size_t Message::open_attribute(uint16_t type) {
  const size_t start = bytes_.size();
  nlattr attribute{};
  attribute.nla_type = type;
  append(std::as_bytes(std::span(&attribute, 1)));
  return start;
}

void Message::close_attribute(size_t start) {
  // Payloads are the core's own structs and checked strings, far below the 64 KiB of nla_len.
  const size_t length = bytes_.size() - start;
  assert(length <= std::numeric_limits<uint16_t>::max());
  const auto nla_len = static_cast<uint16_t>(length);
  std::memcpy(bytes_.data() + start + offsetof(nlattr, nla_len), &nla_len, sizeof(nla_len));
  align();
}

}  // namespace mptcp::netlink
