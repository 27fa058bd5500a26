// Reads commands of the path manager from JavaScript (types/native.d.ts, NativeCommand).
#pragma once

#include "binding/arguments.h"
#include "binding/interface_names.h"
#include "core/mptcp_pm.h"

namespace mptcp::binding {

/// Collects interface names of addresses in `scopes`, which the thread that runs the command
/// resolves.
pm::Endpoint read_endpoint(const Argument& argument, InterfaceScopes& scopes);

pm::Command read_command(const Argument& argument, InterfaceScopes& scopes);

/// Reads an IPv4 or IPv6 address. Throws a TypeError for another text.
Address read_address(const Argument& argument, uint16_t port, InterfaceScopes& scopes);

/// Returns nothing if the argument is absent.
std::optional<Address> read_optional_address(const Argument& argument, InterfaceScopes& scopes,
                                             uint16_t port = 0);

}  // namespace mptcp::binding
