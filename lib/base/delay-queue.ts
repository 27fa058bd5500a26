/** What can wait in a {@link DelayQueue}, in one at a time. The fields are the queue's. */
export interface Queued {
  due: number;
  before: Queued | undefined;
  after: Queued | undefined;
}

const ROUNDS = 4;

/**
 * Tells what still waits after a delay, the same for all, or up to a quarter later. Nearly everything
 * is withdrawn before: so there is one timer, which does not keep the process alive, nothing is
 * allocated for what waits, and time is counted in rounds, since every connection waits here and
 * asking for the time is 1 % of what it takes to make one.
 */
export class DelayQueue<T extends Queued> {
  readonly #delay: number;
  readonly #overdue: (waiting: T) => void;
  /** In the order of their time; the list is a ring that begins and ends here. */
  readonly #ends: Queued = { due: 0, before: undefined, after: undefined };
  #round = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `delay` in milliseconds. */
  constructor(delay: number, overdue: (waiting: T) => void) {
    this.#delay = delay;
    this.#overdue = overdue;
    this.#ends.before = this.#ends.after = this.#ends;
  }

  add(waiting: T): void {
    const { before: last = this.#ends } = this.#ends;
    waiting.due = this.#round + ROUNDS + 1; // this round may be about to end
    waiting.before = last;
    waiting.after = this.#ends;
    last.after = this.#ends.before = waiting;
    this.#begin();
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

  #begin(): void {
    this.#timer ??= setTimeout(() => this.#end(), this.#delay / ROUNDS).unref();
  }

  #end(): void {
    this.#timer = undefined;
    ++this.#round;
    for (let next = this.#ends.after; next && next !== this.#ends; next = this.#ends.after) {
      if (next.due > this.#round) {
        this.#begin();
        return;
      }
      this.withdraw(next as T);
      this.#overdue(next as T);
    }
  }
}
