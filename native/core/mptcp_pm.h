// Runs the commands and decodes the events of the kernel's path manager, the generic netlink family
// `mptcp_pm` (kernel: net/mptcp/pm_kernel.c, pm_userspace.c, pm_netlink.c).
//
// Every command is a struct that encode() turns into a message and that Client runs; every event
// becomes an Event. Ports are in host order everywhere.
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

/// Is an address that this host may use for subflows or announce.
struct Endpoint {
  Address address;        // port 0 stands for the connection's own port
  uint8_t id = 0;         // 1 to 255; with 0 in AddEndpoint the kernel chooses
  uint32_t flags = 0;     // uapi::kMptcpPmAddrFlag*
  int32_t interface = 0;  // index; 0 stands for any

  bool operator==(const Endpoint&) const = default;
};

struct Limits {
  uint32_t subflows = 0;           // additional subflows that a connection may have
  uint32_t add_addr_accepted = 0;  // announced addresses that a connection accepts

  bool operator==(const Limits&) const = default;
};

// These commands are for the in-kernel path manager. Changes fail with EPERM without CAP_NET_ADMIN.

/// Fails with EEXIST if the address has an endpoint already, and with ERANGE if there is no room.
struct AddEndpoint {
  Endpoint endpoint;
};
/// Lasts about 8 ms in the kernel. Fails with EINVAL if no endpoint has this id.
struct DeleteEndpoint {
  uint8_t id = 0;
  Address address;  // with id 0 only: the local address of the connections' initial subflow
};
/// Its reply is an Endpoint: one of the connection with the token, which userspace must manage, or
/// else one of the namespace. Fails with EINVAL if there is none with this id.
struct GetEndpoint {
  uint8_t id = 0;
  std::optional<uint32_t> token;
};
struct FlushEndpoints {};
/// Changes the backup and fullmesh flags; the kernel ignores others. Fails with EINVAL if there is
/// no such endpoint.
struct SetEndpointFlags {
  uint8_t id = 0;   // with 0 the kernel finds the endpoint by its address
  Address address;  // with id 0 only
  uint32_t flags = 0;
};
/// Leaves an absent limit as it is. Fails with EINVAL beyond the kernel's maximum.
struct SetLimits {
  std::optional<uint32_t> subflows;
  std::optional<uint32_t> add_addr_accepted;
};
/// Its reply is Limits.
struct GetLimits {};

// These commands are for one connection, which userspace must manage: it began while
// net.mptcp.path_manager was `userspace`. They fail with EPERM without CAP_NET_ADMIN, and with
// EINVAL and the kernel's text for an unknown token and most other mistakes.

/// Announces an address (ADD_ADDR). The id must not be 0; encode() adds the signal flag.
struct Announce {
  uint32_t token = 0;
  Endpoint endpoint;
};
/// Withdraws an announced address (REMOVE_ADDR) and closes its subflows.
struct Remove {
  uint32_t token = 0;
  uint8_t local_id = 0;
};
/// Needs the remote port: without it the kernel reports success and the subflow fails. The scope of
/// a link-local address is the interface if `local.interface` is 0.
struct CreateSubflow {
  uint32_t token = 0;
  Endpoint local;
  Address remote;
};
/// Needs both ports. Fails with ESRCH if there is no such subflow.
struct DestroySubflow {
  uint32_t token = 0;
  Address local;
  Address remote;
};
/// Sets or clears the backup flag; the kernel ignores others.
struct SetSubflowFlags {
  uint32_t token = 0;
  Address local;
  Address remote;
  uint32_t flags = 0;
};

using Command = std::variant<AddEndpoint, DeleteEndpoint, GetEndpoint, FlushEndpoints,
                             SetEndpointFlags, SetLimits, GetLimits, Announce, Remove,
                             CreateSubflow, DestroySubflow, SetSubflowFlags>;

/// Is what the kernel sends besides the acknowledgement, which only GetEndpoint and GetLimits have.
using Reply = std::variant<std::monostate, Endpoint, Limits>;

struct RawAttribute {
  uint16_t type = 0;
  std::vector<std::byte> payload;
};

/// Has the attributes of an event; one that the event does not carry is absent. Local and remote
/// are seen from this host, on the client as on the server.
struct Event {
  uint8_t type = 0;                // uapi::kMptcpEvent*, or a type of a newer kernel
  std::optional<uint32_t> token;   // of the connection on this host
  std::optional<uint16_t> family;  // of the socket: AF_INET6 if its IPv4 addresses are v4-mapped
  std::optional<uint8_t> local_id;
  std::optional<uint8_t> remote_id;
  std::optional<Address> local;   // its port is 0 if the event has none
  std::optional<Address> remote;  // its port is 0 if the event has none
  std::optional<bool> backup;
  std::optional<uint8_t> error;          // errno of the subflow's socket
  std::optional<uint32_t> reset_reason;  // of MP_TCPRST (RFC 8684 section 3.6)
  std::optional<uint32_t> reset_flags;   // of MP_TCPRST; 1 is transient
  std::optional<uint32_t> timeout;
  std::optional<uint16_t> flags;      // uapi::kMptcpPmEvFlag*
  std::optional<bool> server_side;    // of `created` and `established`
  std::optional<int32_t> interface;   // index
  std::vector<RawAttribute> unknown;  // all if the type is unknown, else those that have no field
};

/// Returns the kernel's name of the command, such as "MPTCP_PM_CMD_ADD_ADDR".
const char* command_name(const Command& command);
netlink::Message encode(const Command& command, uint16_t family);
netlink::Message endpoint_dump(std::optional<uint32_t> token, uint16_t family);

// The decoders fail with EBADMSG if the bytes are no such message.
Result<Endpoint> decode_endpoint(const netlink::MessageView& message);
Result<Limits> decode_limits(const netlink::MessageView& message);
Result<Event> decode_event(const netlink::MessageView& message);

/// Runs commands over a socket of its own. One thread at a time may use it, and every call waits
/// for the kernel.
class Client {
 public:
  /// Opens it in the calling thread's network namespace. Fails with ENOENT if this kernel has no
  /// MPTCP path manager.
  static Result<Client> open();

  Result<Reply> run(const Command& command);
  /// Runs all in order, also after one that fails, and returns a result for each.
  std::vector<Result<Reply>> run(std::span<const Command> commands);
  /// Lists all endpoints, or with a token those of one connection that userspace manages.
  Result<std::vector<Endpoint>> endpoints(std::optional<uint32_t> token = std::nullopt);

  const netlink::Family& family() const { return family_; }

 private:
  Client(netlink::Socket socket, netlink::Family family)
      : socket_(std::move(socket)), family_(std::move(family)) {}

  netlink::Socket socket_;
  netlink::Family family_;
};

/// Opens a socket that receives events, which decode_event() decodes, in the calling thread's
/// network namespace. Fails with EPERM without CAP_NET_ADMIN there, and with ENOENT if this kernel
/// has no MPTCP path manager.
Result<netlink::Socket> open_events();

}  // namespace mptcp::pm
