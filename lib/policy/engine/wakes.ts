const GRAIN = 10; // ms

/** When the policy is to be asked again; times that are nearly the same are one. */
export class Wakes {
  readonly #times = new Set<number>();
  #next = Infinity;

  add(at: number, now: number): void {
    const time = Math.ceil(Math.max(at, now + GRAIN) / GRAIN) * GRAIN;
    this.#times.add(time);
    this.#next = Math.min(this.#next, time);
  }

  passed(now: number): void {
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
