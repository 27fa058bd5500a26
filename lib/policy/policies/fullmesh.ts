/** The policy fullmesh(), and its actions for the policies that build on it. */
import type { ConnectionView, PathAction, PathPolicy, PolicyView } from '../policy';
import {
  announcements,
  concernedByPaths,
  creation,
  endpointsOf,
  mesh,
  missing,
  vacate,
} from './building-blocks';

/**
 * Opens a subflow between every local address and every address of the peer; where a limit does not
 * admit all of them, those first that have least in common with the others. A server, which cannot
 * reach its clients, announces its addresses instead. Interfaces that the app will lose are vacated.
 * Under the in-kernel path manager its endpoints are `subflow` and `fullmesh`.
 */
export function fullmesh(): PathPolicy {
  const name = 'fullmesh';
  return {
    name,
    perConnection: true,
    decide: (view, event) =>
      concernedByPaths(view, event).flatMap((connection) => meshActions(view, connection, name)),
    endpoints: (view) => endpointsOf(view, () => ({ subflow: true, fullmesh: true })),
  };
}

/** `on`: the interfaces to use (all); `backup`: those whose subflows become backups (none). */
export function meshActions(
  view: PolicyView,
  connection: ConnectionView,
  reason: string,
  {
    on = () => true,
    backup = () => false,
  }: { on?: (name: string) => boolean; backup?: (name: string) => boolean } = {},
): PathAction[] {
  const pairs = mesh(view, connection).filter((each) => on(each.interface));
  return [
    ...missing(view, connection, pairs).map((pair) =>
      creation(connection, pair, reason, { backup: backup(pair.interface) }),
    ),
    ...(connection.serverSide ? announcements(view, connection, reason, { on }) : []),
    ...vacate(view, connection, reason),
  ];
}
