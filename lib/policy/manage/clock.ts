import { type Handled, PolicyEngine } from '../engine/engine';
import type { PathAction, PathPolicy, PolicyEvent, PolicyLimits, PolicyView } from '../policy';

export interface RunSink {
  act(action: PathAction): void;
  /** An event was dealt with, and this came of it. */
  decided(at: number, event: PolicyEvent, handled: Handled): void;
  /** The policy threw. */
  failed(error: unknown): void;
}

/** A machine with a clock: events in order, and those that the policy is to be woken by. */
export class PolicyRun {
  readonly #machine: PolicyEngine;
  readonly #sink: RunSink;
  readonly #start = performance.now();
  /** What happened during a decision. */
  readonly #waiting: PolicyEvent[] = [];
  #deciding = false;
  #timer: NodeJS.Timeout | undefined;
  #ref = false;
  #closed = false;

  constructor(policy: PathPolicy, limits: Partial<PolicyLimits> | undefined, sink: RunSink) {
    this.#machine = new PolicyEngine(policy, { limits });
    this.#sink = sink;
  }

  get view(): PolicyView {
    return this.#machine.view;
  }

  tell(event: PolicyEvent): void {
    this.#waiting.push(event);
    if (this.#deciding) return;
    this.#deciding = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#decide(next);
    this.#deciding = false;
  }

  ref(ref: boolean): void {
    this.#ref = ref;
    if (ref) this.#timer?.ref();
    else this.#timer?.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #decide(event: PolicyEvent): void {
    if (this.#closed) return;
    const now = performance.now() - this.#start;
    const handled = this.#machine.handle(now, event);
    const { actions, wakeAt } = handled;
    clearTimeout(this.#timer);
    if (wakeAt !== undefined) {
      this.#timer = setTimeout(() => this.tell({ type: 'woken' }), Math.max(1, wakeAt - now));
      if (!this.#ref) this.#timer.unref();
    }
    this.#sink.decided(now, event, handled);
    if ('error' in handled) this.#sink.failed(handled.error);
    for (const action of actions) this.#sink.act(action);
  }
}
