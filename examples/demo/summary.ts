/** The summary of the demo, and the checks that decide whether it succeeded. */
import { type Phase, rate, type Result } from './download';
import type { Network } from './network';

/** The least share of the bytes that each path must carry. */
const LEAST_SHARE = 0.1;
/** The least factor by which two paths must be faster than one; their rates allow 1.75. */
const LEAST_GAIN = 1.25;

/** The results of the demo. Rates are in bits per second, times in ms. */
export interface Summary extends Omit<Result, 'rate' | 'time' | 'flows' | 'rates'> {
  network: Network['kind'];
  /** The reason for loopback, where it was not requested. */
  reason?: string;
  sha256: string;
  /** The hash of the file that the client has written. */
  sha256Received: string;
  rates: Partial<Record<Phase | 'whole', number>>;
  subflows: Omit<Result['flows'][number], 'rate'>[];
  /** The checks that failed. */
  failures: string[];
}

export function summarize(
  { kind, reason }: Pick<Network, 'kind' | 'reason'>,
  { size, received, time, longestStall, status, flows, rates }: Result,
  hashes: Pick<Summary, 'sha256' | 'sha256Received'>,
): Summary {
  const summary = {
    network: kind,
    ...(reason === undefined ? {} : { reason }),
    ...{ size, received, status, longestStall: Math.round(longestStall), ...hashes },
    rates: { ...rates, whole: rate(received, time) },
    subflows: flows.map(({ rate: _, ...flow }) => flow),
  };
  return { ...summary, failures: failuresOf(summary) };
}

function failuresOf(summary: Omit<Summary, 'failures'>): string[] {
  const { network, status, subflows, rates, sha256, sha256Received } = summary;
  const failures: string[] = [];
  if (sha256 !== sha256Received) failures.push('the received file is not the file that was sent');
  if (network === 'loopback') return failures;

  if (status !== 'mptcp') failures.push(`the connection speaks TCP: its status is '${status}'`);
  const total = subflows.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const path of [1, 2]) {
    const bytes = subflows
      .filter((flow) => flow.path === path)
      .reduce((sum, flow) => sum + flow.bytes, 0);
    if (bytes < LEAST_SHARE * total) failures.push(`path ${path} carried ${bytes} bytes only`);
  }
  const { onePath = 0, twoPaths = 0, firstPathRestored } = rates;
  if (twoPaths < LEAST_GAIN * onePath) failures.push('two paths were hardly faster than one');
  if (firstPathRestored === undefined) failures.push('path 1 carried nothing after its return');
  return failures;
}
