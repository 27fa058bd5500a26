// Commands of the path manager as JavaScript writes them: types/native.d.ts, NativeCommand.
#pragma once

#include "binding/arguments.h"
#include "binding/interface_names.h"
#include "core/mptcp_pm.h"

namespace mptcp::binding {

/// Interface names in addresses go to `scopes`, to be resolved on the thread that runs the command.
pm::Endpoint read_endpoint(const Argument& argument, InterfaceScopes& scopes);

pm::Command read_command(const Argument& argument, InterfaceScopes& scopes);

/// IPv4 or IPv6; TypeError for another text.
Address read_address(const Argument& argument, uint16_t port, InterfaceScopes& scopes);

/// Nothing where it is absent.
std::optional<Address> read_optional_address(const Argument& argument, InterfaceScopes& scopes);

}  // namespace mptcp::binding
