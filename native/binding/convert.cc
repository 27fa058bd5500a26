#include "binding/convert.h"

#include <array>
#include <cstring>
#include <string>

#include "binding/make_object.h"

namespace mptcp::binding {
namespace {

enum class As { kNumber, kDecimalText };

struct Field {
  const char* name;
  uint16_t offset;
  uint8_t size;
  As as = As::kNumber;
};

#define FIELD(type, member, name) \
  { name, offsetof(type, member), sizeof(type::member) }

// Data sequence numbers are 64 random bits: beyond a JavaScript number, and not for arithmetic.
#define SEQUENCE(type, member, name) \
  { name, offsetof(type, member), sizeof(type::member), As::kDecimalText }

constexpr Field kMptcpInfoFields[] = {
    FIELD(uapi::MptcpInfo, subflows, "subflows"),
    FIELD(uapi::MptcpInfo, add_addr_signal, "addAddrSignal"),
    FIELD(uapi::MptcpInfo, add_addr_accepted, "addAddrAccepted"),
    FIELD(uapi::MptcpInfo, subflows_max, "subflowsMax"),
    FIELD(uapi::MptcpInfo, add_addr_signal_max, "addAddrSignalMax"),
    FIELD(uapi::MptcpInfo, add_addr_accepted_max, "addAddrAcceptedMax"),
    FIELD(uapi::MptcpInfo, flags, "flags"),
    FIELD(uapi::MptcpInfo, token, "token"),
    SEQUENCE(uapi::MptcpInfo, write_seq, "writeSeq"),
    SEQUENCE(uapi::MptcpInfo, snd_una, "sndUna"),
    SEQUENCE(uapi::MptcpInfo, rcv_nxt, "rcvNxt"),
    FIELD(uapi::MptcpInfo, local_addr_used, "localAddrUsed"),
    FIELD(uapi::MptcpInfo, local_addr_max, "localAddrMax"),
    FIELD(uapi::MptcpInfo, csum_enabled, "csumEnabled"),
    FIELD(uapi::MptcpInfo, retransmits, "retransmits"),
    FIELD(uapi::MptcpInfo, bytes_retrans, "bytesRetrans"),
    FIELD(uapi::MptcpInfo, bytes_sent, "bytesSent"),
    FIELD(uapi::MptcpInfo, bytes_received, "bytesReceived"),
    FIELD(uapi::MptcpInfo, bytes_acked, "bytesAcked"),
    FIELD(uapi::MptcpInfo, subflows_total, "subflowsTotal"),
    FIELD(uapi::MptcpInfo, last_data_sent, "lastDataSent"),
    FIELD(uapi::MptcpInfo, last_data_recv, "lastDataRecv"),
    FIELD(uapi::MptcpInfo, last_ack_recv, "lastAckRecv"),
};

constexpr Field kTcpInfoFields[] = {
    FIELD(uapi::TcpInfo, state, "state"),
    FIELD(uapi::TcpInfo, ca_state, "caState"),
    FIELD(uapi::TcpInfo, retransmits, "retransmits"),
    FIELD(uapi::TcpInfo, probes, "probes"),
    FIELD(uapi::TcpInfo, backoff, "backoff"),
    FIELD(uapi::TcpInfo, options, "options"),
    FIELD(uapi::TcpInfo, rto, "rto"),
    FIELD(uapi::TcpInfo, ato, "ato"),
    FIELD(uapi::TcpInfo, snd_mss, "sndMss"),
    FIELD(uapi::TcpInfo, rcv_mss, "rcvMss"),
    FIELD(uapi::TcpInfo, unacked, "unacked"),
    FIELD(uapi::TcpInfo, sacked, "sacked"),
    FIELD(uapi::TcpInfo, lost, "lost"),
    FIELD(uapi::TcpInfo, retrans, "retrans"),
    FIELD(uapi::TcpInfo, last_data_sent, "lastDataSent"),
    FIELD(uapi::TcpInfo, last_data_recv, "lastDataRecv"),
    FIELD(uapi::TcpInfo, last_ack_recv, "lastAckRecv"),
    FIELD(uapi::TcpInfo, pmtu, "pmtu"),
    FIELD(uapi::TcpInfo, rcv_ssthresh, "rcvSsthresh"),
    FIELD(uapi::TcpInfo, rtt, "rtt"),
    FIELD(uapi::TcpInfo, rttvar, "rttvar"),
    FIELD(uapi::TcpInfo, snd_ssthresh, "sndSsthresh"),
    FIELD(uapi::TcpInfo, snd_cwnd, "sndCwnd"),
    FIELD(uapi::TcpInfo, advmss, "advmss"),
    FIELD(uapi::TcpInfo, reordering, "reordering"),
    FIELD(uapi::TcpInfo, rcv_rtt, "rcvRtt"),
    FIELD(uapi::TcpInfo, rcv_space, "rcvSpace"),
    FIELD(uapi::TcpInfo, total_retrans, "totalRetrans"),
    FIELD(uapi::TcpInfo, pacing_rate, "pacingRate"),
    FIELD(uapi::TcpInfo, max_pacing_rate, "maxPacingRate"),
    FIELD(uapi::TcpInfo, bytes_acked, "bytesAcked"),
    FIELD(uapi::TcpInfo, bytes_received, "bytesReceived"),
    FIELD(uapi::TcpInfo, segs_out, "segsOut"),
    FIELD(uapi::TcpInfo, segs_in, "segsIn"),
    FIELD(uapi::TcpInfo, notsent_bytes, "notsentBytes"),
    FIELD(uapi::TcpInfo, min_rtt, "minRtt"),
    FIELD(uapi::TcpInfo, data_segs_in, "dataSegsIn"),
    FIELD(uapi::TcpInfo, data_segs_out, "dataSegsOut"),
    FIELD(uapi::TcpInfo, delivery_rate, "deliveryRate"),
    FIELD(uapi::TcpInfo, busy_time, "busyTime"),
    FIELD(uapi::TcpInfo, rwnd_limited, "rwndLimited"),
    FIELD(uapi::TcpInfo, sndbuf_limited, "sndbufLimited"),
    FIELD(uapi::TcpInfo, delivered, "delivered"),
    FIELD(uapi::TcpInfo, delivered_ce, "deliveredCe"),
    FIELD(uapi::TcpInfo, bytes_sent, "bytesSent"),
    FIELD(uapi::TcpInfo, bytes_retrans, "bytesRetrans"),
    FIELD(uapi::TcpInfo, dsack_dups, "dsackDups"),
    FIELD(uapi::TcpInfo, reord_seen, "reordSeen"),
    FIELD(uapi::TcpInfo, rcv_ooopack, "rcvOoopack"),
    FIELD(uapi::TcpInfo, snd_wnd, "sndWnd"),
    FIELD(uapi::TcpInfo, rcv_wnd, "rcvWnd"),
    FIELD(uapi::TcpInfo, rehash, "rehash"),
    FIELD(uapi::TcpInfo, total_rto, "totalRto"),
    FIELD(uapi::TcpInfo, total_rto_recoveries, "totalRtoRecoveries"),
    FIELD(uapi::TcpInfo, total_rto_time, "totalRtoTime"),
};

#undef FIELD
#undef SEQUENCE

uint64_t read_unsigned(const void* base, const Field& field) {
  uint64_t value = 0;  // little-endian hosts alone: x64 and arm64
  std::memcpy(&value, static_cast<const char*>(base) + field.offset, field.size);
  return value;
}

// Fields beyond what the kernel filled are absent.
template <class T, size_t kCount>
Napi::Object to_js_fields(Napi::Env env, const Reported<T>& reported,
                          const Field (&fields)[kCount]) {
  static_assert(kCount <= kMaxProperties);
  std::array<Property, kCount> properties;
  for (size_t i = 0; i < kCount; ++i) {
    const Field& field = fields[i];
    properties[i] = {field.name, nullptr};
    if (field.offset + field.size > reported.length) continue;
    const uint64_t value = read_unsigned(&reported.value, field);
    properties[i].value =
        field.as == As::kDecimalText ? to_value(env, std::to_string(value)) : to_value(env, value);
  }
  return make_object(env, fields, properties);
}

}  // namespace

Napi::Error to_js_error(Napi::Env env, const Error& error) {
  auto js_error = Napi::Error::New(env, error.call + ": " + std::strerror(error.code));
  js_error.Set("errno", Napi::Number::New(env, error.code));
  js_error.Set("call", Napi::String::New(env, error.call));
  if (!error.extack.empty()) js_error.Set("extack", Napi::String::New(env, error.extack));
  if (error.offending_attribute) {
    js_error.Set("offendingAttribute", Napi::Number::New(env, *error.offending_attribute));
  }
  if (error.missing_attribute) {
    js_error.Set("missingAttribute", Napi::Number::New(env, *error.missing_attribute));
  }
  return js_error;
}

Napi::Object to_js(Napi::Env env, const Address& address) {
  return make_object<Address>(
      env, {{"address", to_value(env, to_text(address))},
            {"port", to_value(env, address.port)},
            {"family", Napi::String::New(env, address.family == AF_INET ? "IPv4" : "IPv6")}});
}

Napi::Object to_js(Napi::Env env, const MptcpInfo& info) {
  return to_js_fields(env, info, kMptcpInfoFields);
}

Napi::Object to_js(Napi::Env env, const TcpInfo& info) {
  return to_js_fields(env, info, kTcpInfoFields);
}

Napi::Object to_js(Napi::Env env, const SubflowAddresses& addresses) {
  return make_object<SubflowAddresses>(env, {{"id", to_value(env, addresses.id)},
                                             {"local", to_js(env, addresses.local)},
                                             {"remote", to_js(env, addresses.remote)}});
}

Napi::Object to_js(Napi::Env env, const Subflow& subflow) {
  return make_object<Subflow>(env, {{"id", to_value(env, subflow.addresses.id)},
                                    {"local", to_js(env, subflow.addresses.local)},
                                    {"remote", to_js(env, subflow.addresses.remote)},
                                    {"tcpInfo", to_js(env, subflow.tcp_info)}});
}

}  // namespace mptcp::binding
