/** A policy engine in real time: live events go in, and those that wake the policy are added. */
import { type Handled, PolicyEngine } from '../engine/engine';
import type { PathAction, PathPolicy, PolicyEvent, PolicyLimits, PolicyView } from '../policy';

/** What an {@link EngineClock} reports to. */
export interface EngineSink {
  /** Carries out an action of the policy. */
  act(action: PathAction): void;
  /** An event was handled, `at` milliseconds after the start, with this result. */
  decided(at: number, event: PolicyEvent, handled: Handled): void;
  /** The policy threw. */
  failed(error: unknown): void;
}

/** Runs a PolicyEngine on the clock: events in order, `woken` among them when the policy is due. */
export class EngineClock {
  readonly #engine: PolicyEngine;
  readonly #sink: EngineSink;
  readonly #start = performance.now();
  /** The events that arrive during a decision. */
  readonly #waiting: PolicyEvent[] = [];
  #deciding = false;
  #timer: NodeJS.Timeout | undefined;
  #ref = false;
  #closed = false;

  constructor(policy: PathPolicy, limits: Partial<PolicyLimits> | undefined, sink: EngineSink) {
    this.#engine = new PolicyEngine(policy, { limits });
    this.#sink = sink;
  }

  /** The connections as the policy sees them. */
  get view(): PolicyView {
    return this.#engine.view;
  }

  /** Handles an event, after the present one where it is called during a decision. */
  receive(event: PolicyEvent): void {
    this.#waiting.push(event);
    if (this.#deciding) return;
    this.#deciding = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) this.#decide(next);
    this.#deciding = false;
  }

  /** Sets whether a policy that is to be woken keeps the process alive. By default it does not. */
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
    const handled = this.#engine.handle(now, event);
    const { actions, wakeAt } = handled;
    clearTimeout(this.#timer);
    if (wakeAt !== undefined) {
      this.#timer = setTimeout(() => this.receive({ type: 'woken' }), Math.max(1, wakeAt - now));
      if (!this.#ref) this.#timer.unref();
    }
    this.#sink.decided(now, event, handled);
    if ('error' in handled) this.#sink.failed(handled.error);
    for (const action of actions) this.#sink.act(action);
  }
}
