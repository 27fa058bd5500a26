/** Which routes the kernel uses from local addresses to peers, and at which interface it expects them. */
import type { Abortable } from '../../base/abort';
import { familyOf, type IpFamily, isAddress, withoutScope } from '../../base/addresses';
import type { Endpoint } from '../../endpoints/endpoint';
import { isUsable, type NetworkInterface, type NetworkRoute } from '../../interfaces/interface';
import type { Commands } from '../../kernel/commands';
import { isInPrefix } from '../source-route';
import type { JudgedConnection, PathRoute } from '../state';
import { inTurn } from './in-turn';

/** Addresses that no host has (RFC 5737, RFC 3849): only a default route leads to them. */
const ANYWHERE: Record<IpFamily, string> = { 4: '192.0.2.1', 6: '2001:db8::1' };

/** How many peers of a family are examined: more of them share the same routes. */
const MOST_PEERS = 8;

/** The route's type where there is one (RTN_UNICAST). */
const UNICAST = 1;

interface Network {
  interfaces: readonly NetworkInterface[];
  routes: readonly NetworkRoute[];
  endpoints: readonly Endpoint[];
  connections: readonly JudgedConnection[];
  peers: readonly string[];
}

/** The peers of a family to which routes are to lead. */
export function peersOf(
  family: IpFamily,
  { interfaces, connections, peers }: Omit<Network, 'routes' | 'endpoints'>,
): string[] {
  const isOwn = (address: string): boolean =>
    interfaces.some((link) => link.addresses.some((each) => isAddress(each.address, address)));
  const remote = connections.flatMap((each) => [
    each.remote.address,
    ...(each.subflows ?? []).map((subflow) => subflow.remote.address),
  ]);
  const known = new Set(
    [...peers, ...remote.filter((address) => !isOwn(address))].map(withoutScope),
  );
  const found = Array.from(known).filter((address) => familyOf(address) === family);
  return found.length > 0 ? found.slice(0, MOST_PEERS) : [ANYWHERE[family]];
}

/**
 * Whether a route of any table says that a peer is on the link. Where a socket is bound to an
 * interface and no route leads through it, the kernel assumes so, and nobody answers there.
 */
const isOnLink = (peer: string, name: string, routes: readonly NetworkRoute[]): boolean =>
  routes.some(
    ({ family, type, destination, prefixLength, nextHops }) =>
      type === 'unicast' &&
      nextHops.some((hop) => hop.interface === name && hop.gateway === undefined) &&
      (destination === undefined
        ? family === `IPv${familyOf(peer)}`
        : isInPrefix(peer, destination, prefixLength)),
  );

/** Asks the kernel for the routes from usable addresses to the peers. */
export async function pathRoutes(
  commands: Commands,
  network: Network,
  abort?: Abortable,
): Promise<PathRoute[]> {
  const { interfaces, routes, endpoints } = network;
  const names = new Map(interfaces.map((link) => [link.index, link.name]));
  const find = async (
    local: string,
    peer: string,
    index: number,
  ): Promise<PathRoute['route'] | undefined> => {
    try {
      const found = await commands.findRoute(
        { destination: peer, source: withoutScope(local), interface: index },
        abort,
      );
      const [hop] = found.nextHops;
      if (found.type !== UNICAST || !hop) return undefined;
      return {
        interface: names.get(hop.interface) ?? String(hop.interface),
        ...(hop.gateway !== undefined && { gateway: hop.gateway }),
      };
    } catch (error) {
      if (abort?.signal?.aborted) throw error;
      return undefined; // ENETUNREACH, EHOSTUNREACH
    }
  };
  const paths = interfaces.flatMap((link) =>
    link.addresses
      .filter((each) => isUsable(each, link))
      .flatMap((each) => {
        const family = familyOf(each.address);
        return peersOf(family, network).map((peer) => ({ link, address: each.address, peer }));
      }),
  );
  return inTurn(paths, async ({ link, address, peer }): Promise<PathRoute> => {
    const endpoint = endpoints.find((each) => isAddress(each.address, address));
    const bound = endpoint?.interface !== undefined;
    const reverse = await find(address, peer, 0);
    let route = bound ? await find(address, peer, link.index) : reverse;
    const isAssumed = bound && route?.gateway === undefined && !isOnLink(peer, link.name, routes);
    if (isAssumed) route = undefined;
    return {
      ...{ local: address, interface: link.name, peer, bound },
      ...(route && { route }),
      ...(reverse && { reverse: reverse.interface }),
    };
  });
}

/** The addresses that the kernel chooses for connections to the peers. */
export async function originsOf(
  commands: Commands,
  network: Network,
  abort?: Abortable,
): Promise<string[]> {
  const peers = ([4, 6] as const).flatMap((family) => peersOf(family, network));
  const found = await inTurn(peers, async (destination) => {
    try {
      const { source } = await commands.findRoute({ destination, interface: 0 }, abort);
      return source;
    } catch (error) {
      if (abort?.signal?.aborted) throw error;
      return undefined; // ENETUNREACH
    }
  });
  const connected = network.connections
    .filter(({ outgoing }) => outgoing)
    .map(({ local }) => local.address);
  return Array.from(new Set([...connected, ...found.filter((each) => each !== undefined)]));
}
