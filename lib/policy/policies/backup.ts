import { checkIfGiven, checkObject } from '../../base/arguments';
import type { PathPolicy, PolicyView } from '../policy';
import { isOpen } from '../reading';
import { everywhere } from './fullmesh';
import { checkMatch, type InterfaceMatch, matcher } from './interface-match';
import { concernedByPaths, endpointsOf, priority } from './paths';

export interface BackupOptions {
  /** Every other interface unless given. */
  primary?: InterfaceMatch;
  /** Those that carry nothing while a primary one can. */
  standby: InterfaceMatch;
}

/** Subflows over all interfaces, of which those of the standby ones are backups. */
export function backup(options: BackupOptions): PathPolicy {
  checkObject('options', options);
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
    decide(view, event) {
      const { isStandby, isUsed } = roles(view);
      return concernedByPaths(view, event).flatMap((connection) => [
        ...everywhere(view, connection, name, { on: isUsed, backup: isStandby }),
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
