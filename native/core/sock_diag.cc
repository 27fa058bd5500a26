// Encodes the requests of sock_diag and decodes its sockets.
#include "core/sock_diag.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "core/uapi/inet_diag.h"

namespace mptcp::sock_diag {
namespace {

using netlink::Attributes;
using netlink::Bytes;
using netlink::malformed_message;
using netlink::Message;
using netlink::MessageView;

constexpr const char* kCall = "SOCK_DIAG_BY_FAMILY";
constexpr uint8_t kWithInfo = 1U << (uapi::kInetDiagInfo - 1);

// Listeners and request and time-wait sockets have no subflow data.
constexpr uint32_t kSubflowStates =
    ~((1U << TCP_LISTEN) | (1U << TCP_TIME_WAIT) | (1U << TCP_SYN_RECV));

void append(std::vector<std::byte>& bytes, Bytes more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

Bytes address_bytes(const Address& address) {
  return std::as_bytes(std::span(address.bytes)).first(address.family == AF_INET ? 4 : 16);
}

size_t condition_size(const Address& address) {
  return sizeof(uapi::InetDiagBcOp) + sizeof(uapi::InetDiagHostcond) +
         address_bytes(address).size();
}

// Appends a condition, which jumps beyond the end of the bytecode if it does not hold.
void append_condition(std::vector<std::byte>& bytecode, uint8_t code, const Address& address,
                      size_t total_size) {
  const size_t size = condition_size(address);
  uapi::InetDiagBcOp operation{};
  operation.code = code;
  operation.yes = static_cast<uint8_t>(size);
  operation.no = static_cast<uint16_t>(total_size - bytecode.size() + sizeof(operation));
  uapi::InetDiagHostcond condition{};
  condition.family = static_cast<uint8_t>(address.family);
  condition.prefix_len = static_cast<uint8_t>(address_bytes(address).size() * 8);
  condition.port = -1;
  append(bytecode, std::as_bytes(std::span(&operation, 1)));
  append(bytecode, std::as_bytes(std::span(&condition, 1)));
  append(bytecode, address_bytes(address));
}

void put_addresses(Message& message, const Filter& filter) {
  const size_t size = (filter.local ? condition_size(*filter.local) : 0) +
                      (filter.remote ? condition_size(*filter.remote) : 0);
  if (size == 0) return;
  std::vector<std::byte> bytecode;
  if (filter.local) append_condition(bytecode, uapi::kInetDiagBcSCond, *filter.local, size);
  if (filter.remote) append_condition(bytecode, uapi::kInetDiagBcDCond, *filter.remote, size);
  message.put_bytes(uapi::kInetDiagReqBytecode, bytecode);
}

// The protocol is 0 in the struct, which a kernel without the attribute refuses: 262 cut to a byte
// would be TCP's 6.
Message mptcp_request(const uapi::InetDiagReqV2& request) {
  Message message(uapi::kSockDiagByFamily, kCall);
  message.put_header(request);
  message.put<uint32_t>(uapi::kInetDiagReqProtocol, uapi::kIpprotoMptcp);
  return message;
}

template <class T>
std::optional<Reported<T>> get_info(const Attributes& attributes) {
  const auto attribute = attributes.find(uapi::kInetDiagInfo);
  if (!attribute) return std::nullopt;
  Reported<T> reported;
  reported.length = std::min(attribute->payload.size(), sizeof(T));
  std::memcpy(&reported.value, attribute->payload.data(), reported.length);
  return reported;
}

Address get_address(const uapi::InetDiagMsg& header, const uint32_t (&bytes)[4], uint16_t port) {
  in6_addr in6{};
  std::memcpy(&in6, bytes, sizeof(in6));
  const bool scoped = header.family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&in6);
  return from_bytes(header.family, bytes, ntohs(port), scoped ? header.id.interface : 0);
}

bool read_socket(const MessageView& message, Socket& socket) {
  const auto header = message.fixed<uapi::InetDiagMsg>();
  if (!header || (header->family != AF_INET && header->family != AF_INET6)) return false;
  socket.state = header->state;
  socket.local = get_address(*header, header->id.src, header->id.sport);
  socket.remote = get_address(*header, header->id.dst, header->id.dport);
  socket.uid = header->uid;
  socket.inode = header->inode;
  socket.receive_queue = header->rqueue;
  socket.send_queue = header->wqueue;
  return true;
}

// sock_diag dumps one family at a time. A restart also voids the sockets of the other family, which
// is then dumped again.
template <class T, class MakeMessage>
Result<void> dump_families(netlink::Socket& socket, MakeMessage make_message,
                           const netlink::Socket::Decoder<T>& decode,
                           const std::function<bool(T&&)>& each, const Restart& restart) {
  bool more = true;
  int valid = 0;
  const std::function<bool(T &&)> forward = [&](T&& item) { return more = each(std::move(item)); };
  const Restart begin_anew = [&] {
    valid = 0;
    restart();
  };
  for (int turn = 0; turn < netlink::Socket::kDumpAttempts; ++turn) {
    auto message = make_message(turn % 2 == 0 ? AF_INET : AF_INET6);
    auto dumped = socket.dump_decoded<T>(message, decode, forward, begin_anew);
    if (!dumped || !more || ++valid == 2) return dumped;
  }
  Error error;
  error.code = EINTR;
  error.call = kCall;
  return error;
}

}  // namespace

Result<netlink::Socket> open() { return netlink::Socket::open(NETLINK_SOCK_DIAG); }

Message connection_dump(sa_family_t family, const Filter& filter) {
  uapi::InetDiagReqV2 request{};
  request.family = static_cast<uint8_t>(family);
  request.ext = kWithInfo;
  request.states = filter.states;
  request.id.sport = htons(filter.local_port.value_or(0));
  request.id.dport = htons(filter.remote_port.value_or(0));
  Message message = mptcp_request(request);
  put_addresses(message, filter);
  return message;
}

Message subflow_dump(sa_family_t family) {
  uapi::InetDiagReqV2 request{};
  request.family = static_cast<uint8_t>(family);
  request.protocol = IPPROTO_TCP;
  request.ext = kWithInfo;  // without it the kernel omits the subflow data as well
  request.states = kSubflowStates;
  Message message(uapi::kSockDiagByFamily, kCall);
  message.put_header(request);
  return message;
}

Result<Connection> decode_connection(const MessageView& message) {
  Connection connection;
  const auto attributes = message.attributes(sizeof(uapi::InetDiagMsg));
  if (!attributes || !read_socket(message, connection)) return malformed_message(kCall);
  connection.info = get_info<uapi::MptcpInfo>(*attributes);
  const bool has_token = connection.info &&
                         connection.info->length >= offsetof(uapi::MptcpInfo, token) + 4 &&
                         connection.info->value.token != 0;
  if (has_token) connection.token = connection.info->value.token;
  return connection;
}

Result<std::optional<Subflow>> decode_subflow(const MessageView& message, bool with_tcp_info) {
  Subflow subflow;
  const auto attributes = message.attributes(sizeof(uapi::InetDiagMsg));
  if (!attributes || !read_socket(message, subflow)) return malformed_message(kCall);
  const auto ulp = attributes->nested(uapi::kInetDiagUlpInfo);
  const auto data = ulp ? ulp->nested(uapi::kInetUlpInfoMptcp) : std::nullopt;
  const auto token = data ? data->get<uint32_t>(uapi::kMptcpSubflowAttrTokenLoc) : std::nullopt;
  if (!token) return std::optional<Subflow>();

  subflow.token = *token;
  subflow.remote_token = data->get<uint32_t>(uapi::kMptcpSubflowAttrTokenRem);
  if (subflow.remote_token == 0U) subflow.remote_token.reset();
  subflow.flags = data->get<uint32_t>(uapi::kMptcpSubflowAttrFlags);
  subflow.local_id = data->get<uint8_t>(uapi::kMptcpSubflowAttrIdLoc);
  subflow.remote_id = data->get<uint8_t>(uapi::kMptcpSubflowAttrIdRem);
  if (const auto info = get_info<uapi::TcpInfo>(*attributes); info && with_tcp_info) {
    subflow.tcp_info = std::make_unique<TcpInfo>(*info);
  }
  return std::optional(std::move(subflow));
}

Result<void> connections(netlink::Socket& socket, const Filter& filter,
                         const std::function<bool(const Connection&)>& each,
                         const Restart& restart) {
  return dump_families<Connection>(
      socket, [&](sa_family_t family) { return connection_dump(family, filter); },
      decode_connection, each, restart);
}

Result<void> subflows(netlink::Socket& socket, bool with_tcp_info,
                      const std::function<bool(Subflow&&)>& each, const Restart& restart) {
  return dump_families<std::optional<Subflow>>(
      socket, [&](sa_family_t family) { return subflow_dump(family); },
      [&](const MessageView& message) { return decode_subflow(message, with_tcp_info); },
      [&](std::optional<Subflow>&& subflow) { return !subflow || each(std::move(*subflow)); },
      restart);
}

}  // namespace mptcp::sock_diag
