/**
 * The engine of policies, apart from clock and kernel: it knows what there is by events, asks the
 * policy, and lets of its actions through what is new, within the limits and not too soon.
 */
import { checkIfGiven, checkInteger } from '../../base/arguments';
import type { PathAction, PathPolicy, PolicyEvent, PolicyLimits, PolicyView } from '../policy';
import { admit } from './admission';
import { checkActions } from './check-actions';
import { abandon } from './connections';
import { fail } from './failures';
import { follow, newState } from './follow';
import { restoredState } from './saved-state';
import type { EngineState } from './state';
import { Wakes } from './wakes';

const DEFAULTS: PolicyLimits = { subflows: 8, addresses: 8 };
const OPENING = 6500; // ms: the kernel sends a SYN after 0, 1, 3 and 7 s; a new one follows at 6.75

export interface Handled {
  readonly actions: PathAction[];
  /** When a `woken` is due, unless something else is told before. */
  readonly wakeAt?: number;
  /** The policy threw it, or answered what makes no sense: then nothing of its answer is done. */
  readonly error?: unknown;
}

export class PolicyEngine {
  readonly #policy: PathPolicy;
  readonly #state: EngineState;
  readonly #wakes = new Wakes();

  /** `saved`: what another one knew, for one that goes on from there. */
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

  /** `at`: milliseconds since the engine began; never earlier than before. */
  handle(at: number, event: PolicyEvent): Handled {
    const state = this.#state;
    state.now = Math.max(state.now, at);
    const actions: PathAction[] = follow(state, event);
    if (event.type === 'woken') {
      this.#wakes.passed(state.now);
      actions.push(...this.#giveUp());
    }
    let error: { error: unknown } | undefined;
    try {
      actions.push(...this.#ask(event));
    } catch (thrown) {
      error = { error: thrown };
    }
    const wakeAt = this.#wakes.next;
    return { actions, ...(wakeAt !== undefined && { wakeAt }), ...error };
  }

  #ask(event: PolicyEvent): PathAction[] {
    const state = this.#state;
    const answer: unknown = this.#policy.decide(state, event);
    checkActions(answer);
    const actions: PathAction[] = [];
    for (const action of answer) {
      if (action.type === 'wake') {
        this.#wakes.add(action.at, state.now);
        continue;
      }
      const admitted = admit(state, action);
      if (typeof admitted === 'number') this.#wakes.add(admitted, state.now);
      else if (admitted) actions.push(admitted);
      if (typeof admitted === 'object' && admitted.type === 'createSubflow') {
        this.#wakes.add(state.now + OPENING, state.now);
      }
    }
    return actions;
  }

  /** Subflows that have been opening for too long. */
  #giveUp(): PathAction[] {
    const state = this.#state;
    const actions: PathAction[] = [];
    for (const connection of state.connections.values()) {
      const late = connection.opening.filter(({ since }) => state.now - since >= OPENING);
      connection.opening = connection.opening.filter((each) => !late.includes(each));
      for (const opening of late) {
        fail(state, connection, opening, { error: 'ETIMEDOUT', since: opening.since });
        actions.push(abandon(state, connection, opening, 'no answer'));
      }
    }
    return actions;
  }
}
