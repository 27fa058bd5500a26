/** The policy dataCap(). */
import { checkIfGiven, checkInteger, checkKeys, checkOneOf } from '../../base/arguments';
import type { ConnectionView, PathPolicy, PathView, PolicyView } from '../policy';
import { interfaceOf, isOpen } from '../view-queries';
import { concerned, destruction, priority } from './building-blocks';
import { checkMatch, type InterfaceMatch, matcher } from './interface-match';

const POLL_INTERVAL = 1000; // ms

/** The options of dataCap(). */
export interface DataCapOptions {
  /** The metered interfaces. */
  interface: InterfaceMatch;
  /**
   * The cap in bytes, sent and received over all matching interfaces together by this process's
   * connections since the policy began; 0 or more.
   */
  bytes: number;
  /**
   * What becomes of their subflows beyond the cap ('backup'). `backup`: they carry data only when no
   * other path can. `destroy`: they are closed, except a connection's last one.
   */
  then?: 'backup' | 'destroy';
}

/**
 * Takes metered interfaces out of use after so many bytes; it opens no subflow. Join it by all() with
 * a policy that does. It needs the userspace path manager: it has no endpoints. It polls the paths
 * once a second, so that the cap is exceeded by what a second carries.
 */
export function dataCap(options: DataCapOptions): PathPolicy {
  checkKeys<DataCapOptions>('options', options, { interface: true, bytes: true, then: true });
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
    perConnection: true,
    progress: POLL_INTERVAL,
    decide(view, event) {
      const isSpent = spent(view);
      const actions = concerned(view, event).flatMap((connection) =>
        toLeave(connection, isSpent, then).map((path) =>
          then === 'backup'
            ? priority(connection, path, true, name)
            : destruction(connection, path, name),
        ),
      );
      // The first connection with such a path finds that the cap is reached; the others follow.
      const wake = { type: 'wake', at: view.now } as const;
      return event.type === 'progress' && actions.length > 0 ? [...actions, wake] : actions;
    },
    permits(view, action) {
      if (action.type !== 'createSubflow' && action.type !== 'setBackup') return true;
      if (!spent(view)(interfaceOf(view.interfaces, action.local.address))) return true;
      return then === 'backup' && action.backup === true;
    },
  };
}

/** The paths that the policy changes: a connection's only path is not destroyed. */
function toLeave(
  { paths }: ConnectionView,
  isSpent: (name: string | undefined) => boolean,
  then: 'backup' | 'destroy',
): PathView[] {
  const open = paths.filter(isOpen);
  if (then === 'destroy' && open.length === 1) return [];
  return open.filter((path) => isSpent(path.interface) && !(then === 'backup' && path.backup));
}
