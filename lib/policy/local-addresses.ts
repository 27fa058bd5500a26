/** Which local addresses subflows may have. */
import net from 'node:net';
import type { Interface, InterfaceAddress } from '../interfaces';
import { isUsable } from '../internal/usable-address';
import { isAddress } from '../internal/addresses';

export interface LocalAddress {
  readonly address: string;
  readonly interface: string;
}

const LOOPBACK = new net.BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

const isLoopback = (address: string): boolean =>
  LOOPBACK.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4');

/**
 * The addresses for subflows of a connection that began at `first`. Loopback ones are for
 * connections on the loopback alone, and all that those have.
 */
export function localAddresses(interfaces: readonly Interface[], first?: string): LocalAddress[] {
  const loopback = first !== undefined && isLoopback(first);
  const fits = (each: InterfaceAddress, link: Interface): boolean =>
    loopback ? link.running && link.loopback && isLoopback(each.address) : isUsable(each, link);
  return interfaces.flatMap((link) =>
    link.addresses
      .filter((each) => fits(each, link))
      .map(({ address }) => ({ address, interface: link.name })),
  );
}

export const hasAddress = (list: readonly LocalAddress[], address: string): boolean =>
  list.some((each) => isAddress(each.address, address));
