/** Admits the actions that a policy requests: decides which are carried out now, and updates the view. */
import type {
  AnnounceAction,
  CreateSubflowAction,
  DestroySubflowAction,
  PathAction,
  SetBackupAction,
  WithdrawAction,
} from '../policy';
import { type AddressPair, isSamePair, pairOf } from '../view-queries';
import { abandon } from './connections';
import { backOffUntil } from './failures';
import { heldUntil, hold } from './holds';
import { nextCreationAt } from './pacing';
import {
  type EngineConnection,
  type EngineState,
  findPath,
  isSameAnnouncement,
  removeFirst,
} from './state';

/** The action as it is carried out; or the time before which it is not; or undefined: it is dropped. */
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
      const opening = removeFirst(connection.opening, (each) => isSamePair(each, pair));
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
  state: EngineState,
  connection: EngineConnection,
  action: CreateSubflowAction,
): Admission {
  const { now, limits } = state;
  const { token, reason, local, remote, backup = false, max = 1, insteadOf } = action;
  const { paths, opening, abandoned, creations } = connection;
  const { address, port } = remote;
  const pair: AddressPair = { local: local.address, remote: { address, port } };
  const between =
    paths.filter((each) => isSamePair(pairOf(each), pair)).length +
    opening.filter((each) => isSamePair(each, pair)).length;
  if (between >= max || paths.length + opening.length > limits.subflows) return undefined;
  const backOff = backOffUntil(state, connection, pair);
  if (backOff !== undefined) return backOff;
  const { until = now } = abandoned.findLast((each) => isSamePair(each, pair)) ?? {};
  if (until > now) return until;
  const possibleAt = nextCreationAt(creations, now);
  if (possibleAt > now) return possibleAt;
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
  const held = heldUntil(connection.holds, action, state.now);
  if (held !== undefined) return held;
  path.closing = reason;
  return { type: 'destroySubflow', ...commonOf(action), ...(last && { last }) };
}

function setBackup(
  state: EngineState,
  connection: EngineConnection,
  action: SetBackupAction,
): Admission {
  const { backup } = action;
  const path = findPath(connection, action);
  if (!path || path.closing !== undefined || path.backup === backup) return undefined;
  const held = heldUntil(connection.holds, action, state.now);
  if (held !== undefined) return held;
  hold(connection.holds, action, state.now);
  path.backup = backup;
  path.backupSince = state.now;
  return { type: 'setBackup', ...commonOf(action), backup };
}

function announce(
  state: EngineState,
  connection: EngineConnection,
  action: AnnounceAction,
): Admission {
  const { announcing } = connection;
  if (announcing.some((each) => isSameAnnouncement(each, action))) return undefined;
  if (announcing.length >= state.limits.addresses) return undefined;
  const held = heldUntil(connection.holds, action, state.now);
  if (held !== undefined) return held;
  hold(connection.holds, action, state.now);
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
  if (!announcing.some((each) => isSameAnnouncement(each, action))) return undefined;
  const held = heldUntil(connection.holds, action, state.now);
  if (held !== undefined) return held;
  hold(connection.holds, action, state.now);
  removeFirst(announcing, (each) => isSameAnnouncement(each, action));
  const { token, reason, address, port } = action;
  return { type: 'withdraw', token, reason, address, ...(port !== undefined && { port }) };
}

function commonOf({ token, reason, local, remote }: DestroySubflowAction | SetBackupAction) {
  return {
    ...{ token, reason },
    local: { address: local.address, port: local.port },
    remote: { address: remote.address, port: remote.port },
  };
}
