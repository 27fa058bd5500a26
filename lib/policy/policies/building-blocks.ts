/** The building blocks of policies: which paths are possible and missing, and the actions on them. */
import { familyOf, isAddress, type SocketAddress, socketKey } from '../../base/addresses';
import type { EndpointOptions } from '../../endpoints/endpoint';
import type { NetworkInterface } from '../../interfaces/interface';
import { isEligible, type LocalAddress, localAddresses, usableAddresses } from '../local-addresses';
import type {
  AnnounceAction,
  ConnectionView,
  CreateSubflowAction,
  DestroySubflowAction,
  FailureView,
  PathView,
  PolicyEvent,
  PolicyView,
  SetBackupAction,
  WithdrawAction,
} from '../policy';
import {
  type AddressPair,
  type Ends,
  concernedBy,
  interfaceOf,
  isOpen,
  isSamePair,
  pairOf,
} from '../view-queries';

/** The connections for which an event may change what a policy requests. */
export function concerned(
  { connections }: PolicyView,
  event: PolicyEvent,
): readonly ConnectionView[] {
  if (event.type === 'routeRemoved' || event.type === 'applied') return [];
  return concernedBy(connections, event);
}

/** The same for a policy that does not depend on what the paths carry. */
export const concernedByPaths = (
  view: PolicyView,
  event: PolicyEvent,
): readonly ConnectionView[] => (event.type === 'progress' ? [] : concerned(view, event));

/** The local addresses from which a connection may have further subflows. */
export const locals = (
  { interfaces, leaving }: PolicyView,
  { local }: ConnectionView,
): LocalAddress[] =>
  localAddresses(interfaces, local.address).filter((each) => !leaving.has(each.interface));

/**
 * The addresses and ports to which this side can open subflows. A server cannot reach the port that
 * its client connected from, so that it has only those addresses that the client announced with a
 * port. Addresses of this host itself are the peer's only where the connection does not leave it.
 */
export function remotes({ interfaces }: PolicyView, connection: ConnectionView): SocketAddress[] {
  const { local, remote, serverSide, denyJoinId0, announced } = connection;
  const first = { address: remote.address, port: remote.port };
  const all = serverSide ? [] : [first];
  for (const { address, port } of announced.values()) {
    if (port !== undefined) all.push({ address, port });
    else if (!serverSide) all.push({ address, port: remote.port });
  }
  const found = new Map(all.map((each) => [socketKey(each), each]));
  if (denyJoinId0) found.delete(socketKey(first));
  const within = isOwn(interfaces, remote.address);
  return [...found.values()].filter(
    ({ address }) => isEligible(address, local.address) && (within || !isOwn(interfaces, address)),
  );
}

/** Whether an interface of this host has the address. */
const isOwn = (interfaces: readonly NetworkInterface[], address: string): boolean =>
  interfaceOf(interfaces, address) !== undefined;

export interface LocalPair extends AddressPair {
  /** The name of the interface that has the local address. */
  readonly interface: string;
}

/** Pairs every local address with every remote one of its family that this side can reach. */
export function mesh(view: PolicyView, connection: ConnectionView): LocalPair[] {
  const to = remotes(view, connection);
  if (to.length === 0) return [];
  return locals(view, connection).flatMap(({ address, interface: name }) =>
    to
      .filter((remote) => familyOf(remote.address) === familyOf(address))
      .map((remote) => ({ local: address, remote, interface: name })),
  );
}

/** The number of subflows between two addresses, those that are being opened or destroyed included. */
export const countBetween = ({ paths, opening }: ConnectionView, pair: AddressPair): number =>
  paths.filter((each) => isSamePair(pairOf(each), pair)).length +
  opening.filter((each) => isSamePair(each, pair)).length;

/**
 * The pairs that have no subflow, ordered so that each has as little as possible in common with the
 * subflows before it: first the interface counts, then the local address, then the remote one. A
 * limit then drops the pairs that add least. Those that have to wait after a failure, or after a
 * refusal at the same remote address and port, come last, and before them those that failed.
 */
export function missing<T extends LocalPair>(
  view: PolicyView,
  connection: ConnectionView,
  pairs: readonly T[],
): T[] {
  const uses = new Uses();
  for (const { interface: name, local, remote } of connection.paths) {
    uses.add(uses.of(name, local.address, remote.address));
  }
  for (const opening of connection.opening) {
    const known = pairs.find(({ local }) => isAddress(local, opening.local));
    uses.add(uses.of(known?.interface, opening.local, opening.remote.address));
  }
  const failures = failuresByRemote(connection);
  const rest = pairs
    .filter((pair) => countBetween(connection, pair) === 0)
    .map((pair) => ({
      ...{ pair, of: uses.of(pair.interface, pair.local, pair.remote.address) },
      ...prospects(view, failures, pair),
    }));
  const ordered: T[] = [];
  while (rest.length > 0) {
    let best = 0;
    rest.forEach((each, index) => {
      if (compareMissing(each, rest[best] ?? each) < 0) best = index;
    });
    for (const { pair, of } of rest.splice(best, 1)) {
      uses.add(of);
      ordered.push(pair);
    }
  }
  return ordered;
}

/** The failures of attempts at each remote address and port. */
function failuresByRemote({ failures }: ConnectionView): Map<string, FailureView[]> {
  const found = new Map<string, FailureView[]>();
  for (const each of failures) {
    const key = socketKey(each.remote);
    const known = found.get(key);
    if (known) known.push(each);
    else found.set(key, [each]);
  }
  return found;
}

/**
 * How little an attempt between two addresses promises: the milliseconds until it may be repeated, and
 * the failures in a row, of which a refusal from another local address counts half.
 */
function prospects(
  { now }: PolicyView,
  failures: ReadonlyMap<string, readonly FailureView[]>,
  pair: AddressPair,
): { wait: number; failed: number } {
  let [wait, failed] = [0, 0];
  for (const each of failures.get(socketKey(pair.remote)) ?? []) {
    const same = isAddress(each.local, pair.local);
    if (!same && each.error !== 'ECONNREFUSED') continue;
    wait = Math.max(wait, each.retryAt - now);
    failed += same ? each.count : each.count / 2;
  }
  return { wait, failed };
}

interface MissingPair {
  readonly wait: number;
  readonly failed: number;
  readonly of: UsesOfPair;
}

const compareMissing = (one: MissingPair, other: MissingPair): number =>
  one.wait - other.wait || one.failed - other.failed || weightOf(one.of) - weightOf(other.of);

/** How often something is used. */
interface Count {
  value: number;
}

/** The uses of an interface, of a local address and of a remote one. */
type UsesOfPair = readonly [on: Count, from: Count, to: Count];

/** Orders pairs by the uses of the interface, the local address and the remote address. */
const weightOf = ([on, from, to]: UsesOfPair): number =>
  on.value * 1_000_000 + from.value * 1000 + to.value;

/**
 * Counts how often interfaces and addresses are used. The counts of a pair are found once, because a
 * peer may announce so many addresses that pairs are compared 100,000 times.
 */
class Uses {
  readonly #counts = new Map<string, Count>();

  of(name: string | undefined, local: string, remote: string): UsesOfPair {
    return [
      this.#count(`on ${name ?? ''}`),
      this.#count(`from ${local}`),
      this.#count(`to ${remote}`),
    ];
  }

  add(of: UsesOfPair): void {
    for (const count of of) count.value++;
  }

  #count(key: string): Count {
    const known = this.#counts.get(key) ?? { value: 0 };
    this.#counts.set(key, known);
    return known;
  }
}

const plain = ({ address, port }: Readonly<SocketAddress>): SocketAddress => ({ address, port });

export function creation(
  { token }: ConnectionView,
  { local, remote, interface: name }: AddressPair & { interface?: string },
  reason: string,
  more: Pick<CreateSubflowAction, 'backup' | 'max' | 'insteadOf'> = {},
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

/** Announces the addresses that the peer can join at, and withdraws those that are gone. */
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
  const withPort = port === undefined ? {} : { port };
  return [
    ...announcing
      .filter((each) => each.port === port && !isHere(each.address))
      .map(({ address }) => ({ type: 'withdraw', token, reason, address, ...withPort }) as const),
    ...here
      .filter(({ address }) => port !== undefined || !isAddress(address, local.address))
      .map(({ address }) => ({ type: 'announce', token, reason, address, ...withPort }) as const),
  ];
}

/** Destroys the paths of interfaces that the app will lose, where there are other paths. */
export function vacate(
  { leaving }: PolicyView,
  connection: ConnectionView,
  reason: string,
): DestroySubflowAction[] {
  if (leaving.size === 0) return [];
  const isLeaving = (path: PathView): boolean =>
    path.interface !== undefined && leaving.has(path.interface);
  const open = connection.paths.filter(isOpen);
  if (!open.some((path) => !isLeaving(path) && path.interface !== undefined)) return [];
  return open.filter(isLeaving).map((path) => destruction(connection, path, reason));
}

/** Endpoints for the usable addresses of interfaces that the app will not lose. */
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
