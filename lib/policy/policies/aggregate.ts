import type { PathPolicy } from '../policy';
import { isOpen } from '../view-queries';
import { concernedByPaths, endpointsOf, priority } from './building-blocks';
import { meshActions } from './fullmesh';

/**
 * Uses all paths at once: fullmesh(), with every path regular, and none a backup. Under the in-kernel
 * path manager its endpoints are `subflow` and `fullmesh`.
 */
export function aggregate(): PathPolicy {
  const name = 'aggregate';
  return {
    name,
    perConnection: true,
    decide: (view, event) =>
      concernedByPaths(view, event).flatMap((connection) => [
        ...meshActions(view, connection, name),
        ...connection.paths.filter(isOpen).map((path) => priority(connection, path, false, name)),
      ]),
    endpoints: (view) => endpointsOf(view, () => ({ subflow: true, fullmesh: true })),
  };
}
