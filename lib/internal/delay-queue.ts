/** What can wait in a {@link DelayQueue}, in one at a time. The fields are the queue's. */
export class Queued {
  due = 0;
  before: Queued | undefined;
  after: Queued | undefined;
}

/**
 * Tells what still waits after a delay, the same for all. Nearly everything is withdrawn before: so
 * there is one timer, which does not keep the process alive, and nothing is allocated for what waits.
 */
export class DelayQueue<T extends Queued> {
  readonly #delay: number;
  readonly #overdue: (waiting: T) => void;
  /** In the order of their time; the list is a ring that begins and ends here. */
  readonly #ends = new Queued();
  #timer: NodeJS.Timeout | undefined;

  /** `delay` in milliseconds. */
  constructor(delay: number, overdue: (waiting: T) => void) {
    this.#delay = delay;
    this.#overdue = overdue;
    this.#ends.before = this.#ends.after = this.#ends;
  }

  add(waiting: T): void {
    const { before: last = this.#ends } = this.#ends;
    waiting.due = performance.now() + this.#delay;
    waiting.before = last;
    waiting.after = this.#ends;
    last.after = this.#ends.before = waiting;
    this.#timer ??= setTimeout(() => this.#tell(), this.#delay).unref();
  }

  /** False: it did not wait, or does not any more. */
  withdraw(waiting: T): boolean {
    const { before, after } = waiting;
    if (!before || !after) return false;
    before.after = after;
    after.before = before;
    waiting.before = waiting.after = undefined;
    return true;
  }

  #tell(): void {
    const now = performance.now();
    this.#timer = undefined;
    for (let next = this.#ends.after; next && next !== this.#ends; next = this.#ends.after) {
      if (next.due > now) {
        this.#timer = setTimeout(() => this.#tell(), next.due - now).unref();
        return;
      }
      this.withdraw(next as T);
      this.#overdue(next as T);
    }
  }
}
