/** Probes what this machine's kernel can do. */
import type { Native } from '../../types/native';
import type { MptcpError } from '../base/errors';
import { loadNative } from '../kernel/addon';
import { openMptcpSocket, whyUnavailable } from './availability';

/** What this machine can do, probed by asking its kernel; undefined where it could not be asked. */
export interface Capabilities {
  /** Whether MPTCP sockets can be opened. */
  mptcp: boolean;
  /** Why none can be opened, and what to do about it (ERR_MPTCP_UNAVAILABLE). */
  reason?: MptcpError;
  /** Whether MPTCP sockets can be opened for IPv4. */
  ipv4: boolean;
  /** Whether MPTCP sockets can be opened for IPv6. */
  ipv6: boolean;
  /** Which socket options of SOL_MPTCP can be read; each is undefined without MPTCP. */
  getsockopt: {
    /** MPTCP_INFO, since Linux 5.16. Without it the status of connections is 'unknown'. */
    info: boolean | undefined;
    /** MPTCP_TCPINFO, since Linux 5.16: the tcp_info of each subflow. */
    tcpInfo: boolean | undefined;
    /** MPTCP_SUBFLOW_ADDRS, since Linux 5.16. */
    subflowAddresses: boolean | undefined;
    /**
     * MPTCP_FULL_INFO, since Linux 6.5. Without it subflows are read by two calls, and have no id.
     */
    fullInfo: boolean | undefined;
  };
}

/**
 * Whether a socket can be opened, and `ask` succeeds on it; undefined where there is none to ask.
 */
function supports(
  family: 4 | 6,
  ask?: (native: Native, fd: number) => unknown,
): boolean | undefined {
  const native = loadNative();
  let fd: number;
  try {
    fd = openMptcpSocket(family);
  } catch {
    return ask ? undefined : false;
  }
  try {
    if (native) ask?.(native, fd);
    return true;
  } catch {
    return false;
  } finally {
    native?.closeSocket(fd);
  }
}

/** Asks the kernel what this machine can do: see {@link Capabilities}. */
export function capabilities(): Promise<Capabilities> {
  const reason = whyUnavailable();
  const ipv4 = supports(4) === true;
  const ipv6 = supports(6) === true;
  const family = ipv4 ? 4 : 6;
  return Promise.resolve({
    mptcp: ipv4 || ipv6,
    ...(reason && { reason }),
    ipv4,
    ipv6,
    getsockopt: {
      info: supports(family, (native, fd) => native.mptcpInfo(fd)),
      tcpInfo: supports(family, (native, fd) => native.subflowTcpInfo(fd)),
      subflowAddresses: supports(family, (native, fd) => native.subflowAddresses(fd)),
      fullInfo: supports(family, (native, fd) => native.fullInfo(fd)),
    },
  });
}
