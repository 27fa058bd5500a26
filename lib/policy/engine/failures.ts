/** Records failures between two addresses, and until when no further attempt is admitted. */
import { isAddress } from '../../base/addresses';
import type { AnnouncedAddress } from '../../connection/paths';
import { type AddressPair, isSamePair } from '../view-queries';
import { attemptBackOff, backOff, type Prospects } from './pacing';
import {
  type EngineConnection,
  type EngineState,
  MOST_ANNOUNCED,
  remember,
  removeFirst,
} from './state';

/** More than the pairs of 8 local addresses and of all that a peer may announce: none is forgotten. */
const MOST = 8 * MOST_ANNOUNCED;

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
  connection: EngineConnection,
  pair: AddressPair,
  { error, since = now, before = 0 }: Failure,
): void {
  const { local, remote } = pair;
  const { failures } = connection;
  const known = removeFirst(failures, (each) => isSamePair(each, pair));
  const count = (known?.count ?? before) + 1;
  const pause = attemptBackOff(count, prospectsOf(connection, pair, error));
  const retryAt = Math.max(since + pause, now + backOff(1));
  const failure = {
    ...{ local, remote: { ...remote }, count, at: now, retryAt },
    ...(error !== undefined && { error }),
  };
  remember(failures, failure, MOST);
}

function prospectsOf(
  { worked }: EngineConnection,
  pair: AddressPair,
  error: string | undefined,
): Prospects {
  const isSameRemote = ({ remote: { address, port } }: AddressPair): boolean =>
    port === pair.remote.port && isAddress(address, pair.remote.address);
  return {
    refused: error === 'ECONNREFUSED',
    pairWorked: worked.some((each) => isSamePair(each, pair)),
    remoteWorked: worked.some(isSameRemote),
  };
}

/** Remembers that a subflow between two addresses was established. */
export function recordSuccess({ worked }: EngineConnection, pair: AddressPair): void {
  const { local, remote } = pair;
  removeFirst(worked, (each) => isSamePair(each, pair));
  remember(worked, { local, remote: { ...remote } });
}

/**
 * The peer announces an address again: attempts there may succeed now, so that the ordinary pause
 * suffices. It does not end earlier, however often the peer repeats the announcement.
 */
export function shortenBackOff(connection: EngineConnection, announced: AnnouncedAddress): void {
  const { port = connection.remote.port } = announced;
  connection.failures = connection.failures.map((each) =>
    each.remote.port === port && isAddress(each.remote.address, announced.address)
      ? { ...each, retryAt: Math.min(each.retryAt, each.at + backOff(each.count)) }
      : each,
  );
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
