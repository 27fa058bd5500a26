import { checkIfGiven, checkObject, checkPort } from '../../base/arguments';
import type { PathPolicy } from '../policy';
import { announcements, concernedByPaths, endpointsOf } from './paths';

export interface SignalAllOptions {
  /** At which the peer is to join (that of the connection). */
  port?: number;
}

/** Announces every address of this host that can be used; opens no subflow. */
export function signalAll(options: SignalAllOptions = {}): PathPolicy {
  checkObject('options', options);
  checkIfGiven(checkPort, 'options.port', options.port);
  const { port } = options;
  const name = 'signalAll';
  const more = port === undefined ? {} : { port };
  return {
    name,
    decide: (view, event) =>
      concernedByPaths(view, event).flatMap((connection) =>
        announcements(view, connection, name, more),
      ),
    endpoints: (view) => endpointsOf(view, () => ({ signal: true, ...more })),
  };
}
