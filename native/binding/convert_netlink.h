// Converts what threads read by netlink to JavaScript's plain objects (types/native.d.ts).
#pragma once

#include "binding/convert.h"
#include "binding/records.h"
#include "core/mptcp_pm.h"
#include "core/rtnetlink.h"
#include "core/sock_diag.h"

namespace mptcp::binding {

void write(Records& to, const pm::RawAttribute& attribute);
void write(Records& to, const pm::Endpoint& endpoint);
void write(Records& to, const pm::Limits& limits);
void write(Records& to, const pm::Reply& reply);
void write(Records& to, const pm::Event& event);
void write(Records& to, const rtnetlink::Link& link);
void write(Records& to, const rtnetlink::InterfaceAddress& address);
void write(Records& to, const rtnetlink::NextHop& next_hop);
void write(Records& to, const rtnetlink::Route& route);
void write(Records& to, const rtnetlink::Change& change);
void write(Records& to, const sock_diag::Connection& connection);
void write(Records& to, const sock_diag::Subflow& subflow);

}  // namespace mptcp::binding
