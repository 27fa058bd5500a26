// Dumps the MPTCP sockets of a network namespace: the classes ConnectionDump and SubflowDump.
#include "binding/diag_dump.h"

#include "binding/command_reader.h"
#include "binding/dump.h"
#include "binding/scope_resolver.h"

namespace mptcp::binding {
namespace {

class Connections {
 public:
  using Item = sock_diag::Connection;
  static constexpr const char* kClass = "ConnectionDump";
  static constexpr const char* kThread = "mptcp-conns";

  explicit Connections(const Napi::CallbackInfo& info) {
    const Argument filter(info, 1, "filter");
    filter_.local_port = filter["localPort"].optional_integer<uint16_t>();
    filter_.remote_port = filter["remotePort"].optional_integer<uint16_t>();
    filter_.local = read_optional_address(filter["localAddress"], scopes_);
    filter_.remote = read_optional_address(filter["remoteAddress"], scopes_);
    filter_.states = filter["states"].optional_integer<uint32_t>().value_or(filter_.states);
  }

  Result<void> run(netlink::Socket& socket, const std::function<bool(const Item&)>& each,
                   const sock_diag::Restart& restart) {
    if (auto resolved = resolve_scopes(filter_, scopes_); !resolved) return resolved;
    return sock_diag::connections(socket, filter_, each, restart);
  }

 private:
  InterfaceScopes scopes_;
  sock_diag::Filter filter_;
};

class Subflows {
 public:
  using Item = sock_diag::Subflow;
  static constexpr const char* kClass = "SubflowDump";
  static constexpr const char* kThread = "mptcp-subflows";

  explicit Subflows(const Napi::CallbackInfo& info)
      : with_tcp_info_(Argument(info, 1, "options")["tcpInfo"].boolean()) {}

  Result<void> run(netlink::Socket& socket, const std::function<bool(const Item&)>& each,
                   const sock_diag::Restart& restart) const {
    return sock_diag::subflows(socket, with_tcp_info_, each, restart);
  }

 private:
  const bool with_tcp_info_;
};

}  // namespace

Napi::Function define_connection_dump(Napi::Env env) { return Dump<Connections>::define(env); }

Napi::Function define_subflow_dump(Napi::Env env) { return Dump<Subflows>::define(env); }

}  // namespace mptcp::binding
