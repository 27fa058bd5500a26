/** Each fact once, although polling and the kernel's events both report it. */

/**
 * Milliseconds that a kernel event, which says more, may be later than the poll that saw its fact.
 */
const GRACE = 1000;

/** The state of the kernel's events: they arrive (`live`), will arrive, or will not (`off`). */
export interface KernelState {
  readonly live: boolean;
  readonly off: boolean;
}

/** Polling and kernel events report the same facts; only the first of them is emitted. */
export class Dedup {
  /**
   * The facts that a poll has seen and the kernel has yet to report, with the time of that poll.
   */
  readonly #awaited = new Map<string, number>();
  /** The facts that were emitted for a poll, and that the kernel may yet report. */
  readonly #emitted = new Set<string>();

  /** Whether to emit a fact that a poll sees, perhaps not for the first time. */
  polled(fact: string, kernel: KernelState | undefined): boolean {
    if (!kernel || kernel.off) return true;
    if (kernel.live) {
      const now = performance.now();
      const since = this.#awaited.get(fact) ?? now;
      this.#awaited.set(fact, since);
      if (now - since < GRACE) return false;
    }
    this.#awaited.delete(fact);
    this.#emitted.add(fact);
    return true;
  }

  /** Whether to emit a fact that the kernel reports. */
  received(fact: string): boolean {
    this.#awaited.delete(fact);
    return !this.#emitted.delete(fact);
  }

  /** Forgets a fact that holds no longer. */
  forget(fact: string): void {
    this.received(fact);
  }

  clear(): void {
    this.#awaited.clear();
    this.#emitted.clear();
  }
}
