// Defines sock_diag's constants and structs for internet sockets as of Linux 6.18
// (include/uapi/linux/inet_diag.h, sock_diag.h, mptcp.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace mptcp::uapi {

inline constexpr uint16_t kSockDiagByFamily = 20;

// These are INET_DIAG_REQ_*, the attributes of a request.
enum InetDiagRequestAttribute : uint16_t {
  kInetDiagReqBytecode = 1,
  kInetDiagReqProtocol = 3,  // u32, for protocols beyond 255
};

// These are INET_DIAG_*, the attributes of an answer.
enum InetDiagAttribute : uint16_t {
  kInetDiagInfo = 2,  // struct tcp_info, or struct mptcp_info
  kInetDiagUlpInfo = 19,
};

// These are INET_ULP_INFO_*.
enum InetUlpInfoAttribute : uint16_t {
  kInetUlpInfoName = 1,
  kInetUlpInfoMptcp = 3,  // nested MptcpSubflowAttribute
};

// These are MPTCP_SUBFLOW_ATTR_*.
enum MptcpSubflowAttribute : uint16_t {
  kMptcpSubflowAttrTokenRem = 1,     // u32
  kMptcpSubflowAttrTokenLoc = 2,     // u32
  kMptcpSubflowAttrRelwriteSeq = 3,  // u32
  kMptcpSubflowAttrMapSeq = 4,       // u64
  kMptcpSubflowAttrMapSfseq = 5,     // u32
  kMptcpSubflowAttrSsnOffset = 6,    // u32
  kMptcpSubflowAttrMapDatalen = 7,   // u16
  kMptcpSubflowAttrFlags = 8,        // u32
  kMptcpSubflowAttrIdRem = 9,        // u8
  kMptcpSubflowAttrIdLoc = 10,       // u8
};

// These are MPTCP_SUBFLOW_FLAG_*.
inline constexpr uint32_t kMptcpSubflowFlagMcapRem = 1 << 0;
inline constexpr uint32_t kMptcpSubflowFlagMcapLoc = 1 << 1;
inline constexpr uint32_t kMptcpSubflowFlagJoinRem = 1 << 2;
inline constexpr uint32_t kMptcpSubflowFlagJoinLoc = 1 << 3;
inline constexpr uint32_t kMptcpSubflowFlagBkupRem = 1 << 4;
inline constexpr uint32_t kMptcpSubflowFlagBkupLoc = 1 << 5;
inline constexpr uint32_t kMptcpSubflowFlagFullyEstablished = 1 << 6;
inline constexpr uint32_t kMptcpSubflowFlagConnected = 1 << 7;
inline constexpr uint32_t kMptcpSubflowFlagMapvalid = 1 << 8;

// These are INET_DIAG_BC_*, the codes of the filter that the kernel runs on each socket.
enum InetDiagBytecode : uint8_t {
  kInetDiagBcSCond = 7,  // source
  kInetDiagBcDCond = 8,  // destination
};

// This is struct inet_diag_bc_op. It jumps by `yes` or `no` bytes; beyond the end means no match.
struct InetDiagBcOp {
  uint8_t code;
  uint8_t yes;
  uint16_t no;
};
static_assert(sizeof(InetDiagBcOp) == 4);

// This is struct inet_diag_hostcond; the address follows it.
struct InetDiagHostcond {
  uint8_t family;
  uint8_t prefix_len;
  int32_t port;  // -1 stands for any
};
static_assert(sizeof(InetDiagHostcond) == 8);

// This is struct inet_diag_sockid.
struct InetDiagSockid {
  uint16_t sport;  // this and the next three are in network order
  uint16_t dport;
  uint32_t src[4];
  uint32_t dst[4];
  uint32_t interface;  // this and the cookie are in host order
  uint32_t cookie[2];
};
static_assert(sizeof(InetDiagSockid) == 48);

// This is struct inet_diag_req_v2.
struct InetDiagReqV2 {
  uint8_t family;
  uint8_t protocol;
  uint8_t ext;  // 1 << (attribute - 1)
  uint8_t pad;
  uint32_t states;  // 1 << TCP state
  InetDiagSockid id;
};
static_assert(sizeof(InetDiagReqV2) == 56);
static_assert(offsetof(InetDiagReqV2, id) == 8);

// This is struct inet_diag_msg.
struct InetDiagMsg {
  uint8_t family;
  uint8_t state;
  uint8_t timer;
  uint8_t retrans;
  InetDiagSockid id;
  uint32_t expires;
  uint32_t rqueue;
  uint32_t wqueue;
  uint32_t uid;
  uint32_t inode;
};
static_assert(sizeof(InetDiagMsg) == 72);
static_assert(offsetof(InetDiagMsg, expires) == 52);

}  // namespace mptcp::uapi
