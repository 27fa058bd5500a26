/** Which connections a policy manages, and the events of those that it does. */
import type { EstablishedEvent, PathManagerEvent, SubflowClosedEvent } from '../../events/events';
import { apply, type Connections, difference } from '../../events/table';
import type { PolicyEvent } from '../policy';

/** Subflows that end within this time, in milliseconds, end for the same reason. */
const SAME_CAUSE = 1000;

/** How a connection lost its last subflow. */
export interface PathLoss {
  /** When it did, as of performance.now(). */
  at: number;
  /** The kernel's error by its name in errno(3), if known; 'ETIMEDOUT' where this host ended it. */
  error: string | undefined;
}

/** What {@link ManagedConnections} asks, and reports to. */
export interface ManagedConnectionsHost {
  /** Whether the connection is of this environment. */
  isOwn(token: number): boolean;
  /** Whether the connection is to be managed, as far as that is known by now. */
  isManaged(connection: EstablishedEvent): boolean;
  /** The connection is managed from now on. */
  began(token: number): void;
  /** The connection has ended, or is no longer managed. */
  ended(token: number): void;
  /** Receives the events of the managed connections. */
  receive(event: PolicyEvent): void;
}

/**
 * Joins the kernel's events with the decision to manage some of the connections, whichever comes
 * first, and emits the events of those.
 */
export class ManagedConnections {
  readonly #host: ManagedConnectionsHost;
  readonly #known: Connections = new Map();
  readonly #managed = new Set<number>();
  readonly #losses = new Map<number, PathLoss>();

  constructor(host: ManagedConnectionsHost) {
    this.#host = host;
  }

  /** Receives an event of any connection. */
  receive(event: PathManagerEvent): void {
    if (!('token' in event)) return;
    const { token } = event;
    const before = this.#countSubflows(token);
    apply(this.#known, event);
    if (event.type === 'subflowClosed' && this.#countSubflows(token) < before)
      this.#noteLoss(event);
    if (event.type === 'closed') this.#losses.delete(token);
    if (!this.#managed.has(token)) {
      if (event.type === 'established') this.consider(token);
      else if (event.type === 'closed') this.#host.ended(token);
      return;
    }
    switch (event.type) {
      case 'created':
      case 'established':
        return;
      case 'closed': {
        this.#end(event);
        return;
      }
      case 'subflowClosed':
        if (event.source === 'derived') return; // `closed` implies it
    }
    this.#host.receive(event);
  }

  has(token: number): boolean {
    return this.#managed.has(token);
  }

  /** How the connection lost its last subflow; undefined while it has one. */
  lossOf(token: number): PathLoss | undefined {
    return this.#countSubflows(token) === 0 ? this.#losses.get(token) : undefined;
  }

  /** Asks again whether a connection is to be managed. */
  consider(token: number): void {
    const connection = this.#known.get(token);
    if (!connection?.established || this.#managed.has(token)) return;
    for (const event of difference(new Map(), new Map([[token, connection]]))) {
      if (event.type === 'created') continue;
      if (event.type !== 'established') {
        this.#host.receive(event as PolicyEvent);
        continue;
      }
      if (!this.#host.isManaged(event)) return;
      this.#managed.add(token);
      this.#host.began(token);
      this.#host.receive({ ...event, own: this.#host.isOwn(token) });
    }
  }

  /** Gives up a connection, which has ended as far as the policy is concerned. */
  drop(token: number): void {
    if (this.#managed.has(token)) this.#end({ type: 'closed', source: 'derived', token });
  }

  #noteLoss({ token, source, error }: SubflowClosedEvent): void {
    const at = performance.now();
    const last = this.#losses.get(token);
    const lately = last && at - last.at < SAME_CAUSE ? last.error : undefined;
    const byThisHost = source === 'kernel' ? 'ETIMEDOUT' : undefined; // a dump has no errors
    this.#losses.set(token, { at, error: error ?? lately ?? byThisHost });
  }

  #countSubflows(token: number): number {
    return this.#known.get(token)?.subflows.size ?? 0;
  }

  #end(event: Extract<PolicyEvent, { type: 'closed' }>): void {
    this.#managed.delete(event.token);
    this.#host.receive(event);
    this.#host.ended(event.token);
  }
}
