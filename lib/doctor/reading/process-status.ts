/** What the kernel allows a process: capabilities, system calls and writes to /proc/sys. */
import { readFileSync } from 'node:fs';

/** The capabilities and the confinement of a process. */
export interface ProcessStatus {
  /** It has CAP_NET_ADMIN. */
  netAdmin: boolean;
  /** A filter of system calls applies to it (Seccomp in /proc/PID/status). */
  filtered: boolean;
  /** Settings below /proc/sys/net are mounted read-only. */
  readOnlySettings: boolean;
}

/** The bit of CAP_NET_ADMIN in the capability sets of /proc/PID/status. */
const NET_ADMIN = 1n << 12n;
const SETTINGS = '/proc/sys/net/mptcp';

const field = (status: string, name: string): string | undefined =>
  new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(status)?.[1];

/** Whether a path is mounted read-only, by the text of /proc/PID/mountinfo (proc(5)). */
export function isReadOnly(mountinfo: string, path: string): boolean {
  let longest = -1;
  let readOnly = false;
  for (const line of mountinfo.split('\n')) {
    const [, , , , point = '', options = ''] = line.split(' ');
    if (point === '' || !`${path}/`.startsWith(point === '/' ? '/' : `${point}/`)) continue;
    if (point.length < longest) continue; // of two mounts at one place, the later one counts
    longest = point.length;
    const ofFileSystem = line.split(' - ')[1]?.split(' ')[2] ?? '';
    readOnly = [options, ofFileSystem].some((list) => list.split(',').includes('ro'));
  }
  return readOnly;
}

/** The status by the texts of /proc/PID/status and /proc/PID/mountinfo. */
export function parseStatus(status: string, mountinfo: string): ProcessStatus {
  return {
    netAdmin: (BigInt(`0x${field(status, 'CapEff') ?? '0'}`) & NET_ADMIN) !== 0n,
    filtered: field(status, 'Seccomp') === '2',
    readOnlySettings: isReadOnly(mountinfo, SETTINGS),
  };
}

/** Reads the status of this process. */
export const ownStatus = (): ProcessStatus =>
  parseStatus(
    readFileSync('/proc/self/status', 'utf8'),
    readFileSync('/proc/self/mountinfo', 'utf8'),
  );
