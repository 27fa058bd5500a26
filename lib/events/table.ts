/** The connections and subflows of a network namespace: a state, built from events and dumps. */
import { subflowKey } from '../base/addresses';
import type {
  AnnouncedEvent,
  ConnectionBeginEvent,
  EventSourceName,
  PathManagerEvent,
  SubflowEventBase,
} from './events';

/** A subflow of the state. */
export type KnownSubflow = Omit<SubflowEventBase, 'source'>;

/** A connection of the state. */
export interface KnownConnection extends Omit<ConnectionBeginEvent, 'source'> {
  /** Whether it is `established`, beyond `created`. */
  established: boolean;
  /** The subflows by subflowKey(). */
  subflows: Map<string, KnownSubflow>;
  /** The addresses that the peer has announced, by their ids. */
  announced: Map<number, AnnouncedEvent>;
}

/** The connections by their tokens. */
export type Connections = Map<number, KnownConnection>;

/** A connection with its first subflow, as of `created`. */
export function newConnection(begin: Omit<ConnectionBeginEvent, 'source'>): KnownConnection {
  const { token, local, remote, serverSide, denyJoinId0 } = begin;
  const first: KnownSubflow = { token, local, remote, localId: 0, remoteId: 0 };
  return {
    ...{ token, local, remote },
    ...(serverSide !== undefined && { serverSide }),
    ...(denyJoinId0 !== undefined && { denyJoinId0 }),
    established: false,
    subflows: new Map([[subflowKey(first), first]]),
    announced: new Map(),
  };
}

const beginOf = ({ token, local, remote, serverSide, denyJoinId0 }: KnownConnection) => ({
  ...{ token, local, remote },
  ...(serverSide !== undefined && { serverSide }),
  ...(denyJoinId0 !== undefined && { denyJoinId0 }),
});

/** A copy that later events do not change. */
export function copy(connections: Connections): Connections {
  return new Map(
    Array.from(connections, ([token, known]) => [
      token,
      { ...known, subflows: new Map(known.subflows), announced: new Map(known.announced) },
    ]),
  );
}

function closing(known: KnownConnection, source: EventSourceName): PathManagerEvent[] {
  return Array.from(known.subflows.values(), (subflow) => ({
    ...subflow,
    type: 'subflowClosed',
    source,
  }));
}

/**
 * Applies an event to the state, and returns the events to emit: this one, and those that follow
 * from it. `replayed`: the event may be older than the state, and is not emitted where it changes
 * nothing.
 */
export function apply(
  connections: Connections,
  event: PathManagerEvent,
  replayed = false,
): PathManagerEvent[] {
  if (!('token' in event)) return [event];
  const known = connections.get(event.token);
  switch (event.type) {
    case 'created':
    case 'established': {
      const same = known && subflowKey(known) === subflowKey(event);
      const connection = same ? known : newConnection(event);
      const old = same && (event.type === 'created' || known.established);
      connections.set(event.token, connection);
      if (event.denyJoinId0 !== undefined) connection.denyJoinId0 = event.denyJoinId0;
      if (event.type === 'established') connection.established = true;
      return replayed && old ? [] : [event];
    }
    case 'closed': {
      if (!known) return replayed ? [] : [event];
      connections.delete(event.token);
      const { local, remote } = known;
      return [...closing(known, 'derived'), { ...event, local, remote }];
    }
    case 'announced': {
      known?.announced.set(event.remoteId, event);
      return [event];
    }
    case 'removed':
      known?.announced.delete(event.remoteId);
      return [event];
    case 'subflowEstablished': {
      const old = known?.subflows.has(subflowKey(event));
      known?.subflows.set(subflowKey(event), event);
      return replayed && old ? [] : [event];
    }
    case 'subflowClosed': {
      const was = known?.subflows.delete(subflowKey(event));
      return replayed && !was ? [] : [event];
    }
    case 'subflowPriority': {
      const subflow = known?.subflows.get(subflowKey(event));
      if (subflow && event.backup !== undefined) {
        known?.subflows.set(subflowKey(event), { ...subflow, backup: event.backup });
      }
      return [event];
    }
  }
}

/** The events that lead from one state to another. */
export function difference(before: Connections, after: Connections): PathManagerEvent[] {
  const events: PathManagerEvent[] = [];
  const source = 'dump';
  for (const [token, known] of before) {
    const now = after.get(token);
    if (now && subflowKey(now) === subflowKey(known)) continue;
    const { local, remote } = known;
    events.push(...closing(known, source), { type: 'closed', source, token, local, remote });
  }
  for (const [token, now] of after) {
    const found = before.get(token);
    const known = found && subflowKey(found) === subflowKey(now) ? found : undefined;
    const begin = { source, ...beginOf(now) } as const;
    if (!known) events.push({ type: 'created', ...begin });
    if (now.established && !known?.established) events.push({ type: 'established', ...begin });
    events.push(...subflowDifference(known ?? newConnection(now), now));
    for (const [id, announced] of now.announced) {
      if (!known?.announced.has(id)) events.push({ ...announced, source });
    }
    for (const remoteId of known?.announced.keys() ?? []) {
      if (!now.announced.has(remoteId)) events.push({ type: 'removed', source, token, remoteId });
    }
  }
  return events;
}

function subflowDifference(before: KnownConnection, after: KnownConnection): PathManagerEvent[] {
  const events: PathManagerEvent[] = [];
  const source = 'dump';
  for (const [key, subflow] of before.subflows) {
    if (!after.subflows.has(key)) events.push({ ...subflow, type: 'subflowClosed', source });
  }
  for (const [key, subflow] of after.subflows) {
    const known = before.subflows.get(key);
    if (!known) events.push({ ...subflow, type: 'subflowEstablished', source });
  }
  return events;
}

/**
 * Completes what a dump found by what was known and no dump shows, such as the addresses that the
 * peer announced. Returns `dumped`, the new state.
 */
export function adopt(known: Connections, dumped: Connections): Connections {
  for (const [token, connection] of dumped) {
    const before = known.get(token);
    if (!before || subflowKey(before) !== subflowKey(connection)) continue;
    connection.announced = before.announced;
    connection.serverSide ??= before.serverSide;
    connection.denyJoinId0 ??= before.denyJoinId0;
    connection.established ||= before.established;
    for (const [key, subflow] of connection.subflows) {
      connection.subflows.set(key, { ...before.subflows.get(key), ...subflow });
    }
  }
  return dumped;
}
