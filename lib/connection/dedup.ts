/** Milliseconds that a message of the kernel, which says more, may be later than a look. */
const GRACE = 1000;

/** The kernel's messages: they come, will come, or (`off`) will not. */
export interface Teller {
  readonly live: boolean;
  readonly off: boolean;
}

/** Of the looks and the kernel, which know of the same facts, one tells each. */
export class Dedup {
  /** What looks have seen and the kernel has yet to tell, since when. */
  readonly #awaited = new Map<string, number>();
  /** What looks have told that the kernel may tell yet. */
  readonly #ahead = new Set<string>();

  /** A look sees it, not for the first time maybe: whether it is to tell. */
  seen(fact: string, kernel: Teller | undefined): boolean {
    if (!kernel || kernel.off) return true;
    if (kernel.live) {
      const now = performance.now();
      const since = this.#awaited.get(fact) ?? now;
      this.#awaited.set(fact, since);
      if (now - since < GRACE) return false;
    }
    this.#awaited.delete(fact);
    this.#ahead.add(fact);
    return true;
  }

  /** The kernel says it: whether it is to be told. */
  heard(fact: string): boolean {
    this.#awaited.delete(fact);
    return !this.#ahead.delete(fact);
  }

  /** It is not so, or no longer. */
  forget(fact: string): void {
    this.heard(fact);
  }

  clear(): void {
    this.#awaited.clear();
    this.#ahead.clear();
  }
}
