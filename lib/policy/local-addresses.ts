/** Selects the addresses of this host, and of peers, that subflows may run between. */
import { BlockList } from 'node:net';
import { familyOf, isAddress, withoutScope } from '../base/addresses';
import type { NetworkAddress, NetworkInterface } from '../interfaces/interface';
import { isLinkLocal, isUsable } from '../interfaces/interface';

/** An address of this host. */
export interface LocalAddress {
  readonly address: string;
  /** The name of the interface that has it. */
  readonly interface: string;
}

const MAX_CACHED = 1000; // addresses

/** Ranges of addresses. It caches its answers: the same few addresses are checked for every event. */
class AddressRanges {
  readonly #list: BlockList;
  readonly #cache = new Map<string, boolean>();

  constructor(list: BlockList) {
    this.#list = list;
  }

  has(address: string): boolean {
    const cached = this.#cache.get(address);
    if (cached !== undefined) return cached;
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear();
    const family = familyOf(address) === 6 ? 'ipv6' : 'ipv4';
    const found = this.#list.check(withoutScope(address), family);
    this.#cache.set(address, found);
    return found;
  }
}

function ranges(v4: readonly [string, number][], v6: readonly [string, number][]): AddressRanges {
  const list = new BlockList();
  for (const [network, prefix] of v4) list.addSubnet(network, prefix, 'ipv4');
  for (const [network, prefix] of v6) list.addSubnet(network, prefix, 'ipv6');
  return new AddressRanges(list);
}

const LOOPBACK = ranges([['127.0.0.0', 8]], [['::1', 128]]);

/** The unspecified address, "this host" and multicast addresses (RFC 6890). */
const SPECIAL = ranges(
  [
    ['0.0.0.0', 8],
    ['224.0.0.0', 4],
  ],
  [
    ['::', 128],
    ['ff00::', 8],
  ],
);

/**
 * Whether subflows of a connection that began at the local address `first` may use an address. A
 * connection on the loopback uses loopback addresses only, and no other connection uses them.
 */
export const isEligible = (address: string, first: string): boolean =>
  LOOPBACK.has(first) === LOOPBACK.has(address) && !isLinkLocal(address) && !SPECIAL.has(address);

/** Caches the answers for each list of interfaces, by whether the connection is on the loopback. */
const cache = new WeakMap<readonly NetworkInterface[], Map<boolean, LocalAddress[]>>();

/**
 * The addresses of this host from which a connection that began at `first` can have subflows. The
 * caller never changes a list of interfaces, but replaces it.
 */
export function localAddresses(
  interfaces: readonly NetworkInterface[],
  first: string,
): readonly LocalAddress[] {
  const loopback = LOOPBACK.has(first);
  const cached = cache.get(interfaces) ?? new Map<boolean, LocalAddress[]>();
  cache.set(interfaces, cached);
  const addresses = cached.get(loopback) ?? find(interfaces, loopback, first);
  cached.set(loopback, addresses);
  return addresses;
}

function find(
  interfaces: readonly NetworkInterface[],
  loopback: boolean,
  first: string,
): LocalAddress[] {
  const fits = (each: NetworkAddress, link: NetworkInterface): boolean =>
    (loopback ? link.running && link.loopback : isUsable(each, link)) &&
    isEligible(each.address, first);
  return interfaces.flatMap((link) =>
    link.addresses
      .filter((each) => fits(each, link))
      .map(({ address }) => ({ address, interface: link.name })),
  );
}

/** The addresses of this host that can be used for subflows to other hosts. */
export const usableAddresses = (interfaces: readonly NetworkInterface[]): readonly LocalAddress[] =>
  localAddresses(interfaces, '0.0.0.0');

export const hasAddress = (list: readonly LocalAddress[], address: string): boolean =>
  list.some((each) => isAddress(each.address, address));
