// Writes the kernel's structs and the core's values about sockets as records.
#include "binding/convert.h"

#include <array>
#include <charconv>
#include <cstring>

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

// A data sequence number is 64 random bits, which a JavaScript number cannot hold.
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

template <class T>
T read_as(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

uint64_t read_unsigned(const void* base, const Field& field) {
  const auto* at = static_cast<const std::byte*>(base) + field.offset;
  switch (field.size) {
    case 1:
      return read_as<uint8_t>(at);
    case 2:
      return read_as<uint16_t>(at);
    case 4:
      return read_as<uint32_t>(at);
    default:
      return read_as<uint64_t>(at);
  }
}

template <size_t kCount>
constexpr std::array<Records::Field, kCount> properties_of(const Field (&fields)[kCount]) {
  static_assert(kCount <= Records::kMaxFields);
  std::array<Records::Field, kCount> properties{};
  for (size_t i = 0; i < kCount; ++i) {
    const bool wide = fields[i].size > sizeof(uint32_t);
    properties[i] = {fields[i].name, fields[i].as == As::kDecimalText ? Records::kText
                                     : wide                           ? Records::kWide
                                                                      : Records::kWord};
  }
  return properties;
}

void write_field(Records& to, const Field& field, uint64_t value) {
  if (field.as == As::kDecimalText) {
    std::array<char, 20> digits;  // enough for 2^64 - 1
    const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    to.put_text({digits.data(), static_cast<size_t>(end - digits.data())});
  } else if (field.size > sizeof(uint32_t)) {
    to.put_wide(value);
  } else {
    to.put_word(static_cast<uint32_t>(value));
  }
}

// Writes the fields that the kernel has filled; those beyond are absent.
template <const auto& kFields, class T>
void write_fields(Records& to, const Reported<T>& reported) {
  static constexpr auto kProperties = properties_of(kFields);
  uint64_t present = 0;
  for (size_t i = 0; i < kProperties.size(); ++i) {
    const size_t end = kFields[i].offset + kFields[i].size;
    present |= uint64_t{end <= reported.length} << i;
  }
  to.begin_object(kFields, present, kProperties);
  for (size_t i = 0; i < kProperties.size(); ++i) {
    if (present >> i & 1) write_field(to, kFields[i], read_unsigned(&reported.value, kFields[i]));
  }
}

}  // namespace

void write(Records& to, const Address& address) {
  to.object<Address>(Property("address", to.text(address)), Property("port", address.port),
                     Property("family", address.family == AF_INET ? "IPv4" : "IPv6"));
}

void write(Records& to, const MptcpInfo& info) { write_fields<kMptcpInfoFields>(to, info); }

void write(Records& to, const TcpInfo& info) { write_fields<kTcpInfoFields>(to, info); }

void write(Records& to, const SubflowAddresses& addresses) {
  to.object<SubflowAddresses>(Property("id", addresses.id), Property("local", addresses.local),
                              Property("remote", addresses.remote));
}

void write(Records& to, const Subflow& subflow) {
  to.object<Subflow>(
      Property("id", subflow.addresses.id), Property("local", subflow.addresses.local),
      Property("remote", subflow.addresses.remote), Property("tcpInfo", subflow.tcp_info));
}

void write(Records& to, const FullInfo& full) {
  to.object<FullInfo>(Property("info", full.info), Property("subflows", full.subflows));
}

}  // namespace mptcp::binding
