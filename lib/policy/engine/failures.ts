/** Records failures between two addresses, and until when no further attempt is admitted. */
import { type AddressPair, isSamePair } from '../view-queries';
import { backOff } from './pacing';
import { type EngineConnection, type EngineState, remember, removeFirst } from './state';

interface Failure {
  /** The errno name; absent: the kernel reported none. */
  error?: string;
  /** When the attempt began, from which the back-off counts (now). */
  since?: number;
  /** Failures in a row before this one, where none is recorded (0). */
  before?: number;
}

export function recordFailure(
  { now }: EngineState,
  { failures }: EngineConnection,
  pair: AddressPair,
  { error, since = now, before = 0 }: Failure,
): void {
  const { local, remote } = pair;
  const known = removeFirst(failures, (each) => isSamePair(each, pair));
  const count = (known?.count ?? before) + 1;
  const retryAt = Math.max(since + backOff(count), now + backOff(1));
  remember(failures, {
    ...{ local, remote: { ...remote }, count, at: now, retryAt },
    ...(error !== undefined && { error }),
  });
}

/** Drops the failures of local addresses whose situation has changed, so that they are tried at once. */
export function forgetFailures(
  { connections }: EngineState,
  matches: (local: string) => boolean,
): void {
  for (const connection of connections.values()) {
    connection.failures = connection.failures.filter((each) => !matches(each.local));
    for (const path of connection.paths) if (matches(path.local.address)) path.attempts = 0;
  }
}
