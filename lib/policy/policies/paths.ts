/** What policies have in common: the paths that there could be, and those that there are. */
import { familyOf, isAddress, socketKey } from '../../base/addresses';
import type { EndpointOptions } from '../../endpoints/endpoint';
import { isOrdinary, type LocalAddress, localAddresses, usableAddresses } from '../local-addresses';
import type {
  AnnounceAction,
  ConnectionView,
  CreateSubflowAction,
  DestroySubflowAction,
  PathView,
  PolicyEvent,
  PolicyView,
  SetBackupAction,
  WithdrawAction,
} from '../policy';
import { type Ends, isOpen, isPair, type Pair, pairOf } from '../reading';

/** The connections for which an event may change what is wanted. */
export function concerned(
  { connections }: PolicyView,
  event: PolicyEvent,
): readonly ConnectionView[] {
  if (event.type === 'routeRemoved') return [];
  if (!('token' in event || 'action' in event)) return [...connections.values()];
  const connection = connections.get('action' in event ? event.action.token : event.token);
  return connection ? [connection] : [];
}

/** Likewise, for what does not depend on what paths carry. */
export const concernedByPaths = (
  view: PolicyView,
  event: PolicyEvent,
): readonly ConnectionView[] => (event.type === 'progress' ? [] : concerned(view, event));

/** From where a connection may have more subflows. */
export const locals = (
  { interfaces, leaving }: PolicyView,
  { local }: ConnectionView,
): LocalAddress[] =>
  localAddresses(interfaces, local.address).filter((each) => !leaving.has(each.interface));

export interface Remote {
  readonly address: string;
  readonly port: number;
}

/**
 * To where this side can open subflows: a server cannot reach the port that its client has connected
 * from, so to addresses alone that the client announced with a port.
 */
export function remotes(connection: ConnectionView): Remote[] {
  const { local, remote, serverSide, denyJoinId0, announced } = connection;
  const first = { address: remote.address, port: remote.port };
  const all = serverSide ? [] : [first];
  for (const { address, port } of announced.values()) {
    if (port !== undefined) all.push({ address, port });
    else if (!serverSide) all.push({ address, port: remote.port });
  }
  const found = new Map(all.map((each) => [socketKey(each), each]));
  if (denyJoinId0) found.delete(socketKey(first));
  return [...found.values()].filter((each) => isOrdinary(each.address, local.address));
}

export interface LocalPair extends Pair {
  /** The name of the interface. */
  readonly interface: string;
}

/** Every local address with every remote one that this side can reach, of one family each. */
export function mesh(view: PolicyView, connection: ConnectionView): LocalPair[] {
  const to = remotes(connection);
  if (to.length === 0) return [];
  return locals(view, connection).flatMap(({ address, interface: name }) =>
    to
      .filter((remote) => familyOf(remote.address) === familyOf(address))
      .map((remote) => ({ local: address, remote, interface: name })),
  );
}

/** Between two addresses, those included that are being opened or destroyed. */
export const countBetween = ({ paths, opening }: ConnectionView, pair: Pair): number =>
  paths.filter((each) => isPair(pairOf(each), pair)).length +
  opening.filter((each) => isPair(each, pair)).length;

/**
 * Those of the pairs that have no subflow, in the order in which they share least with what there is:
 * the interface, then the local address, then the remote one. So a limit takes the most alike.
 */
export function missing<T extends LocalPair>(connection: ConnectionView, pairs: readonly T[]): T[] {
  const uses = new Uses();
  for (const { interface: name, local, remote } of connection.paths) {
    uses.add(name, local.address, remote.address);
  }
  for (const opening of connection.opening) {
    const known = pairs.find(({ local }) => isAddress(local, opening.local));
    uses.add(known?.interface, opening.local, opening.remote.address);
  }
  let rest = pairs.filter((pair) => countBetween(connection, pair) === 0);
  const ordered: T[] = [];
  while (rest.length > 0) {
    const next = rest.reduce((best, each) => (uses.of(each) < uses.of(best) ? each : best));
    uses.add(next.interface, next.local, next.remote.address);
    ordered.push(next);
    rest = rest.filter((each) => each !== next);
  }
  return ordered;
}

class Uses {
  readonly #counts = new Map<string, number>();

  add(name: string | undefined, local: string, remote: string): void {
    for (const key of [`on ${name ?? ''}`, `from ${local}`, `to ${remote}`]) {
      this.#counts.set(key, this.#count(key) + 1);
    }
  }

  of({ interface: name, local, remote }: LocalPair): number {
    const [on, from, to] = [`on ${name}`, `from ${local}`, `to ${remote.address}`];
    return this.#count(on) * 10_000 + this.#count(from) * 100 + this.#count(to);
  }

  #count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }
}

const plain = ({ address, port }: Remote): Remote => ({ address, port });

export function creation(
  { token }: ConnectionView,
  { local, remote, interface: name }: Pair & { interface?: string },
  reason: string,
  more: Pick<CreateSubflowAction, 'backup' | 'most' | 'insteadOf'> = {},
): CreateSubflowAction {
  return {
    ...{ type: 'createSubflow', token, reason },
    local: { address: local, ...(name !== undefined && { interface: name }) },
    remote: plain(remote),
    ...more,
  };
}

export const destruction = (
  { token }: ConnectionView,
  { local, remote }: Ends,
  reason: string,
  more: { last?: boolean } = {},
): DestroySubflowAction => ({
  ...{ type: 'destroySubflow', token, reason, local: plain(local), remote: plain(remote) },
  ...more,
});

export const priority = (
  { token }: ConnectionView,
  { local, remote }: Ends,
  backup: boolean,
  reason: string,
): SetBackupAction => ({
  ...{ type: 'setBackup', token, reason, local: plain(local), remote: plain(remote), backup },
});

/** Tells the peer of the addresses that it can join at, and of those that go. */
export function announcements(
  view: PolicyView,
  connection: ConnectionView,
  reason: string,
  { port, on = () => true }: { port?: number; on?: (name: string) => boolean } = {},
): (AnnounceAction | WithdrawAction)[] {
  const { token, local, announcing } = connection;
  const here = locals(view, connection).filter((each) => on(each.interface));
  const isHere = (address: string): boolean =>
    here.some((each) => isAddress(each.address, address));
  const more = port === undefined ? {} : { port };
  return [
    ...announcing
      .filter((each) => each.port === port && !isHere(each.address))
      .map(({ address }) => ({ type: 'withdraw', token, reason, address, ...more }) as const),
    ...here
      .filter(({ address }) => port !== undefined || !isAddress(address, local.address))
      .map(({ address }) => ({ type: 'announce', token, reason, address, ...more }) as const),
  ];
}

/** Takes the paths of interfaces away that the app will lose, where there are others. */
export function vacate(
  { leaving }: PolicyView,
  connection: ConnectionView,
  reason: string,
): DestroySubflowAction[] {
  if (leaving.size === 0) return [];
  const isLeft = (path: PathView): boolean =>
    path.interface !== undefined && leaving.has(path.interface);
  const open = connection.paths.filter(isOpen);
  if (!open.some((path) => !isLeft(path) && path.interface !== undefined)) return [];
  return open.filter(isLeft).map((path) => destruction(connection, path, reason));
}

/** An endpoint for every address that can be used, of interfaces that are not left. */
export const endpointsOf = (
  { interfaces, leaving }: Pick<PolicyView, 'interfaces' | 'leaving'>,
  flagsOf: (name: string) => Omit<EndpointOptions, 'address' | 'interface'> | undefined,
): EndpointOptions[] =>
  usableAddresses(interfaces)
    .filter((each) => !leaving.has(each.interface))
    .flatMap(({ address, interface: name }) => {
      const flags = flagsOf(name);
      return flags ? [{ address, interface: name, ...flags }] : [];
    });
