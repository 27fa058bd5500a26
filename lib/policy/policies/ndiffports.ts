import { checkInteger } from '../../base/arguments';
import { hasAddress } from '../local-addresses';
import type { ConnectionView, PathPolicy, PolicyAction, PolicyView } from '../policy';
import { concernedByPaths, creation, locals, remotes } from './building-blocks';

/**
 * Keeps `count` (1 to 255) subflows between the two addresses of the connection, from as many ports,
 * for networks that spread flows over links by their ports. It acts on a client's connections only,
 * and needs the userspace path manager: it has no endpoints.
 */
export function ndiffports(count: number): PathPolicy {
  checkInteger('count', count, 1, 255);
  const name = 'ndiffports';
  return {
    name,
    perConnection: true,
    decide: (view, event) =>
      concernedByPaths(view, event).flatMap((connection) =>
        creations(view, connection, count, name),
      ),
  };
}

function creations(
  view: PolicyView,
  connection: ConnectionView,
  max: number,
  reason: string,
): PolicyAction[] {
  const { serverSide, denyJoinId0, local, remote } = connection;
  if (serverSide || denyJoinId0 || remotes(view, connection).length === 0) return [];
  if (!hasAddress(locals(view, connection), local.address)) return [];
  const pair = { local: local.address, remote };
  return Array.from({ length: max - 1 }, () => creation(connection, pair, reason, { max }));
}
