// Encodes the commands and decodes the events of the generic netlink family `mptcp_pm`.
#include "core/mptcp_pm.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <type_traits>
#include <utility>

namespace mptcp::pm {
namespace {

using netlink::Attributes;
using netlink::Message;
using netlink::MessageView;

constexpr const char* kEvent = "MPTCP_EVENT";

struct CommandId {
  uint8_t number;
  const char* name;
};

// The order is that of Command's alternatives.
constexpr std::array kCommands = {
    CommandId{uapi::kMptcpPmCmdAddAddr, "MPTCP_PM_CMD_ADD_ADDR"},
    CommandId{uapi::kMptcpPmCmdDelAddr, "MPTCP_PM_CMD_DEL_ADDR"},
    CommandId{uapi::kMptcpPmCmdGetAddr, "MPTCP_PM_CMD_GET_ADDR"},
    CommandId{uapi::kMptcpPmCmdFlushAddrs, "MPTCP_PM_CMD_FLUSH_ADDRS"},
    CommandId{uapi::kMptcpPmCmdSetFlags, "MPTCP_PM_CMD_SET_FLAGS"},
    CommandId{uapi::kMptcpPmCmdSetLimits, "MPTCP_PM_CMD_SET_LIMITS"},
    CommandId{uapi::kMptcpPmCmdGetLimits, "MPTCP_PM_CMD_GET_LIMITS"},
    CommandId{uapi::kMptcpPmCmdAnnounce, "MPTCP_PM_CMD_ANNOUNCE"},
    CommandId{uapi::kMptcpPmCmdRemove, "MPTCP_PM_CMD_REMOVE"},
    CommandId{uapi::kMptcpPmCmdSubflowCreate, "MPTCP_PM_CMD_SUBFLOW_CREATE"},
    CommandId{uapi::kMptcpPmCmdSubflowDestroy, "MPTCP_PM_CMD_SUBFLOW_DESTROY"},
    CommandId{uapi::kMptcpPmCmdSetFlags, "MPTCP_PM_CMD_SET_FLAGS"},
};
static_assert(kCommands.size() == std::variant_size_v<Command>);

void put_address(Message& message, const Address& address) {
  if (address.family == AF_UNSPEC) return;
  const auto bytes = std::as_bytes(std::span(address.bytes));
  message.put<uint16_t>(uapi::kMptcpPmAddrAttrFamily, address.family);
  if (address.family == AF_INET) {
    message.put_bytes(uapi::kMptcpPmAddrAttrAddr4, bytes.first(sizeof(in_addr)));
  } else {
    message.put_bytes(uapi::kMptcpPmAddrAttrAddr6, bytes);
  }
  if (address.port != 0) message.put<uint16_t>(uapi::kMptcpPmAddrAttrPort, address.port);
}

void put_endpoint(Message& message, const Endpoint& endpoint) {
  put_address(message, endpoint.address);
  if (endpoint.id != 0) message.put<uint8_t>(uapi::kMptcpPmAddrAttrId, endpoint.id);
  if (endpoint.flags != 0) message.put<uint32_t>(uapi::kMptcpPmAddrAttrFlags, endpoint.flags);
  const auto scope = static_cast<int32_t>(endpoint.address.scope);
  const int32_t interface = endpoint.interface != 0 ? endpoint.interface : scope;
  if (interface != 0) message.put<int32_t>(uapi::kMptcpPmAddrAttrIfIdx, interface);
}

void nest_endpoint(Message& message, const Endpoint& endpoint) {
  message.nest(uapi::kMptcpPmAttrAddr, [&](Message& nested) { put_endpoint(nested, endpoint); });
}

void nest_remote(Message& message, const Address& remote) {
  message.nest(uapi::kMptcpPmAttrAddrRemote, [&](Message& nested) { put_address(nested, remote); });
}

void put_token(Message& message, uint32_t token) {
  message.put<uint32_t>(uapi::kMptcpPmAttrToken, token);
}

void put(Message& message, const AddEndpoint& command) { nest_endpoint(message, command.endpoint); }

void put(Message& message, const DeleteEndpoint& command) {
  message.nest(uapi::kMptcpPmAttrAddr, [&](Message& nested) {
    nested.put<uint8_t>(uapi::kMptcpPmAddrAttrId, command.id);
    if (command.id == 0) put_address(nested, command.address);
  });
}

void put(Message& message, const GetEndpoint& command) {
  message.nest(uapi::kMptcpPmAttrAddr,
               [&](Message& nested) { nested.put<uint8_t>(uapi::kMptcpPmAddrAttrId, command.id); });
  if (command.token) put_token(message, *command.token);
}

void put(Message&, const FlushEndpoints&) {}

void put(Message& message, const SetEndpointFlags& command) {
  message.nest(uapi::kMptcpPmAttrAddr, [&](Message& nested) {
    nested.put<uint32_t>(uapi::kMptcpPmAddrAttrFlags, command.flags);
    if (command.id != 0) {
      nested.put<uint8_t>(uapi::kMptcpPmAddrAttrId, command.id);
    } else {
      put_address(nested, command.address);
    }
  });
}

void put(Message& message, const SetLimits& command) {
  if (command.add_addr_accepted) {
    message.put<uint32_t>(uapi::kMptcpPmAttrRcvAddAddrs, *command.add_addr_accepted);
  }
  if (command.subflows) message.put<uint32_t>(uapi::kMptcpPmAttrSubflows, *command.subflows);
}

void put(Message&, const GetLimits&) {}

void put(Message& message, const Announce& command) {
  Endpoint endpoint = command.endpoint;
  endpoint.flags |= uapi::kMptcpPmAddrFlagSignal;
  nest_endpoint(message, endpoint);
  put_token(message, command.token);
}

void put(Message& message, const Remove& command) {
  put_token(message, command.token);
  message.put<uint8_t>(uapi::kMptcpPmAttrLocId, command.local_id);
}

void put(Message& message, const CreateSubflow& command) {
  nest_endpoint(message, command.local);
  put_token(message, command.token);
  nest_remote(message, command.remote);
}

void put(Message& message, const DestroySubflow& command) {
  nest_endpoint(message, {.address = command.local});
  put_token(message, command.token);
  nest_remote(message, command.remote);
}

void put(Message& message, const SetSubflowFlags& command) {
  nest_endpoint(message, {.address = command.local, .flags = command.flags});
  put_token(message, command.token);
  nest_remote(message, command.remote);
}

// Reads the address from whichever of the two attributes, IPv4 or IPv6, is present.
std::optional<Address> get_address(const Attributes& attributes, uint16_t v4, uint16_t v6,
                                   uint16_t port, uint32_t interface) {
  if (const auto in = attributes.get<in_addr>(v4)) return from_bytes(AF_INET, &*in, port);
  const auto in6 = attributes.get<in6_addr>(v6);
  if (!in6) return std::nullopt;
  return from_bytes(AF_INET6, &*in6, port, IN6_IS_ADDR_LINKLOCAL(&*in6) ? interface : 0);
}

uint16_t get_network_port(const Attributes& attributes, uint16_t type) {
  return ntohs(attributes.get<uint16_t>(type).value_or(0));
}

std::optional<bool> get_bool(const Attributes& attributes, uint16_t type) {
  const auto value = attributes.get<uint8_t>(type);
  return value ? std::optional(*value != 0) : std::nullopt;
}

bool is_known(uint8_t event) {
  switch (event) {
    case uapi::kMptcpEventCreated:
    case uapi::kMptcpEventEstablished:
    case uapi::kMptcpEventClosed:
    case uapi::kMptcpEventAnnounced:
    case uapi::kMptcpEventRemoved:
    case uapi::kMptcpEventSubEstablished:
    case uapi::kMptcpEventSubClosed:
    case uapi::kMptcpEventSubPriority:
    case uapi::kMptcpEventListenerCreated:
    case uapi::kMptcpEventListenerClosed:
      return true;
    default:
      return false;
  }
}

Result<Reply> decode_reply(const Command& command, const MessageView& message) {
  if (std::holds_alternative<GetEndpoint>(command)) {
    auto endpoint = decode_endpoint(message);
    return endpoint ? Result<Reply>(Reply(*endpoint)) : endpoint.error();
  }
  if (std::holds_alternative<GetLimits>(command)) {
    auto limits = decode_limits(message);
    return limits ? Result<Reply>(Reply(*limits)) : limits.error();
  }
  return Reply();
}

Address v4_mapped(const Address& v4) {
  Address mapped;
  mapped.family = AF_INET6;
  mapped.port = v4.port;
  mapped.bytes[10] = mapped.bytes[11] = 0xff;
  std::copy_n(v4.bytes.begin(), sizeof(in_addr), mapped.bytes.begin() + 12);
  return mapped;
}

struct OpenFamily {
  netlink::Socket socket;
  netlink::Family family;
};

Result<OpenFamily> open_family(size_t longest) {
  auto socket = netlink::Socket::open(NETLINK_GENERIC, longest);
  if (!socket) return socket.error();
  auto family = netlink::resolve_family(*socket, uapi::kMptcpPmName);
  if (!family) return family.error();
  return OpenFamily{std::move(*socket), std::move(*family)};
}

}  // namespace

const char* command_name(const Command& command) { return kCommands[command.index()].name; }

Message encode(const Command& command, uint16_t family) {
  const CommandId& id = kCommands[command.index()];
  Message message = netlink::generic_message(family, id.number, uapi::kMptcpPmVersion, id.name);
  std::visit([&](const auto& typed) { put(message, typed); }, command);
  if (std::holds_alternative<GetEndpoint>(command) || std::holds_alternative<GetLimits>(command)) {
    message.expect_reply();
  }
  return message;
}

Message endpoint_dump(std::optional<uint32_t> token, uint16_t family) {
  Message message = netlink::generic_message(family, uapi::kMptcpPmCmdGetAddr,
                                             uapi::kMptcpPmVersion, "MPTCP_PM_CMD_GET_ADDR");
  if (token) put_token(message, *token);
  return message;
}

Result<Endpoint> decode_endpoint(const MessageView& message) {
  constexpr const char* kCall = "MPTCP_PM_CMD_GET_ADDR";
  const auto attributes = message.attributes(sizeof(genlmsghdr));
  const auto nested = attributes ? attributes->nested(uapi::kMptcpPmAttrAddr) : std::nullopt;
  if (!nested) return netlink::malformed_message(kCall);
  Endpoint endpoint;
  endpoint.id = nested->get<uint8_t>(uapi::kMptcpPmAddrAttrId).value_or(0);
  endpoint.flags = nested->get<uint32_t>(uapi::kMptcpPmAddrAttrFlags).value_or(0);
  endpoint.interface = nested->get<int32_t>(uapi::kMptcpPmAddrAttrIfIdx).value_or(0);
  const auto address =
      get_address(*nested, uapi::kMptcpPmAddrAttrAddr4, uapi::kMptcpPmAddrAttrAddr6,
                  nested->get<uint16_t>(uapi::kMptcpPmAddrAttrPort).value_or(0),
                  static_cast<uint32_t>(endpoint.interface));
  if (!address) return netlink::malformed_message(kCall);
  endpoint.address = *address;
  return endpoint;
}

Result<Limits> decode_limits(const MessageView& message) {
  const auto attributes = message.attributes(sizeof(genlmsghdr));
  if (!attributes) return netlink::malformed_message("MPTCP_PM_CMD_GET_LIMITS");
  const auto subflows = attributes->get<uint32_t>(uapi::kMptcpPmAttrSubflows);
  const auto accepted = attributes->get<uint32_t>(uapi::kMptcpPmAttrRcvAddAddrs);
  if (!subflows || !accepted) return netlink::malformed_message("MPTCP_PM_CMD_GET_LIMITS");
  return Limits{*subflows, *accepted};
}

Result<Event> decode_event(const MessageView& message) {
  const auto header = message.fixed<genlmsghdr>();
  const auto attributes = message.attributes(sizeof(genlmsghdr));
  if (!header || !attributes) return netlink::malformed_message(kEvent);
  Event event;
  event.type = header->cmd;
  const bool known = is_known(event.type);
  attributes->for_each([&](const netlink::Attribute& attribute) {
    if (known && attribute.type <= uapi::kMptcpAttrServerSide) return;
    event.unknown.push_back({attribute.type, {attribute.payload.begin(), attribute.payload.end()}});
  });
  if (!known) return event;

  event.token = attributes->get<uint32_t>(uapi::kMptcpAttrToken);
  event.family = attributes->get<uint16_t>(uapi::kMptcpAttrFamily);
  event.local_id = attributes->get<uint8_t>(uapi::kMptcpAttrLocId);
  event.remote_id = attributes->get<uint8_t>(uapi::kMptcpAttrRemId);
  event.interface = attributes->get<int32_t>(uapi::kMptcpAttrIfIdx);
  const auto scope = static_cast<uint32_t>(event.interface.value_or(0));
  event.local = get_address(*attributes, uapi::kMptcpAttrSaddr4, uapi::kMptcpAttrSaddr6,
                            get_network_port(*attributes, uapi::kMptcpAttrSport), scope);
  event.remote = get_address(*attributes, uapi::kMptcpAttrDaddr4, uapi::kMptcpAttrDaddr6,
                             get_network_port(*attributes, uapi::kMptcpAttrDport), scope);
  event.backup = get_bool(*attributes, uapi::kMptcpAttrBackup);
  event.error = attributes->get<uint8_t>(uapi::kMptcpAttrError);
  event.reset_reason = attributes->get<uint32_t>(uapi::kMptcpAttrResetReason);
  event.reset_flags = attributes->get<uint32_t>(uapi::kMptcpAttrResetFlags);
  event.timeout = attributes->get<uint32_t>(uapi::kMptcpAttrTimeout);
  event.flags = attributes->get<uint16_t>(uapi::kMptcpAttrFlags);
  if (event.type == uapi::kMptcpEventCreated || event.type == uapi::kMptcpEventEstablished) {
    // Older kernels have an attribute for it, newer ones a flag as well; a client may have neither.
    event.server_side = get_bool(*attributes, uapi::kMptcpAttrServerSide).value_or(false) ||
                        (event.flags.value_or(0) & uapi::kMptcpPmEvFlagServerSide) != 0;
  }
  return event;
}

Result<Client> Client::open() {
  auto opened = open_family(netlink::Socket::kShort);
  if (!opened) return opened.error();
  return Client(std::move(opened->socket), std::move(opened->family));
}

Result<Reply> Client::run(const Command& command) {
  return std::move(run(std::span(&command, 1)).front());
}

std::vector<Result<Reply>> Client::run(std::span<const Command> commands) {
  std::vector<Message> messages;
  messages.reserve(commands.size());
  for (const Command& command : commands) messages.push_back(encode(command, family_.id));

  std::vector<Result<Reply>> replies(commands.size(), Reply());
  const auto results = socket_.pipeline(messages, [&](size_t index, const MessageView& message) {
    replies[index] = decode_reply(commands[index], message);
  });
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) replies[i] = results[i].error();
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const auto* destroy = std::get_if<DestroySubflow>(&commands[i]);
    if (destroy && !results[i] && results[i].error().code == ESRCH &&
        destroy->local.family == AF_INET && destroy->remote.family == AF_INET) {
      // The kernel has the IPv4 addresses of an IPv6 socket's subflow as v4-mapped ones.
      auto mapped = encode(
          DestroySubflow{destroy->token, v4_mapped(destroy->local), v4_mapped(destroy->remote)},
          family_.id);
      if (socket_.request(mapped)) replies[i] = Reply();
    }
  }
  return replies;
}

Result<std::vector<Endpoint>> Client::endpoints(std::optional<uint32_t> token) {
  Message message = endpoint_dump(token, family_.id);
  return socket_.list<Endpoint>(message, decode_endpoint);
}

Result<netlink::Socket> open_events() {
  auto opened = open_family(netlink::Socket::kLongest);
  if (!opened) return opened.error();
  const auto group = opened->family.group(uapi::kMptcpPmEventsGroup);
  if (!group) {
    Error error;
    error.code = ENOENT;
    error.call = kEvent;
    return error;
  }
  if (auto joined = opened->socket.join(*group); !joined) return joined.error();
  return std::move(opened->socket);
}

}  // namespace mptcp::pm
