/** The policy backup(). */
import { checkIfGiven, checkKeys } from '../../base/arguments';
import type { PathPolicy, PolicyView } from '../policy';
import { isOpen } from '../view-queries';
import { concernedByPaths, endpointsOf, priority } from './building-blocks';
import { meshActions } from './fullmesh';
import { checkMatch, type InterfaceMatch, matcher } from './interface-match';

/** The options of backup(). */
export interface BackupOptions {
  /** The interfaces to use, also those that match `standby` (every interface that does not match it). */
  primary?: InterfaceMatch;
  /** The interfaces whose subflows are backups. */
  standby: InterfaceMatch;
}

/**
 * Opens subflows over all interfaces as fullmesh() does, and makes those over the standby interfaces
 * backups, which carry nothing while a primary path can. With `primary`, other interfaces are not
 * used. Under the in-kernel path manager its endpoints are `subflow` and `fullmesh`, and `backup` on
 * the standby interfaces.
 */
export function backup(options: BackupOptions): PathPolicy {
  checkKeys<BackupOptions>('options', options, { primary: true, standby: true });
  checkIfGiven(checkMatch, 'options.primary', options.primary);
  checkMatch('options.standby', options.standby);
  const name = 'backup';
  const roles = (view: Pick<PolicyView, 'interfaces'>) => {
    const isPrimary = matcher(view, options.primary ?? []);
    const matchesStandby = matcher(view, options.standby);
    const isStandby = (each?: string): boolean => !isPrimary(each) && matchesStandby(each);
    const isUsed = (each?: string): boolean =>
      options.primary === undefined || isPrimary(each) || isStandby(each);
    return { isStandby, isUsed };
  };
  return {
    name,
    perConnection: true,
    decide(view, event) {
      const { isStandby, isUsed } = roles(view);
      return concernedByPaths(view, event).flatMap((connection) => [
        ...meshActions(view, connection, name, { on: isUsed, backup: isStandby }),
        ...connection.paths
          .filter((path) => isOpen(path) && path.interface !== undefined && isUsed(path.interface))
          .map((path) => priority(connection, path, isStandby(path.interface), name)),
      ]);
    },
    permits(view, action) {
      if (action.type !== 'setBackup' || action.backup) return true;
      const { isStandby } = roles(view);
      const path = view.connections
        .get(action.token)
        ?.paths.find((each) => each.local.address === action.local.address);
      return !isStandby(path?.interface);
    },
    endpoints(view) {
      const { isStandby, isUsed } = roles(view);
      return endpointsOf(view, (each) =>
        isUsed(each) ? { subflow: true, fullmesh: true, backup: isStandby(each) } : undefined,
      );
    },
  };
}
