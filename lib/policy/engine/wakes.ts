/** When the policy is due a `woken` event, and for which connections. */
const RESOLUTION = 10; // ms

/** The connections of a `woken` event; undefined: all of them. */
export type Woken = readonly number[] | undefined;

/** In place of a token: all connections. */
const ALL = -1;

/** The times at which connections are due a `woken` event, rounded so that nearby times coincide. */
export class Wakes {
  readonly #tokens = new Map<number, Set<number>>();
  #next = Infinity;

  /** Wakes a connection, or all of them, at a time, which is later than now. */
  add(at: number, now: number, token = ALL): void {
    this.#add(Math.ceil(Math.max(at, now + RESOLUTION) / RESOLUTION) * RESOLUTION, token);
  }

  /** Wakes connections as soon as possible. */
  addNow(now: number, tokens: Iterable<number>): void {
    for (const token of tokens) this.#add(now, token);
  }

  /** Removes what is due, `most` connections at a time. */
  take(now: number, most = Infinity): Woken {
    const taken = new Set<number>();
    for (const [time, tokens] of this.#tokens) {
      if (time > now) continue;
      for (const token of tokens) {
        if (taken.size >= most) break;
        taken.add(token);
        tokens.delete(token);
      }
      if (tokens.size === 0) this.#tokens.delete(time);
    }
    this.#next = Math.min(...this.#tokens.keys());
    return taken.has(ALL) ? undefined : [...taken];
  }

  get next(): number | undefined {
    return this.#next === Infinity ? undefined : this.#next;
  }

  #add(time: number, token: number): void {
    const tokens = this.#tokens.get(time) ?? new Set<number>();
    this.#tokens.set(time, tokens.add(token));
    this.#next = Math.min(this.#next, time);
  }
}
