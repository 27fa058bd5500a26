/** Which of the actions that a policy wants are carried out now, and what the view has then. */
import type {
  AnnounceAction,
  CreateSubflowAction,
  DestroySubflowAction,
  PathAction,
  SetBackupAction,
  WithdrawAction,
} from '../policy';
import { isPair, type Pair, pairOf } from '../reading';
import { abandon } from './connections';
import { backOff, roomAt } from './pacing';
import { holdKey, isAnnouncement } from './refusals';
import { type EngineConnection, type EngineState, findPath, take } from './state';

/** Gives the action as it is carried out; a time: not before that; undefined: not at all. */
export type Admission = PathAction | number | undefined;

export function admit(state: EngineState, action: PathAction): Admission {
  const connection = state.connections.get(action.token);
  if (!connection) return undefined;
  switch (action.type) {
    case 'createSubflow':
      return create(state, connection, action);
    case 'destroySubflow':
      return destroy(state, connection, action);
    case 'abandonSubflow': {
      const pair = { local: action.local.address, remote: action.remote };
      const opening = take(connection.opening, (each) => isPair(each, pair));
      return opening && abandon(state, connection, opening, action.reason);
    }
    case 'setBackup':
      return setBackup(state, connection, action);
    case 'announce':
      return announce(state, connection, action);
    case 'withdraw':
      return withdraw(state, connection, action);
  }
}

function create(
  { now, limits }: EngineState,
  connection: EngineConnection,
  action: CreateSubflowAction,
): Admission {
  const { token, reason, local, remote, backup = false, most = 1, insteadOf } = action;
  const { paths, opening, failures, abandoned, creations } = connection;
  const { address, port } = remote;
  const pair: Pair = { local: local.address, remote: { address, port } };
  const between =
    paths.filter((each) => isPair(pairOf(each), pair)).length +
    opening.filter((each) => isPair(each, pair)).length;
  if (between >= most || paths.length + opening.length > limits.subflows) return undefined;
  const { retryAt = now } = failures.find((each) => isPair(each, pair)) ?? {};
  if (retryAt > now) return retryAt;
  const { until = now } = abandoned.findLast((each) => isPair(each, pair)) ?? {};
  if (until > now) return until;
  const room = roomAt(creations, now);
  if (room > now) return room;
  creations.level--;
  opening.push({ ...pair, backup, since: now, ...(insteadOf !== undefined && { insteadOf }) });
  return {
    ...{ type: 'createSubflow', token, reason },
    local: {
      address: local.address,
      ...(local.interface !== undefined && { interface: local.interface }),
    },
    remote: { address, port },
    ...(backup && { backup }),
  };
}

function destroy(
  state: EngineState,
  connection: EngineConnection,
  action: DestroySubflowAction,
): Admission {
  const { reason, last = false } = action;
  const path = findPath(connection, action);
  if (!path || path.closing !== undefined) return undefined;
  const another = connection.paths.some((each) => each !== path && each.closing === undefined);
  if (!another && !last) return undefined;
  const held = heldUntil(state, connection, action);
  if (held !== undefined) return held;
  path.closing = reason;
  return { type: 'destroySubflow', ...ofSubflow(action), ...(last && { last }) };
}

function setBackup(
  state: EngineState,
  connection: EngineConnection,
  action: SetBackupAction,
): Admission {
  const { backup } = action;
  const path = findPath(connection, action);
  if (!path || path.closing !== undefined || path.backup === backup) return undefined;
  const held = heldUntil(state, connection, action);
  if (held !== undefined) return held;
  hold(state, connection, action);
  path.backup = backup;
  path.backupSince = state.now;
  return { type: 'setBackup', ...ofSubflow(action), backup };
}

function announce(
  state: EngineState,
  connection: EngineConnection,
  action: AnnounceAction,
): Admission {
  const { announcing } = connection;
  if (announcing.some((each) => isAnnouncement(each, action))) return undefined;
  if (announcing.length >= state.limits.addresses) return undefined;
  const held = heldUntil(state, connection, action);
  if (held !== undefined) return held;
  hold(state, connection, action);
  const { token, reason, address, port } = action;
  const announced = { address, ...(port !== undefined && { port }) };
  announcing.push(announced);
  return { type: 'announce', token, reason, ...announced };
}

function withdraw(
  state: EngineState,
  connection: EngineConnection,
  action: WithdrawAction,
): Admission {
  const { announcing } = connection;
  if (!announcing.some((each) => isAnnouncement(each, action))) return undefined;
  const held = heldUntil(state, connection, action);
  if (held !== undefined) return held;
  hold(state, connection, action);
  take(announcing, (each) => isAnnouncement(each, action));
  const { token, reason, address, port } = action;
  return { type: 'withdraw', token, reason, address, ...(port !== undefined && { port }) };
}

function ofSubflow({ token, reason, local, remote }: DestroySubflowAction | SetBackupAction) {
  return {
    ...{ token, reason },
    local: { address: local.address, port: local.port },
    remote: { address: remote.address, port: remote.port },
  };
}

type Held = Parameters<typeof holdKey>[0];

function heldUntil(
  { now }: EngineState,
  { holds }: EngineConnection,
  action: Held,
): number | undefined {
  const { until = now } = holds.get(holdKey(action)) ?? {};
  return until > now ? until : undefined;
}

/** What undoes it waits a moment, so that policies that disagree do no harm. */
function hold({ now }: EngineState, { holds }: EngineConnection, action: Held): void {
  const key = holdKey(action);
  const count = holds.get(key)?.count ?? 0;
  holds.delete(key);
  holds.set(key, { count, until: now + backOff(1) });
  for (const [each, { until }] of holds) if (until + FORGET < now) holds.delete(each);
}

const FORGET = 60_000; // ms
