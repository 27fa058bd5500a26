/** Questions about a view that policies and the engine share: which subflow, which addresses. */
import { isAddress, type SocketAddress } from '../base/addresses';
import type { NetworkInterface } from '../interfaces/interface';
import type { PathView, PolicyEvent } from './policy';

/** The connections that an event is about, by their tokens; undefined: all of them. */
export function tokensOf(event: PolicyEvent): readonly number[] | undefined {
  if ('action' in event) return [event.action.token];
  if ('token' in event) return [event.token];
  return event.tokens;
}

/** The connections that an event is about. */
export function concernedBy<Connection>(
  connections: ReadonlyMap<number, Connection>,
  event: PolicyEvent,
): Connection[] {
  const tokens = tokensOf(event);
  if (tokens === undefined) return [...connections.values()];
  return tokens.flatMap((token) => connections.get(token) ?? []);
}

/** The addresses and ports of the two ends of a subflow, which identify it. */
export interface Ends {
  readonly local: Readonly<SocketAddress>;
  readonly remote: Readonly<SocketAddress>;
}

/** What a subflow is requested between: the kernel chooses the local port. */
export interface AddressPair {
  readonly local: string;
  readonly remote: Readonly<SocketAddress>;
}

/** The pair of addresses that a subflow runs between. */
export const pairOf = ({ local, remote }: Ends): AddressPair => ({
  local: local.address,
  remote: { address: remote.address, port: remote.port },
});

/** Whether two pairs have the same remote address and port. */
export const isSameRemote = (one: AddressPair, other: AddressPair): boolean =>
  one.remote.port === other.remote.port && isAddress(one.remote.address, other.remote.address);

export const isSamePair = (one: AddressPair, other: AddressPair): boolean =>
  isSameRemote(one, other) && isAddress(one.local, other.local);

/** Whether this side is not destroying the path. */
export const isOpen = ({ closing }: PathView): boolean => closing === undefined;

/** Whether `path` was opened to replace `other`, so that one of the two has to go. */
export const isReplacementFor = (path: PathView, other: PathView): boolean =>
  path.insteadOf === other.local.port && isSamePair(pairOf(path), pairOf(other));

/** The name of the interface that has an address. */
export const interfaceOf = (
  interfaces: readonly NetworkInterface[],
  address: string,
): string | undefined =>
  interfaces.find(({ addresses }) => addresses.some((each) => isAddress(each.address, address)))
    ?.name;
