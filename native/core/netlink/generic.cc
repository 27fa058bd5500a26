// Asks the generic netlink controller for families and decodes its answers.
#include "core/netlink/generic.h"

namespace mptcp::netlink {
namespace {

constexpr const char* kGetFamily = "CTRL_CMD_GETFAMILY";

// A list is an attribute that nests one attribute for each element, numbered from 1.
template <class Visit>
void for_each_element(const Attributes& attributes, uint16_t list, Visit visit) {
  const auto elements = attributes.nested(list);
  if (!elements) return;
  elements->for_each([&](const Attribute& element) {
    if (const auto inside = elements->inside(element)) visit(*inside);
  });
}

}  // namespace

std::optional<uint32_t> Family::group(std::string_view name) const {
  for (const auto& [group_name, id] : groups) {
    if (group_name == name) return id;
  }
  return std::nullopt;
}

Message generic_message(uint16_t family, uint8_t command, uint8_t version, const char* name) {
  Message message(family, name);
  genlmsghdr header{};
  header.cmd = command;
  header.version = version;
  message.put_header(header);
  return message;
}

Result<Family> decode_family(const MessageView& message) {
  const auto attributes = message.attributes(sizeof(genlmsghdr));
  if (!attributes) return malformed_message(kGetFamily);
  const auto id = attributes->get<uint16_t>(CTRL_ATTR_FAMILY_ID);
  if (!id) return malformed_message(kGetFamily);

  Family family;
  family.id = *id;
  family.version = attributes->get<uint32_t>(CTRL_ATTR_VERSION).value_or(0);
  for_each_element(*attributes, CTRL_ATTR_OPS, [&](const Attributes& operation) {
    if (const auto command = operation.get<uint32_t>(CTRL_ATTR_OP_ID)) {
      family.commands.push_back(*command);
    }
  });
  for_each_element(*attributes, CTRL_ATTR_MCAST_GROUPS, [&](const Attributes& group) {
    const auto group_name = group.find(CTRL_ATTR_MCAST_GRP_NAME);
    const auto group_id = group.get<uint32_t>(CTRL_ATTR_MCAST_GRP_ID);
    if (group_name && group_id) family.groups.emplace_back(group_name->as_string(), *group_id);
  });
  return family;
}

Result<Family> resolve_family(Socket& socket, std::string_view name) {
  Message message = generic_message(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, kGetFamily);
  message.put_string(CTRL_ATTR_FAMILY_NAME, name);
  Result<Family> family = Family{};
  const auto answered =
      socket.request(message, [&](const MessageView& view) { family = decode_family(view); });
  if (!answered) return answered.error();
  return family;
}

}  // namespace mptcp::netlink
