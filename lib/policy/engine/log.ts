/**
 * What a policy was told and what was done, one line of JSON each, and the way to let a policy decide
 * on it again.
 */
import { isDeepStrictEqual } from 'node:util';
import { checkObject, invalidArgValue } from '../../base/arguments';
import type { PathAction, PathPolicy, PolicyEvent, PolicyLimits } from '../policy';
import { PolicyEngine } from './engine';
import { savedState } from './saved-state';

const VERSION = 1;

export interface PolicyLogHeader {
  /** Of the log's form. */
  readonly version: number;
  readonly policy: string;
  readonly limits: PolicyLimits;
  /** What the engine knew, in its own form, where the log began after the policy did. */
  readonly state?: object;
}

export interface PolicyLogEntry {
  /** Milliseconds since the engine began. */
  readonly at: number;
  readonly event: PolicyEvent;
  readonly actions: readonly PathAction[];
  /** What the policy threw, in words. */
  readonly error?: string;
}

export interface PolicyLog extends PolicyLogHeader {
  readonly entries: readonly PolicyLogEntry[];
}

/** Where a replay differs from what a log says. */
export interface PolicyLogDifference {
  /** Of the entry, from 0. */
  readonly index: number;
  readonly entry: PolicyLogEntry;
  readonly replayed: PolicyLogEntry;
}

export const logHeader = (
  { name }: PathPolicy,
  limits: PolicyLimits,
  state?: object,
): PolicyLogHeader => ({
  version: VERSION,
  policy: name,
  limits: { ...limits },
  ...(state && { state: savedState(state) }),
});

export function logEntry(
  at: number,
  event: PolicyEvent,
  handled: { actions: readonly PathAction[]; error?: unknown },
): PolicyLogEntry {
  const { actions } = handled;
  return { at, event, actions, ...('error' in handled && { error: String(handled.error) }) };
}

/** A line for a header or an entry. */
export const encodeLine = (line: PolicyLogHeader | PolicyLogEntry): string =>
  `${JSON.stringify(line)}\n`;

/** Reads what was recorded. A last line that was cut off, as by a crash, is left out. */
export function parseLog(text: string): PolicyLog {
  const lines = text.split('\n');
  lines.pop(); // nothing, or what was cut off
  const [header, ...entries] = lines.map((line) => JSON.parse(line) as unknown);
  checkObject('log', header);
  const { version } = header as PolicyLogHeader;
  if (version !== VERSION) {
    throw invalidArgValue(
      'log.version',
      version,
      `must be ${VERSION}: this release reads no other`,
    );
  }
  return { ...(header as PolicyLogHeader), entries: entries as PolicyLogEntry[] };
}

/** Lets a policy decide on a log's events: the same policy on the same log does the same. */
export function replay(policy: PathPolicy, log: PolicyLog): PolicyLogEntry[] {
  const { limits, state } = log;
  const machine = new PolicyEngine(policy, { limits, ...(state && { saved: state }) });
  return log.entries.map(({ at, event }) => logEntry(at, event, machine.handle(at, event)));
}

/** Where a replay does something else than the log says, in order. */
export function differences(
  { entries }: PolicyLog,
  replayed: readonly PolicyLogEntry[],
): PolicyLogDifference[] {
  return entries.flatMap((entry, index) => {
    const other = replayed[index];
    return other && !isSame(entry, other) ? [{ index, entry, replayed: other }] : [];
  });
}

/** As they are written. */
const isSame = (one: PolicyLogEntry, other: PolicyLogEntry): boolean =>
  isDeepStrictEqual(
    JSON.parse(JSON.stringify([one.actions, one.error ?? null])),
    JSON.parse(JSON.stringify([other.actions, other.error ?? null])),
  );
