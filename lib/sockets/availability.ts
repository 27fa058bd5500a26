/** Opens MPTCP sockets, and reports why this machine has none where it has none. */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import type { Native } from '../../types/native';
import { errnoName, MptcpError, systemError } from '../base/errors';
import { loadNative, requireNative } from '../kernel/addon';
import { IPPROTO_MPTCP } from '../kernel/constants';
import { channels } from './channels';
import { missingInternals } from './node/handle';
import type { TcpHandle } from './node/types';

/** What filters system calls chooses its errno freely. */
const FILTERED =
  'a filter of system calls, such as the seccomp profile of a container, forbids MPTCP sockets';

/** What each errno of socket(IPPROTO_MPTCP) means, and what to do about it. */
const ADVICE: Partial<Record<string, string>> = {
  ENOPROTOOPT: `MPTCP is switched off here (sysctl net.mptcp.enabled=1), or ${FILTERED}`,
  EPROTONOSUPPORT: `This kernel was built without CONFIG_MPTCP, or ${FILTERED}`,
  EINVAL: `MPTCP needs Linux 5.6 or later, or ${FILTERED}`,
  EACCES: 'A security policy forbids MPTCP sockets',
  EPERM: 'A security policy forbids MPTCP sockets',
};

/** Errors of which TCP sockets are not spared: the process or the machine has too few resources. */
const SCARCITY = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'];

/** Returns the name and version of a runtime that imitates Node.js; undefined for Node.js. */
function otherRuntime(): string | undefined {
  const { deno, bun } = process.versions;
  if (deno !== undefined) return `Deno ${deno}`;
  return bun === undefined ? undefined : `Bun ${bun}`;
}

/** Returns the error of a Node.js that lacks what this package needs of it; undefined: it lacks nothing. */
export function whyNodeChanged(): MptcpError | undefined {
  if (missingInternals.length === 0) return undefined;
  const runtime = otherRuntime();
  if (runtime !== undefined)
    return new MptcpError(
      'ERR_MPTCP_UNAVAILABLE',
      `${runtime} has sockets of its own, and those of Node.js alone become MPTCP sockets: run it with Node.js`,
    );
  return new MptcpError(
    'ERR_MPTCP_UNAVAILABLE',
    `This release of Node.js (${process.version}) lacks ${missingInternals.join(', ')}, by which sockets ` +
      'become MPTCP sockets: use a release that this version of mptcp supports, or a newer version of mptcp',
  );
}

/** Whether an MPTCP socket of this family can be opened. */
function canOpen(native: Native, family: 4 | 6): boolean {
  try {
    native.closeSocket(native.openSocket(family));
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether there are no sockets of this family at all: a machine may do without IPv6, and a service may
 * be restricted to one family (systemd: RestrictAddressFamilies=).
 */
const lacksFamily = (native: Native, name: string, family: 4 | 6): boolean =>
  name === 'EAFNOSUPPORT' && canOpen(native, family === 4 ? 6 : 4);

/**
 * Opens an MPTCP socket and returns its file descriptor. Throws ERR_MPTCP_UNAVAILABLE where this
 * machine has no MPTCP, whatever the errno, and the addon's own error where a TCP socket would fail
 * alike (EMFILE; EAFNOSUPPORT where there is no such family). No answer is cached: net.mptcp.enabled can
 * change while the process runs.
 */
export function openMptcpSocket(family: 4 | 6): number {
  const changed = whyNodeChanged();
  if (changed) throw changed;
  const native = requireNative();
  try {
    return native.openSocket(family);
  } catch (error) {
    const name = errnoName(error);
    if (name === undefined || SCARCITY.includes(name) || lacksFamily(native, name, family))
      throw error;
    throw systemError(
      'ERR_MPTCP_UNAVAILABLE',
      error,
      ADVICE[name] ?? `A security policy or ${FILTERED}`,
    );
  }
}

/**
 * Returns why this machine can open MPTCP sockets of neither family now; undefined where it can open
 * one.
 */
export function whyUnavailable(): MptcpError | undefined {
  try {
    const fd = openMptcpSocket(4);
    loadNative()?.closeSocket(fd);
    return undefined;
  } catch (error) {
    const native = loadNative();
    if (!(error instanceof MptcpError)) return undefined;
    const other = missingInternals.length === 0 && native && canOpen(native, 6);
    return other ? undefined : error;
  }
}

/** Whether `handle` was opened as an MPTCP socket: a connection of one may still speak TCP. */
export function isMptcpSocket(handle: TcpHandle | undefined): boolean {
  return handle !== undefined && handle.fd >= 0 && isMptcpDescriptor(handle.fd);
}

/** Whether a descriptor is that of an MPTCP socket; false too where it is of no socket. */
export function isMptcpDescriptor(fd: number): boolean {
  try {
    return loadNative()?.getOption(fd, 'SO_PROTOCOL') === IPPROTO_MPTCP;
  } catch {
    return false;
  }
}

/** Makes the error for a connection that requires MPTCP where the kernel does not report it. */
export function statusUnknown(): MptcpError {
  return new MptcpError(
    'ERR_MPTCP_UNAVAILABLE',
    'This kernel does not report whether a connection speaks MPTCP: use Linux 5.16 or later',
  );
}

/** The key under which worker threads share that the warning was emitted. */
const WARNED = 'mptcp:warned';

/** Warns once a process, worker threads included, that connections are TCP on this machine. */
export function warnUnavailable(error: MptcpError): void {
  channels.unavailable.publish({ error });
  if (getEnvironmentData(WARNED) === true) return;
  setEnvironmentData(WARNED, true);
  process.emitWarning(`${error.message}. Connections continue over TCP.`, {
    type: 'MptcpWarning',
    code: 'MPTCP_UNAVAILABLE',
  });
}
