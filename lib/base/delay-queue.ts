/** One delay for very many items, nearly all of which are withdrawn before it is over. */

/** An item of a {@link DelayQueue}; it can wait in one at a time, which owns these fields. */
export interface Queued {
  /** The round in which the item is overdue. */
  due: number;
  /** The neighbours in the queue; undefined while the item does not wait. */
  before: Queued | undefined;
  after: Queued | undefined;
}

const ROUNDS = 4;

/**
 * Calls `overdue` for each item that still waits after the delay, or up to a quarter of it later.
 * All items share one timer, which does not keep the process alive; none needs an allocation; and
 * time is counted in rounds, because every connection waits here, and reading the clock costs 1 %
 * of what it takes to make one.
 */
export class DelayQueue<T extends Queued> {
  readonly #delay: number;
  readonly #overdue: (waiting: T) => void;
  /** The ring of the items in the order of their due rounds begins and ends here. */
  readonly #ends: Queued = { due: 0, before: undefined, after: undefined };
  #round = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `delay`: milliseconds. */
  constructor(delay: number, overdue: (waiting: T) => void) {
    this.#delay = delay;
    this.#overdue = overdue;
    this.#ends.before = this.#ends.after = this.#ends;
  }

  /** Lets an item wait for the delay. */
  add(waiting: T): void {
    const { before: last = this.#ends } = this.#ends;
    waiting.due = this.#round + ROUNDS + 1; // this round may be about to end
    waiting.before = last;
    waiting.after = this.#ends;
    last.after = this.#ends.before = waiting;
    this.#begin();
  }

  /** Takes an item out of the queue; false: it was not waiting. */
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
