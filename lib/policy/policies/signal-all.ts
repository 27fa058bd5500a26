import { checkIfGiven, checkKeys, checkPort } from '../../base/arguments';
import type { PathPolicy } from '../policy';
import { announcements, concernedByPaths, endpointsOf } from './building-blocks';

/** The options of signalAll(). */
export interface SignalAllOptions {
  /** The port at which the peer is to join (that of the connection). */
  port?: number;
}

/**
 * Announces every usable address of this host, and opens no subflow. Under the in-kernel path
 * manager its endpoints are `signal`.
 */
export function signalAll(options: SignalAllOptions = {}): PathPolicy {
  checkKeys<SignalAllOptions>('options', options, { port: true });
  checkIfGiven(checkPort, 'options.port', options.port);
  const { port } = options;
  const name = 'signalAll';
  const withPort = port === undefined ? {} : { port };
  return {
    name,
    perConnection: true,
    decide: (view, event) =>
      concernedByPaths(view, event).flatMap((connection) =>
        announcements(view, connection, name, withPort),
      ),
    endpoints: (view) => endpointsOf(view, () => ({ signal: true, ...withPort })),
  };
}
