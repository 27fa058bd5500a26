import type { PathPolicy } from '../policy';
import { isOpen } from '../reading';
import { everywhere } from './fullmesh';
import { concernedByPaths, endpointsOf, priority } from './paths';

/** All paths at once: fullmesh(), and none of them a backup. */
export function aggregate(): PathPolicy {
  const name = 'aggregate';
  return {
    name,
    decide: (view, event) =>
      concernedByPaths(view, event).flatMap((connection) => [
        ...everywhere(view, connection, name),
        ...connection.paths.filter(isOpen).map((path) => priority(connection, path, false, name)),
      ]),
    endpoints: (view) => endpointsOf(view, () => ({ subflow: true, fullmesh: true })),
  };
}
