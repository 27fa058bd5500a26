// Defines the constants of the generic netlink family `mptcp_pm` as of Linux 6.18
// (include/uapi/linux/mptcp_pm.h, mptcp.h; Documentation/netlink/specs/mptcp_pm.yaml).
#pragma once

#include <cstdint>

namespace mptcp::uapi {

inline constexpr const char* kMptcpPmName = "mptcp_pm";
inline constexpr const char* kMptcpPmEventsGroup = "mptcp_pm_events";
inline constexpr uint8_t kMptcpPmVersion = 1;

// These are MPTCP_PM_CMD_*.
enum MptcpPmCommand : uint8_t {
  kMptcpPmCmdAddAddr = 1,
  kMptcpPmCmdDelAddr = 2,
  kMptcpPmCmdGetAddr = 3,
  kMptcpPmCmdFlushAddrs = 4,
  kMptcpPmCmdSetLimits = 5,
  kMptcpPmCmdGetLimits = 6,
  kMptcpPmCmdSetFlags = 7,
  kMptcpPmCmdAnnounce = 8,
  kMptcpPmCmdRemove = 9,
  kMptcpPmCmdSubflowCreate = 10,
  kMptcpPmCmdSubflowDestroy = 11,
};

// These are MPTCP_PM_ATTR_*, the attributes of commands.
enum MptcpPmAttribute : uint16_t {
  kMptcpPmAttrAddr = 1,         // nested MptcpPmAddrAttribute
  kMptcpPmAttrRcvAddAddrs = 2,  // u32
  kMptcpPmAttrSubflows = 3,     // u32
  kMptcpPmAttrToken = 4,        // u32
  kMptcpPmAttrLocId = 5,        // u8
  kMptcpPmAttrAddrRemote = 6,   // nested MptcpPmAddrAttribute
};

// These are MPTCP_PM_ADDR_ATTR_*.
enum MptcpPmAddrAttribute : uint16_t {
  kMptcpPmAddrAttrFamily = 1,  // u16
  kMptcpPmAddrAttrId = 2,      // u8
  kMptcpPmAddrAttrAddr4 = 3,   // struct in_addr
  kMptcpPmAddrAttrAddr6 = 4,   // struct in6_addr
  kMptcpPmAddrAttrPort = 5,    // u16 in host order
  kMptcpPmAddrAttrFlags = 6,   // u32
  kMptcpPmAddrAttrIfIdx = 7,   // s32
};

// These are MPTCP_PM_ADDR_FLAG_*.
inline constexpr uint32_t kMptcpPmAddrFlagSignal = 1 << 0;
inline constexpr uint32_t kMptcpPmAddrFlagSubflow = 1 << 1;
inline constexpr uint32_t kMptcpPmAddrFlagBackup = 1 << 2;
inline constexpr uint32_t kMptcpPmAddrFlagFullmesh = 1 << 3;
inline constexpr uint32_t kMptcpPmAddrFlagImplicit = 1 << 4;
inline constexpr uint32_t kMptcpPmAddrFlagLaminar = 1 << 5;

// These are MPTCP_EVENT_*.
enum MptcpEventType : uint8_t {
  kMptcpEventCreated = 1,
  kMptcpEventEstablished = 2,
  kMptcpEventClosed = 3,
  kMptcpEventAnnounced = 6,
  kMptcpEventRemoved = 7,
  kMptcpEventSubEstablished = 10,
  kMptcpEventSubClosed = 11,
  kMptcpEventSubPriority = 13,
  kMptcpEventListenerCreated = 15,
  kMptcpEventListenerClosed = 16,
};

// These are MPTCP_ATTR_*, the attributes of events.
enum MptcpEventAttribute : uint16_t {
  kMptcpAttrToken = 1,         // u32
  kMptcpAttrFamily = 2,        // u16
  kMptcpAttrLocId = 3,         // u8
  kMptcpAttrRemId = 4,         // u8
  kMptcpAttrSaddr4 = 5,        // struct in_addr
  kMptcpAttrSaddr6 = 6,        // struct in6_addr
  kMptcpAttrDaddr4 = 7,        // struct in_addr
  kMptcpAttrDaddr6 = 8,        // struct in6_addr
  kMptcpAttrSport = 9,         // u16 in network order
  kMptcpAttrDport = 10,        // u16 in network order
  kMptcpAttrBackup = 11,       // u8
  kMptcpAttrError = 12,        // u8
  kMptcpAttrFlags = 13,        // u16
  kMptcpAttrTimeout = 14,      // u32
  kMptcpAttrIfIdx = 15,        // s32
  kMptcpAttrResetReason = 16,  // u32
  kMptcpAttrResetFlags = 17,   // u32
  kMptcpAttrServerSide = 18,   // u8
};

// These are MPTCP_PM_EV_FLAG_*.
inline constexpr uint16_t kMptcpPmEvFlagDenyJoinId0 = 1 << 0;
inline constexpr uint16_t kMptcpPmEvFlagServerSide = 1 << 1;

}  // namespace mptcp::uapi
