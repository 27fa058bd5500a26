const RESOLUTION = 10; // ms

/** The times at which the policy is due a `woken` event, rounded so that nearby times coincide. */
export class Wakes {
  readonly #times = new Set<number>();
  #next = Infinity;

  add(at: number, now: number): void {
    const time = Math.ceil(Math.max(at, now + RESOLUTION) / RESOLUTION) * RESOLUTION;
    this.#times.add(time);
    this.#next = Math.min(this.#next, time);
  }

  /** Removes the times that have passed. */
  expire(now: number): void {
    if (this.#next > now) return;
    this.#next = Infinity;
    for (const time of this.#times) {
      if (time <= now) this.#times.delete(time);
      else this.#next = Math.min(this.#next, time);
    }
  }

  get next(): number | undefined {
    return this.#next === Infinity ? undefined : this.#next;
  }
}
