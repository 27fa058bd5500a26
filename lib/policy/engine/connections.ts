/** Updates connections and their paths by the events of a connection. */
import { isAddress, subflowKey } from '../../base/addresses';
import type {
  AnnouncedEvent,
  EstablishedEvent,
  RemovedEvent,
  SubflowClosedEvent,
  SubflowEstablishedEvent,
  SubflowPriorityEvent,
} from '../../events/events';
import type { AbandonSubflowAction, OpeningView } from '../policy';
import {
  type AddressPair,
  interfaceOf,
  isReplacementFor,
  isSamePair,
  pairOf,
} from '../view-queries';
import { recordFailure, recordSuccess, shortenBackOff } from './failures';
import { newBucket } from './pacing';
import {
  type EngineConnection,
  type EnginePath,
  type EngineState,
  findPath,
  MOST_ANNOUNCED,
  remember,
  removeFirst,
} from './state';

const ABANDONED_FOR = 3500; // ms within which the kernel reports the end, also on a busy machine
const STEADY_AFTER = 10_000; // ms: a path that lived for as long clears the failures before it

export function onEstablished(
  state: EngineState,
  event: EstablishedEvent & { own: boolean },
): void {
  const { token, own, serverSide = false, denyJoinId0 = true } = event; // unknown: may be denied
  const known = state.connections.get(token);
  if (known && subflowKey(known) === subflowKey(event)) {
    known.denyJoinId0 ||= event.denyJoinId0 === true;
    known.own = own;
    return;
  }
  const [local, remote] = [{ ...event.local }, { ...event.remote }];
  const since = state.now;
  const connection: EngineConnection = {
    ...{ token, local, remote, serverSide, denyJoinId0, own, since },
    ...{
      paths: [],
      opening: [],
      failures: [],
      lost: [],
      announcing: [],
      abandoned: [],
      worked: [],
    },
    announced: new Map(),
    holds: new Map(),
    creations: newBucket(state.limits, since),
  };
  const first = { local, remote, localId: 0, remoteId: 0 };
  addPath(state, connection, first, { opened: !serverSide });
  state.connections.set(token, connection);
}

export function onConnectionEvent(
  state: EngineState,
  connection: EngineConnection,
  event:
    | AnnouncedEvent
    | RemovedEvent
    | SubflowEstablishedEvent
    | SubflowClosedEvent
    | SubflowPriorityEvent,
): void {
  switch (event.type) {
    case 'announced': {
      const { remoteId, address, port } = event;
      const { announced } = connection;
      announced.delete(remoteId);
      announced.set(remoteId, { address, ...(port !== undefined && { port }) });
      const [oldest] = announced.keys();
      if (announced.size > MOST_ANNOUNCED && oldest !== undefined) announced.delete(oldest);
      shortenBackOff(connection, event);
      return;
    }
    case 'removed':
      onRemoved(connection, event);
      return;
    case 'subflowEstablished':
      if (!findPath(connection, event)) onSubflowEstablished(state, connection, event);
      return;
    case 'subflowClosed':
      onSubflowClosed(state, connection, event);
      return;
    case 'subflowPriority': {
      const path = findPath(connection, event);
      if (path && event.backup !== undefined) path.peerBackup = event.backup;
    }
  }
}

type Subflow = Pick<SubflowEstablishedEvent, 'local' | 'remote' | 'localId' | 'remoteId'> & {
  interfaceIndex?: number;
  backup?: boolean;
};

function addPath(
  { interfaces, now }: EngineState,
  connection: EngineConnection,
  { local, remote, localId, remoteId, interfaceIndex, backup: peerBackup = false }: Subflow,
  {
    opened = false,
    backup = false,
    attempts = 0,
    insteadOf,
  }: Partial<Pick<EnginePath, 'opened' | 'backup' | 'attempts' | 'insteadOf'>>,
): void {
  const name = interfaceOf(interfaces, local.address);
  if (opened) recordSuccess(connection, pairOf({ local, remote }));
  connection.paths.push({
    ...{ local: { ...local }, remote: { ...remote } },
    ...(localId !== undefined && { localId }),
    ...(remoteId !== undefined && { remoteId }),
    ...(interfaceIndex !== undefined && { interfaceIndex }),
    ...(name !== undefined && { interface: name }),
    ...(insteadOf !== undefined && { insteadOf }),
    ...{ backup, peerBackup, opened, attempts, since: now, backupSince: now },
  });
}

function onSubflowEstablished(
  state: EngineState,
  connection: EngineConnection,
  event: SubflowEstablishedEvent,
): void {
  const pair = pairOf(event);
  const matches = (each: AddressPair): boolean => isSamePair(each, pair);
  // An attempt may have succeeded just before it was abandoned.
  const requested =
    removeFirst(connection.opening, matches) ?? removeFirst(connection.abandoned, matches);
  const failure = removeFirst(connection.failures, matches);
  const replaced = connection.paths.find(
    (each) => matches(pairOf(each)) && each.local.port === requested?.insteadOf,
  );
  if (!replaced) removeFirst(connection.lost, matches);
  // A subflow from before the engine began was opened by the side that could reach the other one.
  const { serverSide, remote } = connection;
  const reachable = !serverSide && event.remote.port === remote.port;
  addPath(state, connection, event, {
    opened: requested !== undefined || reachable,
    backup: requested?.backup ?? false,
    attempts: failure?.count ?? 0,
    ...(replaced && { insteadOf: replaced.local.port }),
  });
}

function onSubflowClosed(
  state: EngineState,
  connection: EngineConnection,
  event: SubflowClosedEvent,
): void {
  const { error } = event;
  const path = findPath(connection, event);
  if (path) {
    removePath(state, connection, path, error);
    return;
  }
  const pair = pairOf(event);
  const isAbandoned = removeFirst(
    connection.abandoned,
    (each) => isSamePair(each, pair) && each.until > state.now,
  );
  if (isAbandoned) return;
  const opening = removeFirst(connection.opening, (each) => isSamePair(each, pair));
  if (opening) recordFailure(state, connection, pair, { error, since: opening.since });
}

/** Removes a path that has closed. The next one between its addresses waits as after a failure. */
export function removePath(
  state: EngineState,
  connection: EngineConnection,
  path: EnginePath,
  error?: string,
): void {
  const { backup, opened, closing, since, attempts } = path;
  const pair = pairOf(path);
  const at = state.now;
  removeFirst(connection.paths, (each) => each === path);
  if (!isReplaced(connection, path)) {
    remember(connection.lost, {
      ...{ ...pair, backup, opened, at },
      ...(closing !== undefined && { reason: closing }),
      ...(error !== undefined && { error }),
    });
  }
  if (!opened) return;
  const before = at - since < STEADY_AFTER ? attempts : 0;
  recordFailure(state, connection, pair, { error, before });
}

/**
 * Whether the path that replaces a closed one is there, or the path that it was to replace. A
 * successor inherits what the closed path was to replace.
 */
function isReplaced({ paths }: EngineConnection, path: EnginePath): boolean {
  const successor = paths.find((each) => isReplacementFor(each, path));
  if (!successor) return paths.some((each) => isReplacementFor(path, each));
  if (path.insteadOf === undefined) delete successor.insteadOf;
  else successor.insteadOf = path.insteadOf;
  return true;
}

/** The address id 0 is that of the first subflow, which is never announced (RFC 8684, section 3.2). */
function onRemoved(connection: EngineConnection, { remoteId }: RemovedEvent): void {
  const { announced, remote, paths } = connection;
  if (remoteId === 0) connection.denyJoinId0 = true;
  const known = remoteId === 0 ? remote : announced.get(remoteId);
  const { address } = known ?? paths.find((each) => each.remoteId === remoteId)?.remote ?? {};
  announced.delete(remoteId);
  if (address === undefined) return;
  const isOther = (each: AddressPair): boolean => !isAddress(each.remote.address, address);
  // The failures stay: a peer that announces an address again and again causes no more attempts.
  connection.lost = connection.lost.filter(isOther);
}

/** Makes the action that abandons an attempt, which the caller removes from `opening`. */
export function abandon(
  { now }: EngineState,
  { token, abandoned }: EngineConnection,
  opening: OpeningView,
  reason: string,
): AbandonSubflowAction {
  const { local, remote } = opening;
  remember(abandoned, { ...opening, remote: { ...remote }, until: now + ABANDONED_FOR });
  return {
    ...{ type: 'abandonSubflow', token, reason },
    ...{ local: { address: local }, remote: { ...remote } },
  };
}
