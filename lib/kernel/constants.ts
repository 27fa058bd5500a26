/** Numbers of the kernel's interfaces, by the kernel's names, each in the one place that states it. */

/** TCP_* (include/net/tcp_states.h). */
export const TCP_STATES = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
} as const;

/** The state of a socket, by the kernel's name (include/net/tcp_states.h). */
export type TcpState = keyof typeof TCP_STATES;

/** The names of all states. */
export const TCP_STATE_NAMES = Object.keys(TCP_STATES) as TcpState[];

/** MPTCP_PM_ADDR_FLAG_* (include/uapi/linux/mptcp.h). */
export const ENDPOINT_FLAGS = {
  SIGNAL: 1 << 0,
  SUBFLOW: 1 << 1,
  BACKUP: 1 << 2,
  FULLMESH: 1 << 3,
  IMPLICIT: 1 << 4,
  LAMINAR: 1 << 5,
} as const;

/** MPTCP_SUBFLOW_FLAG_* (include/uapi/linux/mptcp.h). */
export const SUBFLOW_FLAGS = {
  MCAP_LOC: 1 << 1,
  JOIN_LOC: 1 << 3,
  BKUP_REM: 1 << 4,
  BKUP_LOC: 1 << 5,
  FULLY_ESTABLISHED: 1 << 6,
} as const;

/** MPTCP_INFO_FLAG_* (include/uapi/linux/mptcp.h). */
export const INFO_FLAGS = { FALLBACK: 1 << 0, REMOTE_KEY_RECEIVED: 1 << 1 } as const;

/** MPTCP_PM_EV_FLAG_* (include/uapi/linux/mptcp_pm.h), in events about a connection. */
export const EVENT_FLAGS = { DENY_JOIN_ID0: 1 << 0 } as const;

/** IFF_* (netdevice(7)). */
export const LINK_FLAGS = { UP: 1 << 0, LOOPBACK: 1 << 3, RUNNING: 1 << 6 } as const;

/** IFA_F_* (include/uapi/linux/if_addr.h). */
export const ADDRESS_FLAGS = { DADFAILED: 1 << 3, DEPRECATED: 1 << 5, TENTATIVE: 1 << 6 } as const;

/** RTPROT_KERNEL (rtnetlink(7)): the kernel made the route itself. */
export const RTPROT_KERNEL = 2;

/** AF_INET6 (address_families(7)). */
export const AF_INET6 = 10;

/** The protocol of MPTCP sockets (include/uapi/linux/in.h). */
export const IPPROTO_MPTCP = 262;
