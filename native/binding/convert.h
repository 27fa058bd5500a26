// Converts what the core reads from sockets to JavaScript's plain objects (types/native.d.ts).
#pragma once

#include "binding/records.h"
#include "core/address.h"
#include "core/mptcp_socket.h"

namespace mptcp::binding {

void write(Records& to, const Address& address);
void write(Records& to, const MptcpInfo& info);
void write(Records& to, const TcpInfo& info);
void write(Records& to, const SubflowAddresses& addresses);
void write(Records& to, const Subflow& subflow);
void write(Records& to, const FullInfo& full);

}  // namespace mptcp::binding
