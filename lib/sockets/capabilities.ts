import type { Native } from '../../types/native';
import type { MptcpError } from '../base/errors';
import { loadNative } from '../kernel/addon';
import { openMptcpSocket, whyUnavailable } from './availability';

/** What this machine can do, asked of the kernel now. undefined: it could not be asked. */
export interface Capabilities {
  /** MPTCP sockets can be opened. */
  mptcp: boolean;
  /** Why not, and what to do about it. */
  reason?: MptcpError;
  ipv4: boolean;
  ipv6: boolean;
  /** Options of SOL_MPTCP: undefined without MPTCP. */
  getsockopt: {
    /** Since Linux 5.16. Without it `status` is 'unknown'. */
    info: boolean | undefined;
    tcpInfo: boolean | undefined;
    subflowAddresses: boolean | undefined;
    /** Since Linux 6.5. Without it subflows are read by two calls, and have no id. */
    fullInfo: boolean | undefined;
  };
}

function answers(
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

export function capabilities(): Promise<Capabilities> {
  const reason = whyUnavailable();
  const ipv4 = answers(4) === true;
  const ipv6 = answers(6) === true;
  const family = ipv4 ? 4 : 6;
  return Promise.resolve({
    mptcp: ipv4 || ipv6,
    ...(reason && { reason }),
    ipv4,
    ipv6,
    getsockopt: {
      info: answers(family, (native, fd) => native.mptcpInfo(fd)),
      tcpInfo: answers(family, (native, fd) => native.subflowTcpInfo(fd)),
      subflowAddresses: answers(family, (native, fd) => native.subflowAddresses(fd)),
      fullInfo: answers(family, (native, fd) => native.fullInfo(fd)),
    },
  });
}
