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

const SLICE = 10; // ms that the events may take of one turn of the event loop

/**
 * Runs a PolicyEngine on the clock: events in order, `woken` among them when the policy is due. Where
 * many events arrive at the same time, they are handled in several turns of the event loop.
 */
export class EngineClock {
  readonly #engine: PolicyEngine;
  readonly #sink: EngineSink;
  readonly #start = performance.now();
  /** The events that are not handled yet, and when they arrived. */
  readonly #waiting: { at: number; event: PolicyEvent }[] = [];
  #deciding = false;
  /** When the present turn began to handle events; undefined: it has handled none yet. */
  #turn: number | undefined;
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

  /**
   * Handles an event: at once, or after those that arrived before, in a later turn where the present
   * one has taken its share of the time.
   */
  receive(event: PolicyEvent): void {
    const now = performance.now();
    this.#waiting.push({ at: now - this.#start, event });
    if (this.#turn === undefined) {
      this.#turn = now;
      setImmediate(this.#nextTurn);
    }
    this.#drain();
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

  readonly #nextTurn = (): void => {
    this.#turn = undefined;
    if (this.#waiting.length === 0) return;
    this.#turn = performance.now();
    setImmediate(this.#nextTurn);
    this.#drain();
  };

  #drain(): void {
    if (this.#deciding) return;
    this.#deciding = true;
    while (performance.now() - (this.#turn ?? 0) < SLICE) {
      const next = this.#waiting.shift();
      if (!next) break;
      this.#decide(next.at, next.event);
    }
    this.#deciding = false;
  }

  #decide(at: number, received: PolicyEvent): void {
    if (this.#closed) return;
    const event = this.#engine.inParts(at, received);
    const handled = this.#engine.handle(at, event);
    const { actions, wakeAt } = handled;
    this.#wake(wakeAt);
    this.#sink.decided(at, event, handled);
    if ('error' in handled) this.#sink.failed(handled.error);
    for (const action of actions) this.#sink.act(action);
  }

  #wake(at: number | undefined): void {
    clearTimeout(this.#timer);
    if (at === undefined) return;
    const now = performance.now() - this.#start;
    this.#timer = setTimeout(this.#woken, Math.max(1, at - now));
    if (!this.#ref) this.#timer.unref();
  }

  readonly #woken = (): void => {
    this.receive(this.#engine.woken(performance.now() - this.#start));
  };
}
