import { checkIfGiven, checkInteger, checkObject } from '../../base/arguments';
import type { ConnectionView, PathAction, PathPolicy, PolicyView } from '../policy';
import { interfaceOf, isOpen } from '../reading';
import { checkMatch, type InterfaceMatch, matcher } from './interface-match';
import {
  concernedByPaths,
  creation,
  destruction,
  endpointsOf,
  mesh,
  missing,
  vacate,
} from './paths';

export interface PerInterfaceOptions {
  /** All unless given. */
  match?: InterfaceMatch;
  /** Of the subflows of one connection on each (1). */
  limit?: number;
}

/** So many subflows on each interface, where there are addresses for them, and none beyond. */
export function perInterface(options: PerInterfaceOptions = {}): PathPolicy {
  checkObject('options', options);
  checkIfGiven(checkMatch, 'options.match', options.match);
  checkIfGiven(checkInteger, 'options.limit', options.limit, 0, 255);
  const { match = () => true, limit = 1 } = options;
  const name = 'perInterface';
  return {
    name,
    decide(view, event) {
      const counts = matcher(view, match);
      return concernedByPaths(view, event).flatMap((connection) => [
        ...upTo(view, connection, limit, counts, name),
        ...beyond(connection, limit, counts, name),
        ...vacate(view, connection, name),
      ]);
    },
    permits(view, action) {
      if (action.type !== 'createSubflow') return true;
      const connection = view.connections.get(action.token);
      const on = interfaceOf(view.interfaces, action.local.address);
      if (!connection || on === undefined || !matcher(view, match)(on)) return true;
      return usedOn(view, connection, on) < limit;
    },
    ...(limit === 1 && {
      endpoints(view: Pick<PolicyView, 'interfaces' | 'leaving'>) {
        const counts = matcher(view, match);
        const seen = new Set<string>();
        return endpointsOf(view, (each) => {
          if (!counts(each) || seen.has(each)) return undefined;
          seen.add(each);
          return { subflow: true };
        });
      },
    }),
  };
}

/** Subflows of an interface, those included that are being opened. */
const usedOn = (
  { interfaces }: PolicyView,
  { paths, opening }: ConnectionView,
  on: string,
): number =>
  paths.filter((each) => isOpen(each) && each.interface === on).length +
  opening.filter(({ local }) => interfaceOf(interfaces, local) === on).length;

function upTo(
  view: PolicyView,
  connection: ConnectionView,
  limit: number,
  counts: (name: string) => boolean,
  reason: string,
): PathAction[] {
  const pairs = mesh(view, connection).filter((each) => counts(each.interface));
  const room = new Map<string, number>();
  return missing(connection, pairs).flatMap((pair) => {
    const left = room.get(pair.interface) ?? limit - usedOn(view, connection, pair.interface);
    room.set(pair.interface, left - 1);
    return left > 0 ? [creation(connection, pair, reason)] : [];
  });
}

/** The youngest go. */
function beyond(
  { paths, ...connection }: ConnectionView,
  limit: number,
  counts: (name: string) => boolean,
  reason: string,
): PathAction[] {
  const open = paths.filter(isOpen);
  const names = new Set(open.flatMap((each) => each.interface ?? []).filter(counts));
  return [...names].flatMap((name) =>
    open
      .filter((each) => each.interface === name)
      .sort((one, other) => one.since - other.since)
      .slice(limit)
      .map((path) => destruction({ ...connection, paths }, path, reason)),
  );
}
