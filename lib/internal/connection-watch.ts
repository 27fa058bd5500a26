/** Looks at one connection for all who want to know of it, and tells what has changed. */
import type { ConnectionEvent } from '../connection-events';
import type { MptcpInfo, Subflow } from '../connection';
import { subflowIdentity as keyOf } from './addresses';
import { lookAt, type Looked, setRef, stopLooking } from './sweep';

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

const byKey = (subflows: Subflow[]): Map<string, Subflow> =>
  new Map(subflows.map((subflow) => [keyOf(subflow), subflow]));

/** Who is told when a socket's connection begins, and before its descriptor is closed. */
export interface Follower {
  opened(): void;
  closing(): void;
}

export class ConnectionWatch implements Looked, Follower {
  readonly #connection: Watchable;
  readonly #listeners = new Set<Tell>();
  readonly #refs = new Set<Tell>();
  #known = new Map<string, Subflow>();
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

  /** Tells of what happens from now on. */
  add(listener: Tell): void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1 && this.#open) this.#begin();
  }

  remove(listener: Tell): void {
    this.ref(listener, false);
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) stopLooking(this);
  }

  /** Whether watching for it keeps the process alive. */
  ref(listener: Tell, ref: boolean): void {
    if (ref) this.#refs.add(listener);
    else this.#refs.delete(listener);
    setRef(this, this.#refs.size > 0);
  }

  closing(): void {
    this.#open = false;
    stopLooking(this);
    if (this.#listeners.size === 0) return;
    const { info, subflows = [] } = this.#connection.read() ?? {};
    // A subflow that the kernel has closed already may have lost its counters.
    const last = byKey(subflows.filter(info ? isOpen : wasConnected));
    const all = info ? new Map([...this.#known, ...last]) : last;
    this.#tell({
      ...{ type: 'closed', source: 'watch', subflows: Array.from(all.values()) },
      ...(info && { info }),
    });
  }

  /** One side has ended: soon the subflows lose their counters. */
  ending(): void {
    if (!this.#open || this.#listeners.size === 0) return;
    const { info, subflows = [] } = this.#connection.read() ?? {};
    if (info) this.#compare(byKey(subflows.filter(isOpen)));
  }

  look(): number | undefined {
    const reading = this.#connection.read();
    if (!reading) return undefined;
    const { info, subflows } = reading;
    if (!info) {
      this.#tell({ type: 'fallback', source: 'watch' });
      return undefined;
    }
    const changed = this.#compare(byKey(subflows.filter(isOpen)));
    this.#interval = changed ? SHORTEST : Math.min(this.#interval * 2, LONGEST);
    return this.#interval;
  }

  #begin(): void {
    const { info, subflows = [] } = this.#connection.read() ?? {};
    this.#known = byKey(subflows.filter(isOpen));
    this.#interval = SHORTEST;
    if (!info) return; // over TCP nothing changes
    lookAt(this, SHORTEST);
    setRef(this, this.#refs.size > 0);
  }

  #compare(now: Map<string, Subflow>): boolean {
    // When the connection ends, its subflows go one after the other: that is told by `closed`. After
    // a loss of all of them, the next look that finds one tells.
    if (!Array.from(now.values()).some(isEstablished)) {
      this.#known = new Map([...this.#known, ...now]);
      return false;
    }
    const before = this.#known;
    this.#known = now;
    const closed = Array.from(before).filter(([key]) => !now.has(key));
    const opened = Array.from(now).filter(([key]) => !before.has(key));
    for (const [, subflow] of closed) {
      this.#tell({ type: 'subflowClosed', source: 'watch', subflow });
    }
    for (const [, subflow] of opened) this.#tell({ type: 'subflow', source: 'watch', subflow });
    return closed.length + opened.length > 0;
  }

  #tell(event: ConnectionEvent): void {
    for (const listener of this.#listeners) process.nextTick(listener, event);
  }
}
