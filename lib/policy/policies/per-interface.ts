/** The policy perInterface(). */
import { withoutScope } from '../../base/addresses';
import { checkIfGiven, checkInteger, checkKeys } from '../../base/arguments';
import type { ConnectionView, PathAction, PathPolicy, PathView, PolicyView } from '../policy';
import { interfaceOf, isOpen, isReplacementFor } from '../view-queries';
import {
  concernedByPaths,
  creation,
  destruction,
  endpointsOf,
  mesh,
  missing,
  vacate,
} from './building-blocks';
import { checkMatch, type InterfaceMatch, matcher } from './interface-match';

/** The options of perInterface(). */
export interface PerInterfaceOptions {
  /** The interfaces that it matches; others are left alone (all). */
  match?: InterfaceMatch;
  /** The number of subflows of a connection on each interface, 0 to 255 (1). */
  limit?: number;
}

/**
 * Keeps `limit` subflows of each connection on each interface: it opens what is missing, to different
 * addresses first, and destroys the youngest beyond. A server, whose client decides which of its own
 * interfaces to use, keeps as many for each address of the client, and announces nothing: signalAll()
 * does. Under the in-kernel path manager it has `subflow` endpoints, one an interface, with the limit
 * 1 only.
 */
export function perInterface(options: PerInterfaceOptions = {}): PathPolicy {
  checkKeys<PerInterfaceOptions>('options', options, { match: true, limit: true });
  checkIfGiven(checkMatch, 'options.match', options.match);
  checkIfGiven(checkInteger, 'options.limit', options.limit, 0, 255);
  const { match = () => true, limit = 1 } = options;
  const name = 'perInterface';
  return {
    name,
    perConnection: true,
    decide(view, event) {
      const matches = matcher(view, match);
      return concernedByPaths(view, event).flatMap((connection) => [
        ...creations(view, connection, limit, matches, name),
        ...surplus(connection, limit, matches, name),
        ...vacate(view, connection, name),
      ]);
    },
    permits(view, action) {
      if (action.type !== 'createSubflow') return true;
      const connection = view.connections.get(action.token);
      const on = interfaceOf(view.interfaces, action.local.address);
      if (!connection || on === undefined || !matcher(view, match)(on)) return true;
      if (action.insteadOf !== undefined) return true; // of the two, one goes
      return countOn(view, connection, on) < limit;
    },
    ...(limit === 1 && {
      endpoints(view: Pick<PolicyView, 'interfaces' | 'leaving'>) {
        const matches = matcher(view, match);
        const seen = new Set<string>();
        return endpointsOf(view, (each) => {
          if (!matches(each) || seen.has(each)) return undefined;
          seen.add(each);
          return { subflow: true };
        });
      },
    }),
  };
}

/** The open paths, without those that replace another one as long as that is there. */
const counted = ({ paths }: ConnectionView): PathView[] => {
  const open = paths.filter(isOpen);
  return open.filter((path) => !open.some((each) => isReplacementFor(path, each)));
};

/** The number of subflows on an interface, those that are being opened included. */
const countOn = ({ interfaces }: PolicyView, connection: ConnectionView, on: string): number =>
  counted(connection).filter((each) => each.interface === on).length +
  connection.opening.filter(
    ({ local, insteadOf }) => insteadOf === undefined && interfaceOf(interfaces, local) === on,
  ).length;

function creations(
  view: PolicyView,
  connection: ConnectionView,
  limit: number,
  matches: (name: string) => boolean,
  reason: string,
): PathAction[] {
  const pairs = mesh(view, connection).filter((each) => matches(each.interface));
  const roomOn = new Map<string, number>();
  return missing(view, connection, pairs).flatMap((pair) => {
    const room = roomOn.get(pair.interface) ?? limit - countOn(view, connection, pair.interface);
    roomOn.set(pair.interface, room - 1);
    return room > 0 ? [creation(connection, pair, reason)] : [];
  });
}

function surplus(
  connection: ConnectionView,
  limit: number,
  matches: (name: string) => boolean,
  reason: string,
): PathAction[] {
  const groups = new Map<string, PathView[]>();
  for (const path of counted(connection)) {
    const { interface: name, remote } = path;
    if (name === undefined || !matches(name)) continue;
    const key = connection.serverSide ? `${name} ${withoutScope(remote.address)}` : name;
    groups.set(key, [...(groups.get(key) ?? []), path]);
  }
  return [...groups.values()].flatMap((paths) =>
    paths
      .sort((one, other) => one.since - other.since)
      .slice(limit)
      .map((path) => destruction(connection, path, reason)),
  );
}
