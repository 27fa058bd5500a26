/**
 * Holds keep policies that disagree, or that repeat what the kernel refuses, from doing harm: after an
 * action, what would repeat or undo it is admitted again only a moment later.
 */
import type { PathAction } from '../policy';
import { pairOf } from '../view-queries';
import { backOff } from './pacing';

/** No such action before `until`; `count`: how often it was refused in a row. */
interface Hold {
  count: number;
  until: number;
}

/** The holds of a connection. An action and the one that undoes it have the same key. */
export type Holds = Map<string, Hold>;

/** Subflows that are created and abandoned have their back-off by `failures` instead. */
export type HoldableAction = Exclude<PathAction, { type: 'createSubflow' | 'abandonSubflow' }>;

const FORGET_AFTER = 60_000; // ms

function keyOf(action: HoldableAction): string {
  if (action.type === 'announce' || action.type === 'withdraw') {
    return `announcement ${action.address} ${action.port ?? ''}`;
  }
  const { local, remote } = pairOf(action);
  return `${action.type} ${local} ${action.local.port} ${remote.address} ${remote.port}`;
}

/** Until when an action is held; undefined: it is not. */
export function heldUntil(holds: Holds, action: HoldableAction, now: number): number | undefined {
  const { until = now } = holds.get(keyOf(action)) ?? {};
  return until > now ? until : undefined;
}

/** Holds what would undo an action that is admitted now. */
export function hold(holds: Holds, action: HoldableAction, now: number): void {
  const key = keyOf(action);
  const count = holds.get(key)?.count ?? 0;
  holds.delete(key);
  holds.set(key, { count, until: now + backOff(1) });
  for (const [each, { until }] of holds) if (until + FORGET_AFTER < now) holds.delete(each);
}

/** Holds a refused action, for longer each time in a row. */
export function holdRefused(holds: Holds, action: HoldableAction, now: number): void {
  const key = keyOf(action);
  const count = (holds.get(key)?.count ?? 0) + 1;
  holds.set(key, { count, until: now + backOff(count) });
}

/** An action succeeded: a later refusal counts as the first one. */
export function resetRefusals(holds: Holds, action: HoldableAction): void {
  const held = holds.get(keyOf(action));
  if (held) held.count = 0;
}
