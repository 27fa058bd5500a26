import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { errnoName, MptcpError, systemError } from '../base/errors';
import { loadNative, requireNative } from '../kernel/addon';
import { channels } from './channels';
import type { TcpHandle } from './node/types';

/** What this machine says to a request for an MPTCP socket, by errno. */
const ADVICE: Partial<Record<string, string>> = {
  ENOPROTOOPT: 'MPTCP is switched off here: sysctl net.mptcp.enabled=1',
  EPROTONOSUPPORT: 'This kernel was built without CONFIG_MPTCP',
  EINVAL: 'MPTCP needs Linux 5.6 or later',
  EACCES: 'A security policy forbids MPTCP sockets',
  EPERM: 'A security policy forbids MPTCP sockets',
};

/**
 * An MPTCP file descriptor. Throws ERR_MPTCP_UNAVAILABLE where this machine has no MPTCP, and the
 * addon's own error where a TCP socket would fail alike (EMFILE, EAFNOSUPPORT …). Asked anew each
 * time: net.mptcp.enabled can be toggled while the process runs.
 */
export function openMptcpSocket(family: 4 | 6): number {
  const native = requireNative();
  try {
    return native.openSocket(family);
  } catch (error) {
    const advice = ADVICE[errnoName(error) ?? ''];
    throw advice === undefined ? error : systemError('ERR_MPTCP_UNAVAILABLE', error, advice);
  }
}

/** Why this machine cannot open MPTCP sockets, asked now; undefined: it can. */
export function whyUnavailable(): MptcpError | undefined {
  try {
    const fd = openMptcpSocket(4);
    loadNative()?.closeSocket(fd);
    return undefined;
  } catch (error) {
    return error instanceof MptcpError ? error : undefined;
  }
}

const IPPROTO_MPTCP = 262;

/** `handle` was opened as an MPTCP socket, whatever it speaks; of a listener both are the same. */
export function isMptcpSocket(handle: TcpHandle | undefined): boolean {
  if (!handle || handle.fd < 0) return false;
  return loadNative()?.getOption(handle.fd, 'SO_PROTOCOL') === IPPROTO_MPTCP;
}

export function cannotTell(): MptcpError {
  return new MptcpError(
    'ERR_MPTCP_UNAVAILABLE',
    'This kernel cannot tell whether a connection speaks MPTCP: that needs Linux 5.16 or later',
  );
}

const WARNED = 'mptcp:warned';

/** Says once a process, workers included, that this machine keeps the app on TCP. */
export function warnUnavailable(error: MptcpError): void {
  channels.unavailable.publish({ error });
  if (getEnvironmentData(WARNED) === true) return;
  setEnvironmentData(WARNED, true);
  process.emitWarning(`${error.message}. Connections go on over TCP.`, {
    type: 'MptcpWarning',
    code: 'MPTCP_UNAVAILABLE',
  });
}
