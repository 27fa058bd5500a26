/** doctor(): reads the state of a network namespace, and judges it. It changes nothing. */
import {
  checkAddress,
  checkIfGiven,
  checkInteger,
  checkKeys,
  checkOneOf,
  checkSignal,
  checkText,
} from '../base/arguments';
import { NAMESPACE_CHECKS, PROCESS_CHECKS } from './checks';
import { judge } from './judge';
import { netnsOf } from './reading/processes';
import { readState } from './reading/read';
import type { DoctorOptions, DoctorReport } from './report';
import type { Reading } from './state';

const LONGEST_PATH = 4095; // PATH_MAX
const LARGEST_PID = 0x3f_ffff; // PID_MAX_LIMIT
const ROLES = ['client', 'server'] as const;

/** Reads and judges; the reading is for those who need more than the report. */
export async function examine(
  options: DoctorOptions,
): Promise<{ reading: Reading; report: DoctorReport }> {
  checkKeys<DoctorOptions>('options', options, {
    ...{ netns: true, pid: true, role: true, peers: true, signal: true },
  });
  const { netns, pid, role, peers, signal } = options;
  checkIfGiven(checkText, 'options.netns', netns, LONGEST_PATH);
  checkIfGiven(checkInteger, 'options.pid', pid, 1, LARGEST_PID);
  checkIfGiven(checkOneOf, 'options.role', role, ROLES);
  for (const [i, peer] of (peers ?? []).entries()) checkAddress(`options.peers[${i}]`, peer);
  checkSignal('options.signal', signal);
  const reading = await readState(netns ?? (pid === undefined ? undefined : netnsOf(pid)), options);
  const checks = pid === undefined ? NAMESPACE_CHECKS : [...NAMESPACE_CHECKS, ...PROCESS_CHECKS];
  return { reading, report: judge(checks, reading) };
}

/**
 * Finds faults of a set-up, with what was read and the command that mends each. It changes nothing.
 * ERR_MPTCP_NOT_FOUND or ERR_MPTCP_PERMISSION where `options.netns` cannot be entered; what cannot be
 * read otherwise is reported as `skipped`.
 */
export async function doctor(options: DoctorOptions = {}): Promise<DoctorReport> {
  return (await examine(options)).report;
}
