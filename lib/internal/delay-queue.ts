interface Waiting {
  readonly due: number;
  readonly run: () => void;
}

/**
 * Runs what still waits after a delay, the same for all. Nearly everything is withdrawn before: so
 * there is one timer, which does not keep the process alive, and no timer a connection.
 */
export class DelayQueue {
  readonly #delay: number;
  readonly #waiting = new Set<Waiting>(); // in the order of their time
  #timer: NodeJS.Timeout | undefined;

  /** `delay` in milliseconds. */
  constructor(delay: number) {
    this.#delay = delay;
  }

  /** Gives the function that withdraws it. */
  add(run: () => void): () => void {
    const waiting = { due: performance.now() + this.#delay, run };
    this.#waiting.add(waiting);
    this.#timer ??= setTimeout(() => this.#runDue(), this.#delay).unref();
    return () => void this.#waiting.delete(waiting);
  }

  #runDue(): void {
    const now = performance.now();
    this.#timer = undefined;
    for (const waiting of this.#waiting) {
      if (waiting.due > now) {
        this.#timer = setTimeout(() => this.#runDue(), waiting.due - now).unref();
        return;
      }
      this.#waiting.delete(waiting);
      waiting.run();
    }
  }
}
