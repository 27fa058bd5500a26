// Defines the kernel's constants and structs for MPTCP sockets as of Linux 6.18
// (include/uapi/linux/mptcp.h, tcp.h), because distributions' headers lag behind the kernels that
// they boot.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

namespace mptcp::uapi {

inline constexpr int kIpprotoMptcp = 262;
inline constexpr int kSolMptcp = 284;

// These are the options of SOL_MPTCP.
inline constexpr int kMptcpInfo = 1;
inline constexpr int kMptcpTcpInfo = 2;
inline constexpr int kMptcpSubflowAddrs = 3;
inline constexpr int kMptcpFullInfo = 4;

// This is struct mptcp_info, of which older kernels have the first part only.
struct MptcpInfo {
  uint8_t subflows;
  uint8_t add_addr_signal;
  uint8_t add_addr_accepted;
  uint8_t subflows_max;
  uint8_t add_addr_signal_max;
  uint8_t add_addr_accepted_max;
  uint32_t flags;
  uint32_t token;
  uint64_t write_seq;
  uint64_t snd_una;
  uint64_t rcv_nxt;
  uint8_t local_addr_used;
  uint8_t local_addr_max;
  uint8_t csum_enabled;
  uint32_t retransmits;
  uint64_t bytes_retrans;
  uint64_t bytes_sent;
  uint64_t bytes_received;
  uint64_t bytes_acked;
  uint8_t subflows_total;
  uint8_t endp_laminar_max;
  uint8_t endp_fullmesh_max;
  uint8_t reserved;
  uint32_t last_data_sent;
  uint32_t last_data_recv;
  uint32_t last_ack_recv;
};
static_assert(sizeof(MptcpInfo) == 96);
static_assert(offsetof(MptcpInfo, flags) == 8);
static_assert(offsetof(MptcpInfo, write_seq) == 16);
static_assert(offsetof(MptcpInfo, retransmits) == 44);
static_assert(offsetof(MptcpInfo, subflows_total) == 80);
static_assert(offsetof(MptcpInfo, last_data_sent) == 84);

// This is the beginning of struct tcp_info: what changes while a subflow waits for an answer.
struct TcpProgress {
  uint8_t state;
  uint8_t ca_state;
  uint8_t retransmits;
  uint8_t probes;
};

// This is struct tcp_info. The fields after received_ce_bytes changed between releases and are not
// read.
struct TcpInfo {
  uint8_t state;
  uint8_t ca_state;
  uint8_t retransmits;
  uint8_t probes;
  uint8_t backoff;
  uint8_t options;
  uint8_t window_scales;
  uint8_t delivery_rate_flags;
  uint32_t rto;
  uint32_t ato;
  uint32_t snd_mss;
  uint32_t rcv_mss;
  uint32_t unacked;
  uint32_t sacked;
  uint32_t lost;
  uint32_t retrans;
  uint32_t fackets;
  uint32_t last_data_sent;
  uint32_t last_ack_sent;
  uint32_t last_data_recv;
  uint32_t last_ack_recv;
  uint32_t pmtu;
  uint32_t rcv_ssthresh;
  uint32_t rtt;
  uint32_t rttvar;
  uint32_t snd_ssthresh;
  uint32_t snd_cwnd;
  uint32_t advmss;
  uint32_t reordering;
  uint32_t rcv_rtt;
  uint32_t rcv_space;
  uint32_t total_retrans;
  uint64_t pacing_rate;
  uint64_t max_pacing_rate;
  uint64_t bytes_acked;
  uint64_t bytes_received;
  uint32_t segs_out;
  uint32_t segs_in;
  uint32_t notsent_bytes;
  uint32_t min_rtt;
  uint32_t data_segs_in;
  uint32_t data_segs_out;
  uint64_t delivery_rate;
  uint64_t busy_time;
  uint64_t rwnd_limited;
  uint64_t sndbuf_limited;
  uint32_t delivered;
  uint32_t delivered_ce;
  uint64_t bytes_sent;
  uint64_t bytes_retrans;
  uint32_t dsack_dups;
  uint32_t reord_seen;
  uint32_t rcv_ooopack;
  uint32_t snd_wnd;
  uint32_t rcv_wnd;
  uint32_t rehash;
  uint16_t total_rto;
  uint16_t total_rto_recoveries;
  uint32_t total_rto_time;
  uint32_t received_ce;
  uint32_t delivered_e1_bytes;
  uint32_t delivered_e0_bytes;
  uint32_t delivered_ce_bytes;
  uint32_t received_e1_bytes;
  uint32_t received_e0_bytes;
  uint32_t received_ce_bytes;
  uint32_t accecn;
};
static_assert(sizeof(TcpInfo) == 280);
static_assert(offsetof(TcpInfo, rtt) == 68);
static_assert(offsetof(TcpInfo, pacing_rate) == 104);
static_assert(offsetof(TcpInfo, delivery_rate) == 160);
static_assert(offsetof(TcpInfo, bytes_sent) == 200);
static_assert(offsetof(TcpInfo, total_rto) == 240);

// This is struct mptcp_subflow_data, which precedes the arrays of MPTCP_TCPINFO and
// MPTCP_SUBFLOW_ADDRS.
struct alignas(8) SubflowData {
  uint32_t size_subflow_data;  // in: the size of this struct
  uint32_t num_subflows;       // out: the subflows that exist, even if fewer fitted
  uint32_t size_kernel;        // out: the size of an element in the kernel
  uint32_t size_user;          // in: the size of an element here; out: the smaller of both
};
static_assert(sizeof(SubflowData) == 16);

// This is struct mptcp_subflow_addrs.
struct SubflowAddrs {
  sockaddr_storage local;
  sockaddr_storage remote;
};
static_assert(sizeof(SubflowAddrs) == 256);

// This is struct mptcp_subflow_info.
struct SubflowInfo {
  uint32_t id;
  SubflowAddrs addrs;
};
static_assert(sizeof(SubflowInfo) == 264);
static_assert(offsetof(SubflowInfo, addrs) == 8);

// This is struct mptcp_full_info.
struct FullInfo {
  uint32_t size_tcpinfo_kernel;
  uint32_t size_tcpinfo_user;
  uint32_t size_sfinfo_kernel;
  uint32_t size_sfinfo_user;
  uint32_t num_subflows;
  uint32_t size_arrays_user;  // in: the capacity of both arrays, in elements
  uint64_t subflow_info;      // in: pointers to the arrays
  uint64_t tcp_info;
  MptcpInfo mptcp_info;
};
static_assert(sizeof(FullInfo) == 136);
static_assert(offsetof(FullInfo, subflow_info) == 24);
static_assert(offsetof(FullInfo, mptcp_info) == 40);

}  // namespace mptcp::uapi
