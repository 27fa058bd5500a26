/** Between which addresses subflows may be made. */
import net from 'node:net';
import { familyOf, isAddress, withoutScope } from '../base/addresses';
import type { NetworkAddress, NetworkInterface } from '../interfaces/interface';
import { isUsable } from '../interfaces/interface';

export interface LocalAddress {
  readonly address: string;
  /** The name of the interface. */
  readonly interface: string;
}

const KNOWN = 1000; // addresses: the few of a host and its peers are asked about all the time

class Block {
  readonly #list: net.BlockList;
  readonly #known = new Map<string, boolean>();

  constructor(list: net.BlockList) {
    this.#list = list;
  }

  has(address: string): boolean {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    if (this.#known.size >= KNOWN) this.#known.clear();
    const family = familyOf(address) === 6 ? 'ipv6' : 'ipv4';
    const found = this.#list.check(withoutScope(address), family);
    this.#known.set(address, found);
    return found;
  }
}

function blocks(v4: readonly [string, number][], v6: readonly [string, number][]): Block {
  const list = new net.BlockList();
  for (const [network, prefix] of v4) list.addSubnet(network, prefix, 'ipv4');
  for (const [network, prefix] of v6) list.addSubnet(network, prefix, 'ipv6');
  return new Block(list);
}

const LOOPBACK = blocks([['127.0.0.0', 8]], [['::1', 128]]);

/** This host, link-local, multicast. */
const SPECIAL = blocks(
  [
    ['0.0.0.0', 8],
    ['169.254.0.0', 16],
    ['224.0.0.0', 4],
  ],
  [
    ['::', 128],
    ['fe80::', 10],
    ['ff00::', 8],
  ],
);

/**
 * Whether an address is one for subflows of a connection that began at `first`: loopback ones are
 * for connections on the loopback alone, and all that those have.
 */
export const isOrdinary = (address: string, first: string): boolean =>
  LOOPBACK.has(first) === LOOPBACK.has(address) && !SPECIAL.has(address);

/** For all connections, and for as long as nothing changes: asking is what takes time. */
const known = new WeakMap<readonly NetworkInterface[], Map<boolean, LocalAddress[]>>();

/**
 * This host's addresses from which a connection that began at `first` can have subflows. What is
 * given is never changed, but replaced.
 */
export function localAddresses(
  interfaces: readonly NetworkInterface[],
  first: string,
): readonly LocalAddress[] {
  const loopback = LOOPBACK.has(first);
  const found = known.get(interfaces) ?? new Map<boolean, LocalAddress[]>();
  known.set(interfaces, found);
  const addresses = found.get(loopback) ?? find(interfaces, loopback, first);
  found.set(loopback, addresses);
  return addresses;
}

function find(
  interfaces: readonly NetworkInterface[],
  loopback: boolean,
  first: string,
): LocalAddress[] {
  const fits = (each: NetworkAddress, link: NetworkInterface): boolean =>
    (loopback ? link.running && link.loopback : isUsable(each, link)) &&
    isOrdinary(each.address, first);
  return interfaces.flatMap((link) =>
    link.addresses
      .filter((each) => fits(each, link))
      .map(({ address }) => ({ address, interface: link.name })),
  );
}

/** Those that can be used for subflows to other hosts. */
export const usableAddresses = (interfaces: readonly NetworkInterface[]): readonly LocalAddress[] =>
  localAddresses(interfaces, '0.0.0.0');

export const hasAddress = (list: readonly LocalAddress[], address: string): boolean =>
  list.some((each) => isAddress(each.address, address));
