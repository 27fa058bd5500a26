// Compares our constants at compile time with those that the distribution's headers have (Debian
// 12's are of Linux 6.1).
#include <linux/inet_diag.h>
#include <linux/mptcp.h>
#include <linux/sock_diag.h>

#include "core/uapi/inet_diag.h"
#include "core/uapi/mptcp_pm.h"

namespace mptcp::uapi {

static_assert(+kMptcpPmCmdAddAddr == MPTCP_PM_CMD_ADD_ADDR);
static_assert(+kMptcpPmCmdDelAddr == MPTCP_PM_CMD_DEL_ADDR);
static_assert(+kMptcpPmCmdGetAddr == MPTCP_PM_CMD_GET_ADDR);
static_assert(+kMptcpPmCmdFlushAddrs == MPTCP_PM_CMD_FLUSH_ADDRS);
static_assert(+kMptcpPmCmdSetLimits == MPTCP_PM_CMD_SET_LIMITS);
static_assert(+kMptcpPmCmdGetLimits == MPTCP_PM_CMD_GET_LIMITS);
static_assert(+kMptcpPmCmdSetFlags == MPTCP_PM_CMD_SET_FLAGS);
static_assert(+kMptcpPmCmdAnnounce == MPTCP_PM_CMD_ANNOUNCE);
static_assert(+kMptcpPmCmdRemove == MPTCP_PM_CMD_REMOVE);
static_assert(+kMptcpPmCmdSubflowCreate == MPTCP_PM_CMD_SUBFLOW_CREATE);
static_assert(+kMptcpPmCmdSubflowDestroy == MPTCP_PM_CMD_SUBFLOW_DESTROY);

static_assert(+kMptcpPmAttrAddr == MPTCP_PM_ATTR_ADDR);
static_assert(+kMptcpPmAttrRcvAddAddrs == MPTCP_PM_ATTR_RCV_ADD_ADDRS);
static_assert(+kMptcpPmAttrSubflows == MPTCP_PM_ATTR_SUBFLOWS);
static_assert(+kMptcpPmAttrToken == MPTCP_PM_ATTR_TOKEN);
static_assert(+kMptcpPmAttrLocId == MPTCP_PM_ATTR_LOC_ID);
static_assert(+kMptcpPmAttrAddrRemote == MPTCP_PM_ATTR_ADDR_REMOTE);

static_assert(+kMptcpPmAddrAttrFamily == MPTCP_PM_ADDR_ATTR_FAMILY);
static_assert(+kMptcpPmAddrAttrId == MPTCP_PM_ADDR_ATTR_ID);
static_assert(+kMptcpPmAddrAttrAddr4 == MPTCP_PM_ADDR_ATTR_ADDR4);
static_assert(+kMptcpPmAddrAttrAddr6 == MPTCP_PM_ADDR_ATTR_ADDR6);
static_assert(+kMptcpPmAddrAttrPort == MPTCP_PM_ADDR_ATTR_PORT);
static_assert(+kMptcpPmAddrAttrFlags == MPTCP_PM_ADDR_ATTR_FLAGS);
static_assert(+kMptcpPmAddrAttrIfIdx == MPTCP_PM_ADDR_ATTR_IF_IDX);

static_assert(kMptcpPmAddrFlagSignal == MPTCP_PM_ADDR_FLAG_SIGNAL);
static_assert(kMptcpPmAddrFlagSubflow == MPTCP_PM_ADDR_FLAG_SUBFLOW);
static_assert(kMptcpPmAddrFlagBackup == MPTCP_PM_ADDR_FLAG_BACKUP);
static_assert(kMptcpPmAddrFlagFullmesh == MPTCP_PM_ADDR_FLAG_FULLMESH);
static_assert(kMptcpPmAddrFlagImplicit == MPTCP_PM_ADDR_FLAG_IMPLICIT);

static_assert(+kMptcpEventCreated == MPTCP_EVENT_CREATED);
static_assert(+kMptcpEventEstablished == MPTCP_EVENT_ESTABLISHED);
static_assert(+kMptcpEventClosed == MPTCP_EVENT_CLOSED);
static_assert(+kMptcpEventAnnounced == MPTCP_EVENT_ANNOUNCED);
static_assert(+kMptcpEventRemoved == MPTCP_EVENT_REMOVED);
static_assert(+kMptcpEventSubEstablished == MPTCP_EVENT_SUB_ESTABLISHED);
static_assert(+kMptcpEventSubClosed == MPTCP_EVENT_SUB_CLOSED);
static_assert(+kMptcpEventSubPriority == MPTCP_EVENT_SUB_PRIORITY);

static_assert(+kMptcpAttrToken == MPTCP_ATTR_TOKEN);
static_assert(+kMptcpAttrFamily == MPTCP_ATTR_FAMILY);
static_assert(+kMptcpAttrLocId == MPTCP_ATTR_LOC_ID);
static_assert(+kMptcpAttrRemId == MPTCP_ATTR_REM_ID);
static_assert(+kMptcpAttrSaddr4 == MPTCP_ATTR_SADDR4);
static_assert(+kMptcpAttrSaddr6 == MPTCP_ATTR_SADDR6);
static_assert(+kMptcpAttrDaddr4 == MPTCP_ATTR_DADDR4);
static_assert(+kMptcpAttrDaddr6 == MPTCP_ATTR_DADDR6);
static_assert(+kMptcpAttrSport == MPTCP_ATTR_SPORT);
static_assert(+kMptcpAttrDport == MPTCP_ATTR_DPORT);
static_assert(+kMptcpAttrBackup == MPTCP_ATTR_BACKUP);
static_assert(+kMptcpAttrError == MPTCP_ATTR_ERROR);
static_assert(+kMptcpAttrFlags == MPTCP_ATTR_FLAGS);
static_assert(+kMptcpAttrTimeout == MPTCP_ATTR_TIMEOUT);
static_assert(+kMptcpAttrIfIdx == MPTCP_ATTR_IF_IDX);
static_assert(+kMptcpAttrResetReason == MPTCP_ATTR_RESET_REASON);
static_assert(+kMptcpAttrResetFlags == MPTCP_ATTR_RESET_FLAGS);
static_assert(+kMptcpAttrServerSide == MPTCP_ATTR_SERVER_SIDE);
static_assert(kMptcpPmEvFlagDenyJoinId0 == MPTCP_PM_EV_FLAG_DENY_JOIN_ID0);

static_assert(kSockDiagByFamily == SOCK_DIAG_BY_FAMILY);
static_assert(+kInetDiagReqBytecode == INET_DIAG_REQ_BYTECODE);
static_assert(+kInetDiagReqProtocol == INET_DIAG_REQ_PROTOCOL);
static_assert(+kInetDiagInfo == INET_DIAG_INFO);
static_assert(+kInetDiagUlpInfo == INET_DIAG_ULP_INFO);
static_assert(+kInetUlpInfoName == INET_ULP_INFO_NAME);
static_assert(+kInetUlpInfoMptcp == INET_ULP_INFO_MPTCP);
static_assert(+kInetDiagBcSCond == INET_DIAG_BC_S_COND);
static_assert(+kInetDiagBcDCond == INET_DIAG_BC_D_COND);
static_assert(sizeof(InetDiagReqV2) == sizeof(inet_diag_req_v2));
static_assert(sizeof(InetDiagMsg) == sizeof(inet_diag_msg));
static_assert(sizeof(InetDiagBcOp) == sizeof(inet_diag_bc_op));
static_assert(sizeof(InetDiagHostcond) == sizeof(inet_diag_hostcond));

static_assert(+kMptcpSubflowAttrTokenRem == MPTCP_SUBFLOW_ATTR_TOKEN_REM);
static_assert(+kMptcpSubflowAttrTokenLoc == MPTCP_SUBFLOW_ATTR_TOKEN_LOC);
static_assert(+kMptcpSubflowAttrRelwriteSeq == MPTCP_SUBFLOW_ATTR_RELWRITE_SEQ);
static_assert(+kMptcpSubflowAttrMapSeq == MPTCP_SUBFLOW_ATTR_MAP_SEQ);
static_assert(+kMptcpSubflowAttrMapSfseq == MPTCP_SUBFLOW_ATTR_MAP_SFSEQ);
static_assert(+kMptcpSubflowAttrSsnOffset == MPTCP_SUBFLOW_ATTR_SSN_OFFSET);
static_assert(+kMptcpSubflowAttrMapDatalen == MPTCP_SUBFLOW_ATTR_MAP_DATALEN);
static_assert(+kMptcpSubflowAttrFlags == MPTCP_SUBFLOW_ATTR_FLAGS);
static_assert(+kMptcpSubflowAttrIdRem == MPTCP_SUBFLOW_ATTR_ID_REM);
static_assert(+kMptcpSubflowAttrIdLoc == MPTCP_SUBFLOW_ATTR_ID_LOC);
static_assert(kMptcpSubflowFlagMcapRem == MPTCP_SUBFLOW_FLAG_MCAP_REM);
static_assert(kMptcpSubflowFlagMcapLoc == MPTCP_SUBFLOW_FLAG_MCAP_LOC);
static_assert(kMptcpSubflowFlagJoinRem == MPTCP_SUBFLOW_FLAG_JOIN_REM);
static_assert(kMptcpSubflowFlagJoinLoc == MPTCP_SUBFLOW_FLAG_JOIN_LOC);
static_assert(kMptcpSubflowFlagBkupRem == MPTCP_SUBFLOW_FLAG_BKUP_REM);
static_assert(kMptcpSubflowFlagBkupLoc == MPTCP_SUBFLOW_FLAG_BKUP_LOC);
static_assert(kMptcpSubflowFlagFullyEstablished == MPTCP_SUBFLOW_FLAG_FULLY_ESTABLISHED);
static_assert(kMptcpSubflowFlagConnected == MPTCP_SUBFLOW_FLAG_CONNECTED);
static_assert(kMptcpSubflowFlagMapvalid == MPTCP_SUBFLOW_FLAG_MAPVALID);

}  // namespace mptcp::uapi
