/** Records failures between two addresses, and until when no further attempt is admitted. */
import { isAddress } from '../../base/addresses';
import type { AnnouncedAddress } from '../../connection/paths';
import type { FailureView } from '../policy';
import { type AddressPair, isSamePair, isSameRemote } from '../view-queries';
import { attemptBackOff, backOff, PROBE, type Prospects } from './pacing';
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
  const prospects = prospectsOf(connection, pair, error);
  const elsewhere = refusalsElsewhere(connection, pair).reduce((sum, each) => sum + each.count, 0);
  const inARow = prospects.refused && !prospects.remoteWorked ? count + elsewhere : count;
  const pause = attemptBackOff(inARow, prospects);
  const retryAt = Math.max(since + pause, now + backOff(1));
  const failure = {
    ...{ local, remote: { ...remote }, count, at: now, retryAt },
    ...(error !== undefined && { error }),
  };
  remember(failures, failure, MOST);
}

const REFUSED = 'ECONNREFUSED';

function prospectsOf(
  { worked }: EngineConnection,
  pair: AddressPair,
  error: string | undefined,
): Prospects {
  return {
    refused: error === REFUSED,
    pairWorked: worked.some((each) => isSamePair(each, pair)),
    remoteWorked: worked.some((each) => isSameRemote(each, pair)),
  };
}

/** The refusals of attempts at the same remote address and port from other local addresses. */
const refusalsElsewhere = ({ failures }: EngineConnection, pair: AddressPair): FailureView[] =>
  failures.filter(
    (each) => each.error === REFUSED && isSameRemote(each, pair) && !isSamePair(each, pair),
  );

/**
 * Until when no attempt between two addresses is admitted; undefined: it is now. To an address and
 * port where no subflow was ever established, one local address is tried at a time: a refusal is
 * most likely the peer's answer to all of them, and each refusal disturbs what the connection carries.
 */
export function backOffUntil(
  { now }: EngineState,
  connection: EngineConnection,
  pair: AddressPair,
): number | undefined {
  const { failures, opening, worked } = connection;
  const times = failures.filter((each) => isSamePair(each, pair)).map(({ retryAt }) => retryAt);
  if (!worked.some((each) => isSameRemote(each, pair))) {
    times.push(...refusalsElsewhere(connection, pair).map(({ retryAt }) => retryAt));
    const probes = opening.filter((each) => isSameRemote(each, pair) && !isSamePair(each, pair));
    times.push(...probes.map(({ since }) => since + PROBE));
  }
  const until = Math.max(...times);
  return until > now ? until : undefined;
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
