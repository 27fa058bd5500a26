/** Connections and their paths as their events tell them. */
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
import { interfaceOf, isInsteadOf, isPair, type Pair, pairOf } from '../reading';
import { fail } from './failures';
import { newBucket } from './pacing';
import {
  type EngineConnection,
  type EnginePath,
  type EngineState,
  findPath,
  remember,
  take,
} from './state';

const ENDING = 3500; // ms in which the end of what was abandoned is surely told, on a busy machine too
const STEADY = 10_000; // ms that a path lives which makes up for failures before it

export function establish(state: EngineState, event: EstablishedEvent & { own: boolean }): void {
  const { token, own, serverSide = false, denyJoinId0 = true } = event; // not told: none to be made
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
    ...{ paths: [], opening: [], failures: [], lost: [], announcing: [], abandoned: [] },
    announced: new Map(),
    holds: new Map(),
    creations: newBucket(state.limits, since),
  };
  const first = { local, remote, localId: 0, remoteId: 0 };
  addPath(state, connection, first, { opened: !serverSide });
  state.connections.set(token, connection);
}

export function followConnection(
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
      connection.announced.set(remoteId, { address, ...(port !== undefined && { port }) });
      return;
    }
    case 'removed':
      withdrawn(connection, event);
      return;
    case 'subflowEstablished':
      if (!findPath(connection, event)) opened(state, connection, event);
      return;
    case 'subflowClosed':
      closed(state, connection, event);
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
  { paths }: EngineConnection,
  { local, remote, localId, remoteId, interfaceIndex, backup: peerBackup = false }: Subflow,
  {
    opened = false,
    backup = false,
    attempts = 0,
    insteadOf,
  }: Partial<Pick<EnginePath, 'opened' | 'backup' | 'attempts' | 'insteadOf'>>,
): void {
  const name = interfaceOf(interfaces, local.address);
  paths.push({
    ...{ local: { ...local }, remote: { ...remote } },
    ...(localId !== undefined && { localId }),
    ...(remoteId !== undefined && { remoteId }),
    ...(interfaceIndex !== undefined && { interfaceIndex }),
    ...(name !== undefined && { interface: name }),
    ...(insteadOf !== undefined && { insteadOf }),
    ...{ backup, peerBackup, opened, attempts, since: now, backupSince: now },
  });
}

function opened(
  state: EngineState,
  connection: EngineConnection,
  event: SubflowEstablishedEvent,
): void {
  const pair = pairOf(event);
  const matches = (each: Pair): boolean => isPair(each, pair);
  // What was abandoned may have come through before.
  const asked = take(connection.opening, matches) ?? take(connection.abandoned, matches);
  const failure = take(connection.failures, matches);
  const other = connection.paths.find(
    (each) => matches(pairOf(each)) && each.local.port === asked?.insteadOf,
  );
  if (!other) take(connection.lost, matches);
  // One from before the engine began was opened by the side that could.
  const { serverSide, remote } = connection;
  const reachable = !serverSide && event.remote.port === remote.port;
  addPath(state, connection, event, {
    opened: asked !== undefined || reachable,
    backup: asked?.backup ?? false,
    attempts: failure?.count ?? 0,
    ...(other && { insteadOf: other.local.port }),
  });
}

function closed(state: EngineState, connection: EngineConnection, event: SubflowClosedEvent): void {
  const { error } = event;
  const path = findPath(connection, event);
  if (path) {
    lose(state, connection, path, error);
    return;
  }
  const pair = pairOf(event);
  if (take(connection.abandoned, (each) => isPair(each, pair) && each.until > state.now)) return;
  const opening = take(connection.opening, (each) => isPair(each, pair));
  if (opening) fail(state, connection, pair, { error, since: opening.since });
}

/** A path is gone; another one between its addresses waits as after a failure. */
export function lose(
  state: EngineState,
  connection: EngineConnection,
  path: EnginePath,
  error?: string,
): void {
  const { backup, opened, closing, since, attempts } = path;
  const pair = pairOf(path);
  const at = state.now;
  take(connection.paths, (each) => each === path);
  if (!outlive(connection, path)) {
    remember(connection.lost, {
      ...{ ...pair, backup, opened, at },
      ...(closing !== undefined && { reason: closing }),
      ...(error !== undefined && { error }),
    });
  }
  if (opened) fail(state, connection, pair, { error, before: at - since < STEADY ? attempts : 0 });
}

/** Whether the path that took its place is there, or the one whose place it was to take. */
function outlive({ paths }: EngineConnection, path: EnginePath): boolean {
  const successor = paths.find((each) => isInsteadOf(each, path));
  if (!successor) return paths.some((each) => isInsteadOf(path, each));
  if (path.insteadOf === undefined) delete successor.insteadOf;
  else successor.insteadOf = path.insteadOf;
  return true;
}

/** The id 0 is the first address, which the peer announced by accepting the connection. */
function withdrawn(connection: EngineConnection, { remoteId }: RemovedEvent): void {
  const { announced, remote, paths } = connection;
  if (remoteId === 0) connection.denyJoinId0 = true;
  const known = remoteId === 0 ? remote : announced.get(remoteId);
  const { address } = known ?? paths.find((each) => each.remoteId === remoteId)?.remote ?? {};
  announced.delete(remoteId);
  if (address === undefined) return;
  const isOther = (each: Pair): boolean => !isAddress(each.remote.address, address);
  connection.lost = connection.lost.filter(isOther);
  connection.failures = connection.failures.filter(isOther);
}

/** Gives up a subflow that is being opened: it counts no longer. */
export function abandon(
  { now }: EngineState,
  { token, abandoned }: EngineConnection,
  opening: OpeningView,
  reason: string,
): AbandonSubflowAction {
  const { local, remote } = opening;
  remember(abandoned, { ...opening, remote: { ...remote }, until: now + ENDING });
  return {
    ...{ type: 'abandonSubflow', token, reason },
    ...{ local: { address: local }, remote: { ...remote } },
  };
}
