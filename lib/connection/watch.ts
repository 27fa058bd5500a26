/**
 * One connection for all who want to know of it: what the kernel says of it, and what has changed
 * since the last look.
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

/** Milliseconds to the next look: few after a change, then twice as many each time. */
const SHORTEST = 50;
const LONGEST = 500;

/** TCP_* (include/net/tcp_states.h) */
const ESTABLISHED = 1;
const SYN_SENT = 2;
const SYN_RECV = 3;
const CLOSE = 7;

export interface Reading {
  /** Undefined: it speaks TCP. */
  info?: MptcpInfo;
  subflows: Subflow[];
}

/** What a watch asks of its connection. */
export interface Watchable {
  /** Undefined: it is not open. */
  read(): Reading | undefined;
  /** MPTCP was asked for. */
  offered(): boolean;
}

export type Tell = (event: ConnectionEvent) => void;

const wasConnected = ({ tcpInfo: { state } }: Subflow): boolean =>
  state !== SYN_SENT && state !== SYN_RECV;

const isOpen = (subflow: Subflow): boolean =>
  wasConnected(subflow) && subflow.tcpInfo.state !== CLOSE;

const isEstablished = ({ tcpInfo: { state } }: Subflow): boolean => state === ESTABLISHED;

const wasSeen = (subflow: EventSubflow): subflow is Subflow => subflow.tcpInfo !== undefined;

const byKey = <T extends EventSubflow>(subflows: T[]): Map<string, T> =>
  new Map(subflows.map((subflow) => [keyOf(subflow), subflow]));

const sourceOf = ({ source }: { source: EventSourceName }): ConnectionEventSourceName =>
  source === 'dump' ? 'dump' : 'kernel';

/** Who is told when a socket's connection begins, and before its descriptor is closed. */
export interface Follower {
  opened(): void;
  closing(): void;
}

export class ConnectionWatch implements Polled, Follower {
  readonly #connection: Watchable;
  /** With whether they want to be told of priorities, which cost more. */
  readonly #listeners = new Map<Tell, boolean>();
  readonly #refs = new Set<Tell>();
  #kernel: TokenEvents | undefined;
  #token: number | undefined;
  #known = new Map<string, EventSubflow>();
  #flags: Map<string, Partial<BackupFlags>> | undefined;
  #announced = new Map<number, Pick<AnnouncedEvent, 'address' | 'port'>>();
  /** How many of the peer's addresses this side has accepted. */
  #accepted = 0;
  readonly #once = new Dedup();
  #interval = SHORTEST;
  #open = false;

  constructor(connection: Watchable) {
    this.#connection = connection;
  }

  opened(): void {
    this.#open = true;
    if (this.#listeners.size === 0) return;
    this.#begin();
    if (!this.#connection.read()?.info && this.#connection.offered())
      this.#tell({ type: 'fallback', source: 'watch' });
  }

  /** Tells of what happens from now on. Again: with other wishes. */
  add(listener: Tell, priorities: boolean): void {
    this.#listeners.set(listener, priorities);
    if (this.#listeners.size === 1 && this.#open && !this.#kernel) this.#begin();
    else this.#followPriorities();
  }

  remove(listener: Tell): void {
    this.ref(listener, false);
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#end();
    else this.#followPriorities();
  }

  /** Whether watching for it keeps the process alive. */
  ref(listener: Tell, ref: boolean): void {
    if (ref) this.#refs.add(listener);
    else this.#refs.delete(listener);
    setRef(this, this.#refs.size > 0);
  }

  /** Nothing that happens after this is missed, as far as it can be seen. */
  async ready(): Promise<void> {
    await this.#kernel?.settled;
    if (this.#flags) await pollBackup();
  }

  closing(): void {
    this.#open = false;
    this.#end();
    if (this.#listeners.size === 0) return;
    const { info, subflows = [] } = this.#connection.read() ?? {};
    // A subflow that the kernel has closed already may have lost its counters.
    const last = byKey(subflows.filter(info ? isOpen : wasConnected));
    const all = info ? new Map([...this.#known, ...last]) : last;
    this.#tell({
      ...{ type: 'closed', source: 'watch', subflows: Array.from(all.values()).filter(wasSeen) },
      ...(info && { info }),
    });
  }

  /** One side has ended: soon the subflows lose their counters. */
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
      this.#tell({ type: 'fallback', source: 'watch' });
      return undefined;
    }
    this.#countAddresses(info);
    const changed = this.#compare(byKey(subflows.filter(isOpen)));
    this.#interval = changed ? SHORTEST : Math.min(this.#interval * 2, LONGEST);
    return this.#interval;
  }

  #begin(): void {
    const { info, subflows = [] } = this.#connection.read() ?? {};
    this.#known = byKey(subflows.filter(isOpen));
    this.#announced.clear();
    this.#once.clear();
    this.#interval = SHORTEST;
    if (!info) return; // over TCP nothing changes
    this.#accepted = info.addAddrAccepted;
    this.#token = info.token;
    this.#kernel = new TokenEvents(info.token, this.#hear);
    this.#followPriorities();
    poll(this, SHORTEST);
    setRef(this, this.#refs.size > 0);
  }

  #end(): void {
    stopPolling(this);
    this.#kernel?.close();
    this.#kernel = undefined;
    this.#followPriorities();
  }

  #followPriorities(): void {
    const wanted = this.#kernel !== undefined && Array.from(this.#listeners.values()).some(Boolean);
    if (wanted === (this.#flags !== undefined)) return;
    this.#flags = wanted ? new Map() : undefined;
    if (wanted && this.#token !== undefined) watchBackup(this.#token, this.#seeFlags);
    else unwatchBackup(this.#seeFlags);
  }

  readonly #hear = (event: PathManagerEvent): void => {
    if (event.type === 'subflowEstablished') this.#hearOpened(event);
    else if (event.type === 'subflowClosed') this.#hearClosed(event);
    else if (event.type === 'subflowPriority') this.#hearPriority(event);
    else if (event.type === 'announced') this.#hearAnnounced(event);
    else if (event.type === 'removed') this.#hearRemoved(event);
  };

  #hearOpened(event: SubflowEstablishedEvent): void {
    const key = subflowKey(event);
    if (!this.#once.heard(`opened ${key}`) || this.#find(key)) return;
    const found = this.#connection.read()?.subflows.find((each) => subflowKey(each) === key);
    const { local, remote } = event;
    const subflow = found ?? { local, remote };
    this.#known.set(keyOf(subflow), subflow);
    this.#tell({ type: 'subflowEstablished', source: sourceOf(event), subflow });
    this.#lookSoon();
  }

  #hearClosed(event: SubflowClosedEvent): void {
    if (event.source === 'derived') return; // with the connection: `closed` tells
    const key = subflowKey(event);
    if (!this.#once.heard(`closed ${key}`)) return;
    const { local, remote, error, reset } = event;
    const subflow = this.#find(key) ?? { local, remote };
    this.#known.delete(keyOf(subflow));
    this.#flags?.delete(key);
    this.#tell({
      ...{ type: 'subflowClosed', source: sourceOf(event), subflow },
      ...(error !== undefined && { error }),
      ...(reset && { reset }),
    });
    this.#lookSoon();
  }

  #hearPriority(event: SubflowPriorityEvent): void {
    const { backup = false, local, remote } = event;
    const key = subflowKey(event);
    this.#once.forget(`remote ${key} ${!backup}`);
    if (!this.#once.heard(`remote ${key} ${backup}`)) return;
    this.#flags?.set(key, { ...this.#flags.get(key), remote: backup });
    const subflow = this.#find(key) ?? { local, remote };
    this.#tell({
      type: 'subflowPriority',
      source: sourceOf(event),
      subflow,
      backup,
      side: 'remote',
    });
  }

  #hearAnnounced({ source, remoteId, address, port }: AnnouncedEvent): void {
    const told = { address, ...(port !== undefined && { port }) };
    this.#announced.set(remoteId, told);
    this.#tell({ type: 'announced', source: sourceOf({ source }), remoteId, ...told });
  }

  #hearRemoved({ source, remoteId }: RemovedEvent): void {
    const told = this.#announced.get(remoteId);
    this.#announced.delete(remoteId);
    this.#tell({ type: 'removed', source: sourceOf({ source }), remoteId, ...told });
  }

  #find(key: string): EventSubflow | undefined {
    return Array.from(this.#known.values()).find((each) => subflowKey(each) === key);
  }

  #lookSoon(): void {
    this.#interval = SHORTEST;
    if (this.#kernel) poll(this, SHORTEST);
  }

  /** Where the kernel tells no addresses, its counts do: of those that this side has accepted. */
  #countAddresses({ addAddrAccepted }: MptcpInfo): void {
    const before = this.#accepted;
    this.#accepted = addAddrAccepted;
    if (this.#kernel?.live) return;
    const type = addAddrAccepted > before ? 'announced' : 'removed';
    for (let n = Math.abs(addAddrAccepted - before); n > 0; n--) {
      this.#tell({ type, source: 'watch' });
    }
  }

  #compare(now: Map<string, Subflow>): boolean {
    // When the connection ends, its subflows go one after the other: that is told by `closed`. After
    // a loss of all of them, the next look that finds one tells.
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
      if (!this.#once.seen(`closed ${subflowKey(subflow)}`, this.#kernel)) continue;
      this.#known.delete(key);
      this.#flags?.delete(subflowKey(subflow));
      this.#tell({ type: 'subflowClosed', source: 'watch', subflow });
      changed = true;
    }
    for (const [key, subflow] of opened) {
      if (!this.#once.seen(`opened ${subflowKey(subflow)}`, this.#kernel)) continue;
      this.#known.set(key, subflow);
      this.#tell({ type: 'subflowEstablished', source: 'watch', subflow });
      changed = true;
    }
    return changed;
  }

  /** The kernel told of a subflow that could not be read then: it is not another one. */
  #recognize(now: Map<string, Subflow>): void {
    const unread = Array.from(this.#known).filter(([, subflow]) => !wasSeen(subflow));
    for (const [old, subflow] of unread) {
      const same = (each: Subflow): boolean => subflowKey(each) === subflowKey(subflow);
      const found = Array.from(now.values()).find(same);
      if (!found) continue;
      this.#known.delete(old);
      this.#known.set(keyOf(found), found);
    }
  }

  /** As a dump shows them now; what it shows first is how things are. */
  readonly #seeFlags = (seen: FlagsOfSubflows): void => {
    for (const [key, now] of seen) {
      const before = this.#flags?.get(key) ?? {};
      const subflow = this.#find(key);
      const flags = { ...now };
      for (const side of ['local', 'remote'] as const) {
        if (!subflow || before[side] === undefined || before[side] === now[side]) continue;
        const fact = `remote ${key} ${now.remote}`;
        // Of this side's own changes the kernel says nothing.
        if (side === 'remote' && !this.#once.seen(fact, this.#kernel)) flags.remote = !now.remote;
        else
          this.#tell({
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

  #tell(event: ConnectionEvent): void {
    for (const listener of this.#listeners.keys()) process.nextTick(listener, event);
  }
}
