import type { ConnectionView, PathAction, PathPolicy, PolicyView } from '../policy';
import {
  announcements,
  concernedByPaths,
  creation,
  endpointsOf,
  mesh,
  missing,
  vacate,
} from './paths';

/**
 * A subflow between every local address and every address of the peer. A server, which cannot reach
 * its clients, announces its addresses instead. Interfaces that the app will lose are left.
 */
export function fullmesh(): PathPolicy {
  const name = 'fullmesh';
  return {
    name,
    decide: (view, event) =>
      concernedByPaths(view, event).flatMap((connection) => everywhere(view, connection, name)),
    endpoints: (view) => endpointsOf(view, () => ({ subflow: true, fullmesh: true })),
  };
}

/** Also for policies that begin with that. */
export function everywhere(
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
    ...missing(connection, pairs).map((pair) =>
      creation(connection, pair, reason, { backup: backup(pair.interface) }),
    ),
    ...(connection.serverSide ? announcements(view, connection, reason, { on }) : []),
    ...vacate(view, connection, reason),
  ];
}
