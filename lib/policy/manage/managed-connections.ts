import type { EstablishedEvent, PathManagerEvent } from '../../events/events';
import { apply, type Connections, difference } from '../../events/table';
import type { PolicyEvent } from '../policy';

export interface Choice {
  /** Of this environment. */
  isOwn(token: number): boolean;
  /** Whether the connection is to be managed, as far as that can be said by now. */
  isWanted(connection: EstablishedEvent): boolean;
  /** It is managed from now on, or no longer. */
  began(token: number): void;
  ended(token: number): void;
  tell(event: PolicyEvent): void;
}

/**
 * Joins the kernel's events with the wish to manage some of the connections, whichever comes first,
 * and tells of those what a policy is told.
 */
export class ManagedConnections {
  readonly #choice: Choice;
  readonly #known: Connections = new Map();
  readonly #managed = new Set<number>();

  constructor(choice: Choice) {
    this.#choice = choice;
  }

  handle(event: PathManagerEvent): void {
    if (!('token' in event)) return;
    const { token } = event;
    apply(this.#known, event);
    if (!this.#managed.has(token)) {
      if (event.type === 'established') this.consider(token);
      else if (event.type === 'closed') this.#choice.ended(token);
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
        // That the connection's end ends its subflows too is told by `closed`.
        if (event.source === 'derived') return;
    }
    this.#choice.tell(event);
  }

  /** It may be wanted by now. */
  consider(token: number): void {
    const connection = this.#known.get(token);
    if (!connection?.established || this.#managed.has(token)) return;
    for (const event of difference(new Map(), new Map([[token, connection]]))) {
      if (event.type === 'created') continue;
      if (event.type !== 'established') {
        this.#choice.tell(event as PolicyEvent);
        continue;
      }
      if (!this.#choice.isWanted(event)) return;
      this.#managed.add(token);
      this.#choice.began(token);
      this.#choice.tell({ ...event, own: this.#choice.isOwn(token) });
    }
  }

  /** It cannot be managed: to the policy, it has ended. */
  drop(token: number): void {
    if (this.#managed.has(token)) this.#end({ type: 'closed', source: 'derived', token });
  }

  #end(event: Extract<PolicyEvent, { type: 'closed' }>): void {
    this.#managed.delete(event.token);
    this.#choice.tell(event);
    this.#choice.ended(event.token);
  }
}
