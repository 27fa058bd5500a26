/**
 * The log of a policy: a header, then each event with the actions that followed, one line of JSON
 * each; and the replay of a log against a policy.
 */
import { isDeepStrictEqual } from 'node:util';
import { checkObject, invalidArgValue } from '../../base/arguments';
import type { PathAction, PathPolicy, PolicyEvent, PolicyLimits } from '../policy';
import { PolicyEngine } from './engine';
import { savedState } from './saved-state';

/** 2: names in the engine's state, and the reasons of the package's policies, differ from version 1. */
const VERSION = 2;

/** The first line of a log. */
export interface PolicyLogHeader {
  /** The version of the log's format, which parseLog() checks. */
  readonly version: number;
  /** The name of the policy. */
  readonly policy: string;
  /** The limits of the engine. */
  readonly limits: PolicyLimits;
  /**
   * The engine's state, in a private format, where the log began after the policy did; absent where
   * the log has every event.
   */
  readonly state?: object;
}

/** An event and what followed from it. */
export interface PolicyLogEntry {
  /** When the event was handled, in milliseconds since the engine began. */
  readonly at: number;
  /** The event. */
  readonly event: PolicyEvent;
  /** The actions that the engine admitted, in order. */
  readonly actions: readonly PathAction[];
  /** The text of what the policy threw; absent where it threw nothing. */
  readonly error?: string;
}

/** A log that was read. */
export interface PolicyLog extends PolicyLogHeader {
  /** The events, in order. */
  readonly entries: readonly PolicyLogEntry[];
}

/** An entry whose actions or error differ in a replay. */
export interface PolicyLogDifference {
  /** The index of the entry in `entries`, from 0. */
  readonly index: number;
  /** The entry of the log. */
  readonly entry: PolicyLogEntry;
  /** The same event with what followed from it in the replay. */
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

/** Writes a header or an entry as one line. */
export const encodeLine = (line: PolicyLogHeader | PolicyLogEntry): string =>
  `${JSON.stringify(line)}\n`;

/**
 * Reads the text of a log. A last line without its end, as after a crash, is dropped. Throws a
 * TypeError (ERR_INVALID_ARG_VALUE) for a log of another version.
 */
export function parseLog(text: string): PolicyLog {
  const lines = text.split('\n');
  lines.pop(); // empty, or without its end
  const [header, ...entries] = lines.map((line) => JSON.parse(line) as unknown);
  checkObject('log', header);
  const { version } = header as PolicyLogHeader;
  if (version !== VERSION) {
    throw invalidArgValue(
      'log.version',
      version,
      `must be ${VERSION}: this release of mptcp reads no other version, record the log anew`,
    );
  }
  return { ...(header as PolicyLogHeader), entries: entries as PolicyLogEntry[] };
}

/** Replays the events of a log against a policy. The policy that was recorded does the same again. */
export function replay(policy: PathPolicy, log: PolicyLog): PolicyLogEntry[] {
  const { limits, state } = log;
  const engine = new PolicyEngine(policy, { limits, ...(state && { saved: state }) });
  return log.entries.map(({ at, event }) => logEntry(at, event, engine.handle(at, event)));
}

/** Lists the entries whose actions or error differ in a replay, in order. */
export function differences(
  { entries }: PolicyLog,
  replayed: readonly PolicyLogEntry[],
): PolicyLogDifference[] {
  return entries.flatMap((entry, index) => {
    const other = replayed[index];
    return other && !isSame(entry, other) ? [{ index, entry, replayed: other }] : [];
  });
}

/** Compares what would be written. */
const isSame = (one: PolicyLogEntry, other: PolicyLogEntry): boolean =>
  isDeepStrictEqual(
    JSON.parse(JSON.stringify([one.actions, one.error ?? null])),
    JSON.parse(JSON.stringify([other.actions, other.error ?? null])),
  );
