/** Handles the outcome of an action: the kernel carried it out, or refused it. */
import type { PathAction, PolicyEvent } from '../policy';
import { isSamePair } from '../view-queries';
import { removePath } from './connections';
import { recordFailure } from './failures';
import { type HoldableAction, holdRefused, resetRefusals } from './holds';
import {
  type EngineConnection,
  type EngineState,
  findPath,
  isSameAnnouncement,
  removeFirst,
} from './state';

const isHoldable = (action: PathAction): action is HoldableAction =>
  action.type !== 'createSubflow' && action.type !== 'abandonSubflow';

/** The view has shown the action as done since it was requested, so that little is left to do. */
export function onApplied({ connections }: EngineState, action: PathAction): void {
  const connection = connections.get(action.token);
  if (connection && isHoldable(action)) resetRefusals(connection.holds, action);
}

type Refused = Extract<PolicyEvent, { type: 'refused' }>;

export function onRefused(state: EngineState, event: Refused): void {
  const { action, code, extack = '' } = event;
  const connection = state.connections.get(action.token);
  if (!connection) return;
  const noToken = code === 'ERR_MPTCP_NOT_FOUND' && /token/i.test(extack);
  if (noToken || code === 'ERR_MPTCP_PATH_MANAGER') {
    state.connections.delete(action.token);
    return;
  }
  undo(state, connection, event);
  if (isHoldable(action)) holdRefused(connection.holds, action, state.now);
}

/** The view has shown the action as done since it was requested. */
function undo(
  state: EngineState,
  connection: EngineConnection,
  { action, code, error }: Refused,
): void {
  switch (action.type) {
    case 'createSubflow': {
      const { local, remote } = action;
      const pair = { local: local.address, remote };
      const opening = removeFirst(connection.opening, (each) => isSamePair(each, pair));
      if (opening) recordFailure(state, connection, pair, { error, since: opening.since });
      return;
    }
    case 'destroySubflow': {
      const path = findPath(connection, action);
      if (path?.closing === undefined) return;
      if (code === 'ERR_MPTCP_NOT_FOUND') removePath(state, connection, path);
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
      removeFirst(connection.announcing, (each) => isSameAnnouncement(each, action));
      return;
    // There was nothing to withdraw, or the address stays announced until the connection ends.
    case 'withdraw':
    // The attempt has succeeded or failed meanwhile: its event follows, perhaps late.
    case 'abandonSubflow':
  }
}
