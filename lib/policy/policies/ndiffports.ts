import { checkInteger } from '../../base/arguments';
import { hasAddress } from '../local-addresses';
import type { ConnectionView, PathPolicy, PolicyAction, PolicyView } from '../policy';
import { concernedByPaths, creation, locals, remotes } from './paths';

/**
 * `count` subflows between the two addresses of the connection, from as many ports: for networks that
 * spread flows over links by their ports. Of a client alone.
 */
export function ndiffports(count: number): PathPolicy {
  checkInteger('count', count, 1, 255);
  const name = 'ndiffports';
  return {
    name,
    decide: (view, event) =>
      concernedByPaths(view, event).flatMap((connection) => more(view, connection, count, name)),
  };
}

function more(
  view: PolicyView,
  connection: ConnectionView,
  most: number,
  reason: string,
): PolicyAction[] {
  const { serverSide, denyJoinId0, local, remote } = connection;
  if (serverSide || denyJoinId0 || remotes(connection).length === 0) return [];
  if (!hasAddress(locals(view, connection), local.address)) return [];
  const pair = { local: local.address, remote };
  return Array.from({ length: most - 1 }, () => creation(connection, pair, reason, { most }));
}
