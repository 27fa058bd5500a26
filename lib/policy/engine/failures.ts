/** What failed between two addresses, and until when it is not tried again. */
import { isPair, type Pair } from '../reading';
import { backOff } from './pacing';
import { type EngineConnection, type EngineState, remember, take } from './state';

/** `since`: when it was tried, from which the back-off counts; `before`: failures in a row so far. */
export function fail(
  { now }: EngineState,
  { failures }: EngineConnection,
  { local, remote }: Pair,
  { error, since = now, before = 0 }: { error?: string; since?: number; before?: number },
): void {
  const known = take(failures, (each) => isPair(each, { local, remote }));
  const count = (known?.count ?? before) + 1;
  const retryAt = Math.max(since + backOff(count), now + backOff(1));
  remember(failures, {
    ...{ local, remote: { ...remote }, count, at: now, retryAt },
    ...(error !== undefined && { error }),
  });
}

/** Failures of local addresses that are as good as new count no longer. */
export function forgive({ connections }: EngineState, matches: (local: string) => boolean): void {
  for (const connection of connections.values()) {
    connection.failures = connection.failures.filter((each) => !matches(each.local));
    for (const path of connection.paths) if (matches(path.local.address)) path.attempts = 0;
  }
}
