/**
 * The engine of policies, without clock and kernel: it builds the view from events, lets the policy
 * decide, and admits the actions that change something, are within the limits and not too soon.
 */
import { checkIfGiven, checkInteger } from '../../base/arguments';
import type { PathAction, PathPolicy, PolicyEvent, PolicyLimits, PolicyView } from '../policy';
import { admit } from './admission';
import { checkActions } from './check-actions';
import { abandon } from './connections';
import { recordFailure } from './failures';
import { restoredState } from './saved-state';
import { type EngineConnection, type EngineState, newState } from './state';
import { concernedBy, tokensOf } from '../view-queries';
import { updateState } from './update';
import { Wakes } from './wakes';

const DEFAULTS: PolicyLimits = { subflows: 8, addresses: 8 };
/** The kernel sends a SYN after 0, 1, 3 and 7 s; the next attempt sends a fresh one after 6.75 s. */
const LONGEST_OPENING = 6500; // ms
/** How many connections a policy with `perConnection` decides on in one turn of the event loop. */
const PART = 25;

/** The result of an event. */
export interface Handled {
  /** What is to be carried out, in this order. */
  readonly actions: PathAction[];
  /** When the next `woken` event is due; absent: none is. */
  readonly wakeAt?: number;
  /** What the policy threw, or what is wrong with its answer, which is dropped as a whole. */
  readonly error?: unknown;
}

/** Runs one policy: events in, actions out. */
export class PolicyEngine {
  readonly #policy: PathPolicy;
  readonly #state: EngineState;
  readonly #wakes = new Wakes();

  /** `saved`: the savedState() of another engine, from which this one continues. */
  constructor(
    policy: PathPolicy,
    { limits = {}, saved }: { limits?: Partial<PolicyLimits>; saved?: object } = {},
  ) {
    checkIfGiven(checkInteger, 'options.limits.subflows', limits.subflows, 0, 255);
    checkIfGiven(checkInteger, 'options.limits.addresses', limits.addresses, 0, 255);
    const { subflows = DEFAULTS.subflows, addresses = DEFAULTS.addresses } = limits;
    this.#policy = policy;
    this.#state = saved ? restoredState(saved) : newState({ subflows, addresses });
  }

  get view(): PolicyView {
    return this.#state;
  }

  /** The `woken` event that is due at a time, for the connections whose time has come. */
  woken(at: number): PolicyEvent {
    const { connections } = this.#state;
    const { perConnection = false } = this.#policy;
    const tokens = this.#wakes.take(at, perConnection ? PART : Infinity);
    return this.inParts(at, {
      type: 'woken',
      ...(tokens && { tokens: tokens.filter((token) => connections.has(token)) }),
    });
  }

  /**
   * Limits an event that concerns all connections to some of them, where the policy and their number
   * admit that: the others are due a `woken` event at once.
   */
  inParts(at: number, event: PolicyEvent): PolicyEvent {
    const { connections } = this.#state;
    if (!this.#policy.perConnection || connections.size <= PART || tokensOf(event)) return event;
    const tokens = [...connections.keys()];
    this.#wakes.addNow(at, tokens.slice(PART));
    return { ...event, tokens: tokens.slice(0, PART) } as PolicyEvent;
  }

  /** Handles an event at a time, in milliseconds since the engine began; an earlier time counts as now. */
  handle(at: number, event: PolicyEvent): Handled {
    const state = this.#state;
    state.now = Math.max(state.now, at);
    const actions: PathAction[] = updateState(state, event);
    if (event.type === 'woken') {
      if (event.tokens === undefined) this.#wakes.take(state.now);
      actions.push(...this.#abandonLate(concernedBy(state.connections, event)));
    }
    let error: { error: unknown } | undefined;
    try {
      actions.push(...this.#decide(event));
    } catch (thrown) {
      error = { error: thrown };
    }
    const wakeAt = this.#wakes.next;
    return { actions, ...(wakeAt !== undefined && { wakeAt }), ...error };
  }

  #decide(event: PolicyEvent): PathAction[] {
    const state = this.#state;
    const answer: unknown = this.#policy.decide(state, event);
    checkActions(answer);
    const actions: PathAction[] = [];
    for (const action of answer) {
      if (action.type === 'wake') {
        this.#wakes.add(action.at, state.now, action.token);
        continue;
      }
      const admitted = admit(state, action);
      if (typeof admitted === 'number') this.#wakes.add(admitted, state.now, action.token);
      else if (admitted) actions.push(admitted);
      if (typeof admitted === 'object' && admitted.type === 'createSubflow') {
        this.#wakes.add(state.now + LONGEST_OPENING, state.now, action.token);
      }
    }
    return actions;
  }

  /** Abandons the attempts that have had no answer for too long. */
  #abandonLate(connections: Iterable<EngineConnection>): PathAction[] {
    const state = this.#state;
    const actions: PathAction[] = [];
    for (const connection of connections) {
      const late = connection.opening.filter(({ since }) => state.now - since >= LONGEST_OPENING);
      connection.opening = connection.opening.filter((each) => !late.includes(each));
      for (const opening of late) {
        recordFailure(state, connection, opening, { error: 'ETIMEDOUT', since: opening.since });
        actions.push(abandon(state, connection, opening, 'no answer'));
      }
    }
    return actions;
  }
}
