// The kernel's path manager: the commands and the events of the generic netlink family `mptcp_pm`
// (kernel: net/mptcp/pm_kernel.c, pm_userspace.c, pm_netlink.c).
//
// Every command is a struct that encode() turns into a message and Client runs; every event becomes
// an Event. Ports are in host order everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/address.h"
#include "core/netlink/generic.h"
#include "core/netlink/socket.h"
#include "core/result.h"
#include "core/uapi/mptcp_pm.h"

namespace mptcp::pm {

/// An address that this side may use for subflows or announce.
struct Endpoint {
  Address address;        // port 0: the connection's own
  uint8_t id = 0;         // 1 to 255; 0 in AddEndpoint: the kernel chooses
  uint32_t flags = 0;     // uapi::kMptcpPmAddrFlag*
  int32_t interface = 0;  // index; 0: any

  bool operator==(const Endpoint&) const = default;
};

struct Limits {
  uint32_t subflows = 0;           // additional subflows a connection may have
  uint32_t add_addr_accepted = 0;  // announced addresses a connection accepts

  bool operator==(const Limits&) const = default;
};

// Commands of the in-kernel path manager. Errors: EPERM without CAP_NET_ADMIN.

/// EEXIST: the address has an endpoint. ERANGE: no room for another.
struct AddEndpoint {
  Endpoint endpoint;
};
/// About 8 ms in the kernel. EINVAL: no endpoint with this id.
struct DeleteEndpoint {
  uint8_t id = 0;
  Address address;  // for id 0 alone: the local address of the connections' first subflow
};
/// Reply: Endpoint. With a token: of that connection, which userspace manages. EINVAL: no such id.
struct GetEndpoint {
  uint8_t id = 0;
  std::optional<uint32_t> token;
};
struct FlushEndpoints {};
/// Backup and fullmesh alone can change. EINVAL: no such endpoint.
struct SetEndpointFlags {
  uint8_t id = 0;   // 0: found by its address
  Address address;  // used where id is 0
  uint32_t flags = 0;
};
/// What is absent stays. EINVAL: beyond the kernel's maximum.
struct SetLimits {
  std::optional<uint32_t> subflows;
  std::optional<uint32_t> add_addr_accepted;
};
/// Reply: Limits.
struct GetLimits {};

// Commands for one connection, which userspace must manage (net.mptcp.path_manager=userspace when
// it began). Errors: EPERM; EINVAL with the kernel's text for an unknown token and for the rest.

/// The id must not be 0; the signal flag is added.
struct Announce {
  uint32_t token = 0;
  Endpoint endpoint;
};
struct Remove {
  uint32_t token = 0;
  uint8_t local_id = 0;
};
/// Needs the remote port: without it the kernel says yes and the subflow fails. A link-local
/// address takes its interface from the scope where `local.interface` is 0.
struct CreateSubflow {
  uint32_t token = 0;
  Endpoint local;
  Address remote;
};
/// Both ports are needed. ESRCH: no such subflow.
struct DestroySubflow {
  uint32_t token = 0;
  Address local;
  Address remote;
};
/// The backup flag alone counts.
struct SetSubflowFlags {
  uint32_t token = 0;
  Address local;
  Address remote;
  uint32_t flags = 0;
};

using Command = std::variant<AddEndpoint, DeleteEndpoint, GetEndpoint, FlushEndpoints,
                             SetEndpointFlags, SetLimits, GetLimits, Announce, Remove,
                             CreateSubflow, DestroySubflow, SetSubflowFlags>;

/// What the kernel answers besides yes: to GetEndpoint and GetLimits alone.
using Reply = std::variant<std::monostate, Endpoint, Limits>;

struct RawAttribute {
  uint16_t type = 0;
  std::vector<std::byte> payload;
};

/// Fields that the event does not carry are absent. Local and remote are seen from this host, on
/// the client's side as on the server's.
struct Event {
  uint8_t type = 0;                // uapi::kMptcpEvent*, or one of a newer kernel
  std::optional<uint32_t> token;   // of this side's connection
  std::optional<uint16_t> family;  // of the socket: AF_INET6 with IPv4 addresses where v4-mapped
  std::optional<uint8_t> local_id;
  std::optional<uint8_t> remote_id;
  std::optional<Address> local;   // port 0: the event has none
  std::optional<Address> remote;  // port 0: the event has none
  std::optional<bool> backup;
  std::optional<uint8_t> error;          // errno of the subflow's socket
  std::optional<uint32_t> reset_reason;  // of MP_TCPRST (RFC 8684, 3.6)
  std::optional<uint32_t> reset_flags;   // of MP_TCPRST: 1 transient
  std::optional<uint32_t> timeout;
  std::optional<uint16_t> flags;      // uapi::kMptcpPmEvFlag*
  std::optional<bool> server_side;    // of created and established
  std::optional<int32_t> interface;   // index
  std::vector<RawAttribute> unknown;  // all of an unknown event's, else those not listed above
};

const char* command_name(const Command& command);  // "MPTCP_PM_CMD_ADD_ADDR"
netlink::Message encode(const Command& command, uint16_t family);
netlink::Message endpoint_dump(std::optional<uint32_t> token, uint16_t family);

// EBADMSG where the bytes are no such message.
Result<Endpoint> decode_endpoint(const netlink::MessageView& message);
Result<Limits> decode_limits(const netlink::MessageView& message);
Result<Event> decode_event(const netlink::MessageView& message);

/// A socket with the family, for commands. For one thread at a time; every call is as slow as the
/// kernel.
class Client {
 public:
  /// In the calling thread's network namespace. ENOENT: this kernel has no MPTCP path manager.
  static Result<Client> open();

  Result<Reply> run(const Command& command);
  /// In order, also past one that fails; a result for each.
  std::vector<Result<Reply>> run(std::span<const Command> commands);
  /// All endpoints, or those of one connection that userspace manages.
  Result<std::vector<Endpoint>> endpoints(std::optional<uint32_t> token = std::nullopt);

  const netlink::Family& family() const { return family_; }

 private:
  Client(netlink::Socket socket, netlink::Family family)
      : socket_(std::move(socket)), family_(std::move(family)) {}

  netlink::Socket socket_;
  netlink::Family family_;
};

/// A socket that receives the events: decode_event() what its receive() gives. In the calling
/// thread's network namespace. EPERM: needs CAP_NET_ADMIN there. ENOENT: this kernel has none.
Result<netlink::Socket> open_events();

}  // namespace mptcp::pm
