/** What follows where the kernel takes an action, or refuses it. */
import { isAddress } from '../../base/addresses';
import type { AnnounceAction, PathAction, PolicyEvent } from '../policy';
import { isPair, pairOf } from '../reading';
import { lose } from './connections';
import { fail } from './failures';
import { backOff } from './pacing';
import { type EngineConnection, type EngineState, findPath, take } from './state';

/** The view has had it since it was asked for: no more than that it is not refused in a row. */
export function applied({ connections }: EngineState, action: PathAction): void {
  if (action.type === 'createSubflow') return;
  const hold = connections.get(action.token)?.holds.get(holdKey(action));
  if (hold) hold.count = 0;
}

type Refused = Extract<PolicyEvent, { type: 'refused' }>;

export function refused(state: EngineState, event: Refused): void {
  const { action, code, extack = '' } = event;
  const connection = state.connections.get(action.token);
  if (!connection) return;
  const noToken = code === 'ERR_MPTCP_NOT_FOUND' && /token/i.test(extack);
  if (noToken || code === 'ERR_MPTCP_PATH_MANAGER') {
    state.connections.delete(action.token);
    return;
  }
  undo(state, connection, event);
  if (action.type !== 'createSubflow') holdLonger(connection, action, state.now);
}

/** The view has had it as done since it was asked for. */
function undo(
  state: EngineState,
  connection: EngineConnection,
  { action, code, error }: Refused,
): void {
  switch (action.type) {
    case 'createSubflow': {
      const { local, remote } = action;
      const pair = { local: local.address, remote };
      const opening = take(connection.opening, (each) => isPair(each, pair));
      if (opening) fail(state, connection, pair, { error, since: opening.since });
      return;
    }
    case 'destroySubflow': {
      const path = findPath(connection, action);
      if (path?.closing === undefined) return;
      if (code === 'ERR_MPTCP_NOT_FOUND') lose(state, connection, path);
      else delete path.closing;
      return;
    }
    case 'setBackup': {
      const path = findPath(connection, action);
      if (path?.backup !== action.backup) return;
      path.backup = !action.backup;
      path.backupSince = state.now;
      return;
    }
    case 'announce':
      take(connection.announcing, (each) => isAnnouncement(each, action));
      return;
    // There was nothing to withdraw, or it stays announced until the end. What was to be abandoned was
    // established or refused meanwhile, as an event tells that may be late.
    case 'withdraw':
    case 'abandonSubflow':
  }
}

export const isAnnouncement = (
  one: Pick<AnnounceAction, 'address' | 'port'>,
  other: Pick<AnnounceAction, 'address' | 'port'>,
): boolean => isAddress(one.address, other.address) && one.port === other.port;

/** What an action is held off by: what undoes it shares it. */
export function holdKey(action: Exclude<PathAction, { type: 'createSubflow' }>): string {
  switch (action.type) {
    case 'announce':
    case 'withdraw':
      return `announcement ${action.address} ${action.port ?? ''}`;
    case 'setBackup':
    case 'destroySubflow': {
      const { local, remote } = pairOf(action);
      return `${action.type} ${local} ${action.local.port} ${remote.address} ${remote.port}`;
    }
    case 'abandonSubflow':
      return '';
  }
}

function holdLonger(
  { holds }: EngineConnection,
  action: Exclude<PathAction, { type: 'createSubflow' }>,
  now: number,
): void {
  const key = holdKey(action);
  const count = (holds.get(key)?.count ?? 0) + 1;
  holds.set(key, { count, until: now + backOff(count) });
}
