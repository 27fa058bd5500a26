import { checkIfGiven, checkInteger, checkObject, checkOneOf } from '../../base/arguments';
import type { PathPolicy, PolicyView } from '../policy';
import { interfaceOf, isOpen } from '../reading';
import { checkMatch, type InterfaceMatch, matcher } from './interface-match';
import { destruction, priority } from './paths';

const PROGRESS = 1000; // ms

export interface DataCapOptions {
  interface: InterfaceMatch;
  /** Both ways, of the process's own connections, since the policy began. */
  bytes: number;
  /**
   * What becomes of subflows beyond the cap. `backup`: they carry data only when no other one can.
   * `destroy`: they go, but for the last one of a connection. ('backup')
   */
  then?: 'backup' | 'destroy';
}

/** Takes a metered interface out of use after so many bytes; opens no subflow. */
export function dataCap(options: DataCapOptions): PathPolicy {
  checkObject('options', options);
  checkMatch('options.interface', options.interface);
  checkInteger('options.bytes', options.bytes, 0, Number.MAX_SAFE_INTEGER);
  checkIfGiven(checkOneOf, 'options.then', options.then, ['backup', 'destroy']);
  const { bytes, then = 'backup' } = options;
  const name = 'dataCap';
  const spent = (view: PolicyView): ((each: string | undefined) => boolean) => {
    const isMetered = matcher(view, options.interface);
    let sum = 0;
    for (const [each, used] of view.usage) if (isMetered(each)) sum += used;
    return sum >= bytes ? isMetered : () => false;
  };
  return {
    name,
    progress: PROGRESS,
    decide(view) {
      const isSpent = spent(view);
      return [...view.connections.values()].flatMap((connection) =>
        connection.paths
          .filter((path) => isOpen(path) && isSpent(path.interface))
          .map((path) =>
            then === 'backup'
              ? priority(connection, path, true, name)
              : destruction(connection, path, name),
          ),
      );
    },
    permits(view, action) {
      if (action.type !== 'createSubflow' && action.type !== 'setBackup') return true;
      if (!spent(view)(interfaceOf(view.interfaces, action.local.address))) return true;
      return then === 'backup' && action.backup === true;
    },
  };
}
