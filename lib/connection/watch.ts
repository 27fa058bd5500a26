/**
 * Watches one connection for all of its listeners: the kernel's events of it, and what has changed
 * since the socket was last polled.
 */
import type { MptcpInfo } from '../../types/native';
import { subflowIdentity as keyOf, subflowKey } from '../base/addresses';
import { poll, type Polled, setRef, stopPolling } from '../base/poller';
import type {
  AnnouncedEvent,
  EventSourceName,
  PathManagerEvent,
  RemovedEvent,
  SubflowClosedEvent,
  SubflowEstablishedEvent,
  SubflowPriorityEvent,
} from '../events/events';
import { TokenEvents } from '../events/token-events';
import { TCP_STATES } from '../kernel/constants';
import {
  type BackupFlags,
  type FlagsOfSubflows,
  pollBackup,
  unwatchBackup,
  watchBackup,
} from './backup-flags';
import { Dedup } from './dedup';
import type { ConnectionEvent, ConnectionEventSourceName, EventSubflow } from './events';
import type { Subflow } from './subflow';

/** Milliseconds to the next poll: SHORTEST after a change, then twice as many each time. */
const SHORTEST = 50;
const LONGEST = 500;

const { ESTABLISHED, SYN_SENT, SYN_RECV, CLOSE } = TCP_STATES;

/** The state of a connection, as read from its socket. */
export interface Reading {
  /** Undefined: the connection speaks TCP. */
  info?: MptcpInfo;
  /** Every subflow; over TCP there is one. */
  subflows: Subflow[];
}

/** What a watch needs of its connection. */
export interface Watchable {
  /** Reads the socket; undefined: it is not open. */
  read(): Reading | undefined;
  /** Whether MPTCP was requested, for a connection that speaks TCP. */
  requested(): boolean;
  /** Whether the socket is yet to connect. */
  pending(): boolean;
  /** The addresses of the socket: those of its first subflow. */
  addresses(): Pick<Subflow, 'local' | 'remote'>;
}

/** Receives the events of a connection. */
export type ConnectionListener = (event: ConnectionEvent) => void;

const wasConnected = ({ tcpInfo: { state } }: Subflow): boolean =>
  state !== SYN_SENT && state !== SYN_RECV;

const isOpen = (subflow: Subflow): boolean =>
  wasConnected(subflow) && subflow.tcpInfo.state !== CLOSE;

const isEstablished = ({ tcpInfo: { state } }: Subflow): boolean => state === ESTABLISHED;

const wasRead = (subflow: EventSubflow): subflow is Subflow => subflow.tcpInfo !== undefined;

const byKey = <T extends EventSubflow>(subflows: T[]): Map<string, T> =>
  new Map(subflows.map((subflow) => [keyOf(subflow), subflow]));

const sourceOf = ({ source }: { source: EventSourceName }): ConnectionEventSourceName =>
  source === 'dump' ? 'dump' : 'kernel';

/** Follows the life of a socket, which may connect more than once. */
export interface Follower {
  /** The socket has connected. */
  opened(): void;
  /** The socket's descriptor is about to be closed. */
  closing(): void;
}

/** Watches a connection while it has listeners, and emits each change once. */
export class ConnectionWatch implements Polled, Follower {
  readonly #connection: Watchable;
  /** The listeners, with whether they listen for priorities, which cost more. */
  readonly #listeners = new Map<ConnectionListener, boolean>();
  readonly #refs = new Set<ConnectionListener>();
  #kernel: TokenEvents | undefined;
  #token: number | undefined;
  #known = new Map<string, EventSubflow>();
  #flags: Map<string, Partial<BackupFlags>> | undefined;
  #announced = new Map<number, Pick<AnnouncedEvent, 'address' | 'port'>>();
  /** How many addresses of the peer this side has accepted. */
  #accepted = 0;
  readonly #dedup = new Dedup();
  /** What was read for the events that arrive in this turn of the event loop. */
  #reading: { readonly current: Reading | undefined } | undefined;
  #interval = SHORTEST;
  #open = false;

  constructor(connection: Watchable) {
    this.#connection = connection;
  }

  opened(): void {
    this.#open = true;
    if (this.#listeners.size === 0) return;
    this.#begin();
    if (!this.#connection.read()?.info && this.#connection.requested())
      this.#emit({ type: 'fallback', source: 'watch' });
  }

  /** Adds a listener for what happens from now on, or changes whether it listens for priorities. */
  add(listener: ConnectionListener, priorities: boolean): void {
    this.#listeners.set(listener, priorities);
    if (this.#listeners.size > 1 || this.#kernel) this.#followPriorities();
    else if (this.#open) this.#begin();
    // A subflow may come and go before this process learns that the socket is connected.
    else if (this.#connection.pending()) this.#kernel = new TokenEvents(this.#receive);
  }

  /** Removes a listener; watching ends with the last one. */
  remove(listener: ConnectionListener): void {
    this.ref(listener, false);
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#end();
    else this.#followPriorities();
  }

  /** Sets whether watching for a listener keeps the process alive. */
  ref(listener: ConnectionListener, ref: boolean): void {
    if (ref) this.#refs.add(listener);
    else this.#refs.delete(listener);
    setRef(this, this.#refs.size > 0);
  }

  /** Resolves when all that can be seen is seen: nothing that happens from then on is missed. */
  async ready(): Promise<void> {
    await this.#kernel?.settled;
    if (this.#flags) await pollBackup();
  }

  /** The socket is closed, and may have never been open. */
  closed(): void {
    if (!this.#open) this.#end();
  }

  closing(): void {
    this.#open = false;
    this.#end();
    if (this.#listeners.size === 0) return;
    const { info, subflows = [] } = this.#connection.read() ?? {};
    // A subflow that the kernel has closed already may have lost its counters.
    const last = byKey(subflows.filter(info ? isOpen : wasConnected));
    const all = info ? new Map([...this.#known, ...last]) : last;
    this.#emit({
      ...{ type: 'closed', source: 'watch', subflows: Array.from(all.values()).filter(wasRead) },
      ...(info && { info }),
    });
  }

  /** Reads the subflows when one side has ended: soon they lose their counters. */
  ending(): void {
    if (!this.#open || this.#listeners.size === 0) return;
    const { info, subflows = [] } = this.#connection.read() ?? {};
    if (info) this.#compare(byKey(subflows.filter(isOpen)));
  }

  poll(): number | undefined {
    const reading = this.#connection.read();
    if (!reading) return undefined;
    const { info, subflows } = reading;
    if (!info) {
      this.#end();
      this.#emit({ type: 'fallback', source: 'watch' });
      return undefined;
    }
    this.#countAddresses(info);
    const changed = this.#compare(byKey(subflows.filter(isOpen)));
    this.#interval = changed ? SHORTEST : Math.min(this.#interval * 2, LONGEST);
    return this.#interval;
  }

  #begin(): void {
    const { info, subflows = [] } = this.#connection.read() ?? {};
    const awaited = this.#kernel; // it has received events since before the socket connected
    const first = awaited && subflowKey(this.#connection.addresses());
    const isKnown = (each: Subflow): boolean => first === undefined || subflowKey(each) === first;
    this.#known = byKey(subflows.filter((each) => isOpen(each) && isKnown(each)));
    this.#announced.clear();
    this.#dedup.clear();
    this.#interval = SHORTEST;
    if (!info) {
      this.#end(); // over TCP there is nothing to watch
      return;
    }
    this.#accepted = awaited ? 0 : info.addAddrAccepted;
    this.#token = info.token;
    this.#kernel ??= new TokenEvents(this.#receive, info.token);
    this.#followPriorities();
    poll(this, SHORTEST);
    setRef(this, this.#refs.size > 0);
    awaited?.connected(info.token);
  }

  #end(): void {
    stopPolling(this);
    this.#kernel?.close();
    this.#kernel = undefined;
    this.#followPriorities();
  }

  #followPriorities(): void {
    const watched = this.#open && this.#kernel !== undefined;
    const needed = watched && Array.from(this.#listeners.values()).some(Boolean);
    if (needed === (this.#flags !== undefined)) return;
    this.#flags = needed ? new Map() : undefined;
    if (needed && this.#token !== undefined) watchBackup(this.#token, this.#receiveFlags);
    else unwatchBackup(this.#receiveFlags);
  }

  readonly #receive = (event: PathManagerEvent): void => {
    if (event.type === 'subflowEstablished') this.#receiveOpened(event);
    else if (event.type === 'subflowClosed') this.#receiveClosed(event);
    else if (event.type === 'subflowPriority') this.#receivePriority(event);
    else if (event.type === 'announced') this.#receiveAnnounced(event);
    else if (event.type === 'removed') this.#receiveRemoved(event);
  };

  #receiveOpened(event: SubflowEstablishedEvent): void {
    const key = subflowKey(event);
    if (!this.#dedup.received(`opened ${key}`) || this.#find(key)) return;
    const found = this.#readOnce()?.subflows.find((each) => subflowKey(each) === key);
    const { local, remote } = event;
    const subflow = found ?? { local, remote };
    this.#known.set(keyOf(subflow), subflow);
    this.#emit({ type: 'subflowEstablished', source: sourceOf(event), subflow });
    this.#pollSoon();
  }

  #receiveClosed(event: SubflowClosedEvent): void {
    if (event.source === 'derived') return; // it ends with the connection, which emits `closed`
    const key = subflowKey(event);
    if (!this.#dedup.received(`closed ${key}`)) return;
    const { local, remote, error, reset } = event;
    const subflow = this.#find(key) ?? { local, remote };
    this.#known.delete(keyOf(subflow));
    this.#flags?.delete(key);
    this.#emit({
      ...{ type: 'subflowClosed', source: sourceOf(event), subflow },
      ...(error !== undefined && { error }),
      ...(reset && { reset }),
    });
    this.#pollSoon();
  }

  #receivePriority(event: SubflowPriorityEvent): void {
    const { backup = false, local, remote } = event;
    const key = subflowKey(event);
    this.#dedup.forget(`remote ${key} ${!backup}`);
    if (!this.#dedup.received(`remote ${key} ${backup}`)) return;
    this.#flags?.set(key, { ...this.#flags.get(key), remote: backup });
    const subflow = this.#find(key) ?? { local, remote };
    this.#emit({
      type: 'subflowPriority',
      source: sourceOf(event),
      subflow,
      backup,
      side: 'remote',
    });
  }

  #receiveAnnounced({ source, remoteId, address, port }: AnnouncedEvent): void {
    const at = { address, ...(port !== undefined && { port }) };
    this.#announced.set(remoteId, at);
    this.#emit({ type: 'announced', source: sourceOf({ source }), remoteId, ...at });
  }

  #receiveRemoved({ source, remoteId }: RemovedEvent): void {
    const at = this.#announced.get(remoteId);
    this.#announced.delete(remoteId);
    this.#emit({ type: 'removed', source: sourceOf({ source }), remoteId, ...at });
  }

  /** Reads the socket once for all events that arrive together: each of them is older than that. */
  #readOnce(): Reading | undefined {
    if (!this.#reading) {
      this.#reading = { current: this.#connection.read() };
      queueMicrotask(() => (this.#reading = undefined));
    }
    return this.#reading.current;
  }

  #find(key: string): EventSubflow | undefined {
    return Array.from(this.#known.values()).find((each) => subflowKey(each) === key);
  }

  #pollSoon(): void {
    this.#interval = SHORTEST;
    if (this.#kernel) poll(this, SHORTEST);
  }

  /**
   * Without kernel events, the count of accepted addresses shows that there is one more or less.
   */
  #countAddresses({ addAddrAccepted }: MptcpInfo): void {
    const before = this.#accepted;
    this.#accepted = addAddrAccepted;
    if (this.#kernel?.live) return;
    const type = addAddrAccepted > before ? 'announced' : 'removed';
    for (let n = Math.abs(addAddrAccepted - before); n > 0; n--) {
      this.#emit({ type, source: 'watch' });
    }
  }

  #compare(now: Map<string, Subflow>): boolean {
    // When the connection ends, its subflows end one after the other: `closed` reports that. After
    // a loss of all of them, the next poll that finds one reports it.
    if (!Array.from(now.values()).some(isEstablished)) {
      this.#known = new Map([...this.#known, ...now]);
      return false;
    }
    this.#recognize(now);
    const closed = Array.from(this.#known).filter(([key]) => !now.has(key));
    const opened = Array.from(now).filter(([key]) => !this.#known.has(key));
    for (const [key, subflow] of now) if (this.#known.has(key)) this.#known.set(key, subflow);
    let changed = false;
    for (const [key, subflow] of closed) {
      if (!this.#dedup.polled(`closed ${subflowKey(subflow)}`, this.#kernel)) continue;
      this.#known.delete(key);
      this.#flags?.delete(subflowKey(subflow));
      this.#emit({ type: 'subflowClosed', source: 'watch', subflow });
      changed = true;
    }
    for (const [key, subflow] of opened) {
      if (!this.#dedup.polled(`opened ${subflowKey(subflow)}`, this.#kernel)) continue;
      this.#known.set(key, subflow);
      this.#emit({ type: 'subflowEstablished', source: 'watch', subflow });
      changed = true;
    }
    return changed;
  }

  /** Identifies subflows that a kernel event added before their sockets could be read. */
  #recognize(now: Map<string, Subflow>): void {
    const unread = Array.from(this.#known).filter(([, subflow]) => !wasRead(subflow));
    for (const [old, subflow] of unread) {
      const same = (each: Subflow): boolean => subflowKey(each) === subflowKey(subflow);
      const found = Array.from(now.values()).find(same);
      if (!found) continue;
      this.#known.delete(old);
      this.#known.set(keyOf(found), found);
    }
  }

  /** Receives the flags from a dump. Those that it shows for the first time are no change. */
  readonly #receiveFlags = (all: FlagsOfSubflows): void => {
    for (const [key, now] of all) {
      const before = this.#flags?.get(key) ?? {};
      const subflow = this.#find(key);
      const flags = { ...now };
      for (const side of ['local', 'remote'] as const) {
        if (!subflow || before[side] === undefined || before[side] === now[side]) continue;
        const fact = `remote ${key} ${now.remote}`;
        // The kernel has no event for changes of this side's own.
        if (side === 'remote' && !this.#dedup.polled(fact, this.#kernel))
          flags.remote = !now.remote;
        else
          this.#emit({
            type: 'subflowPriority',
            source: 'watch',
            subflow,
            backup: now[side],
            side,
          });
      }
      this.#flags?.set(key, flags);
    }
  };

  #emit(event: ConnectionEvent): void {
    for (const listener of this.#listeners.keys()) process.nextTick(listener, event);
  }
}
