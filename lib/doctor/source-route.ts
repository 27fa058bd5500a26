/** The commands that route the packets of one local address over its own interface. */
import { BlockList } from 'node:net';
import { familyOf, isAddress, withoutScope } from '../base/addresses';
import type { NetworkInterface, NetworkRoute } from '../interfaces/interface';

/** Tables of the kernel: default, main and local (rtnetlink(7)). */
const RESERVED = [0, 253, 254, 255];
/** The number of the first table that is proposed. */
const FIRST_TABLE = 100;

/** Stands for a router that no route names. */
const UNKNOWN = 'GATEWAY';

/** What is used of an interface. */
export type SourceLink = Pick<NetworkInterface, 'name' | 'index' | 'addresses'>;

/** Whether an address is in the network of another one. */
export function isInPrefix(address: string, of: string, length: number): boolean {
  if (familyOf(address) !== familyOf(of)) return false;
  const family = familyOf(of) === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(withoutScope(of), length, family);
  return list.check(withoutScope(address), family);
}

/** The first address of the network of an address, with the length of the prefix. */
function networkOf(address: string, length: number, routes: readonly NetworkRoute[]): string {
  const connected = routes.find(
    ({ destination, prefixLength }) =>
      destination !== undefined &&
      prefixLength === length &&
      isInPrefix(address, destination, length),
  );
  return `${connected?.destination ?? withoutScope(address)}/${length}`;
}

/** A table, neither main nor local, whose default route leads through an interface. */
const tableThrough = (
  name: string,
  family: string,
  routes: readonly NetworkRoute[],
): number | undefined =>
  routes.find(
    (route) =>
      route.family === family &&
      route.type === 'unicast' &&
      route.destination === undefined &&
      !RESERVED.includes(route.table) &&
      route.nextHops.some((hop) => hop.interface === name),
  )?.table;

/**
 * Writes the `ip route` and `ip rule` commands for an address of an interface. It uses a table that
 * leads there already, and the router that a route through the interface names.
 */
export function sourceRoute(
  local: string,
  link: SourceLink,
  peer: string,
  routes: readonly NetworkRoute[],
): string {
  const version = familyOf(local);
  const family = `IPv${version}`;
  const ip = version === 4 ? 'ip' : 'ip -6';
  const rule = (table: number): string =>
    `${ip} rule add from ${withoutScope(local)} table ${table}`;
  const existing = tableThrough(link.name, family, routes);
  if (existing !== undefined) return rule(existing);

  const used = new Set([...RESERVED, ...routes.map(({ table }) => table)]);
  let table = FIRST_TABLE + link.index;
  while (used.has(table)) table++;
  const length =
    link.addresses.find(({ address }) => isAddress(address, local))?.prefixLength ??
    (version === 4 ? 32 : 128);
  const gateway = routes
    .filter((route) => route.family === family)
    .flatMap(({ nextHops }) => nextHops)
    .find((hop) => hop.interface === link.name && hop.gateway !== undefined)?.gateway;
  const isNear = isInPrefix(peer, local, length);
  const to = (route: string): string => `${ip} route add ${route} dev ${link.name} table ${table}`;
  return [
    to(networkOf(local, length, routes)),
    ...(isNear && gateway === undefined ? [] : [to(`default via ${gateway ?? UNKNOWN}`)]),
    rule(table),
  ].join(' && ');
}
