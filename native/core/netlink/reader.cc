// Parses netlink messages and attributes with checked lengths.
#include "core/netlink/reader.h"

#include <algorithm>
#include <cerrno>

namespace mptcp::netlink {
namespace {

Bytes after(Bytes bytes, size_t length) { return bytes.subspan(std::min(length, bytes.size())); }

}  // namespace

std::string_view Attribute::as_string() const {
  const auto* text = reinterpret_cast<const char*>(payload.data());
  return {text, strnlen(text, payload.size())};
}

std::optional<Attributes> Attributes::parse(Bytes bytes, int depth) {
  if (depth > kMaxDepth) return std::nullopt;
  for (Bytes rest = bytes; !rest.empty();) {
    const auto header = read_prefix<nlattr>(rest);
    if (!header || header->nla_len < sizeof(nlattr) || header->nla_len > rest.size()) {
      return std::nullopt;
    }
    rest = after(rest, NLA_ALIGN(header->nla_len));
  }
  return Attributes(bytes, depth);
}

std::optional<Attribute> Attributes::find(uint16_t type) const {
  std::optional<Attribute> found;
  for_each([&](const Attribute& attribute) {
    if (attribute.type == type) found = attribute;
  });
  return found;
}

std::optional<Attributes> Attributes::nested(uint16_t type) const {
  const auto attribute = find(type);
  return attribute ? inside(*attribute) : std::nullopt;
}

std::optional<Attributes> Attributes::inside(const Attribute& attribute) const {
  return parse(attribute.payload, depth_ + 1);
}

Attribute Attributes::next(Bytes& rest) {
  const nlattr header = *read_prefix<nlattr>(rest);
  Attribute attribute;
  attribute.type = header.nla_type & NLA_TYPE_MASK;
  attribute.payload = rest.subspan(sizeof(nlattr), header.nla_len - sizeof(nlattr));
  rest = after(rest, NLA_ALIGN(header.nla_len));
  return attribute;
}

std::optional<Attributes> MessageView::attributes(size_t fixed_size) const {
  const size_t offset = NLMSG_ALIGN(fixed_size);
  if (payload.size() < fixed_size) return std::nullopt;
  return Attributes::parse(after(payload, offset));
}

Error malformed_message(const char* call) {
  Error error;
  error.code = EBADMSG;
  error.call = call;
  return error;
}

std::optional<MessageView> next_message(Bytes& datagram) {
  const auto header = read_prefix<nlmsghdr>(datagram);
  if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size()) {
    return std::nullopt;
  }
  MessageView message;
  message.header = *header;
  message.payload = datagram.subspan(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr));
  datagram = after(datagram, NLMSG_ALIGN(header->nlmsg_len));
  return message;
}

}  // namespace mptcp::netlink
