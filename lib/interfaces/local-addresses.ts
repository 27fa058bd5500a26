/** What is known of this host's addresses without waiting: usable-addresses.ts asks rtnetlink. */
import { readFileSync } from 'node:fs';
import { familyOf, type IpFamily } from '../base/addresses';
import { ADDRESS_FLAGS } from '../kernel/constants';
import { isLinkLocal } from './interface';
import { addressesByInterface } from './node-interfaces';

export interface LocalAddress {
  address: string;
  /** The name of the interface that has it. */
  interface?: string;
}

const UNUSABLE = ADDRESS_FLAGS.TENTATIVE | ADDRESS_FLAGS.DEPRECATED | ADDRESS_FLAGS.DADFAILED;

/** The names of the interfaces in /proc/net/if_inet6 that have a usable address. */
function usableByIpv6(): string[] {
  try {
    return readFileSync('/proc/net/if_inet6', 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/ +/)) // address, index, prefix length, scope, flags, name
      .filter(([, , , scope, flags = '']) => scope === '00' && !(parseInt(flags, 16) & UNUSABLE))
      .map(([, , , , , name = '']) => name);
  } catch {
    return []; // no IPv6, or --permission keeps the file out
  }
}

/**
 * The names of the interfaces with a usable address of the family, read without waiting, for a socket
 * that is about to connect. os.networkInterfaces() leaves out interfaces that are not running, but
 * knows no flags of addresses. Of IPv6 addresses /proc/net/if_inet6 has them: an interface whose
 * addresses are all tentative or deprecated would send from another one's address. Of IPv4 addresses
 * only rtnetlink has them, and there only `deprecated` matters, which the kernel itself disregards
 * when it chooses a source (inet_select_addr()): until its lifetime ends, such an address works.
 */
export function interfacesToBind(family: IpFamily): string[] {
  const running = addressesByInterface()
    .filter(([, addresses]) =>
      addresses.some(
        ({ address, internal }) =>
          !internal && familyOf(address) === family && !isLinkLocal(address),
      ),
    )
    .map(([name]) => name);
  if (family === 4) return running;
  const usable = usableByIpv6();
  return running.filter((name) => usable.includes(name));
}

const KEPT_FOR = 250; // ms

/** The names of interfaces by their addresses, as last read. */
let known = new Map<string, string>();
let readAt = -Infinity;

/**
 * The name of the network interface that has the address, as read at most 250 ms ago: a peer that
 * opens and closes many subflows must not make each of them read all interfaces. Where the address
 * is not known, the interfaces are read again at once.
 */
export function interfaceOf(address: string): string | undefined {
  const [bare = ''] = address.split('%');
  if (performance.now() - readAt > KEPT_FOR || !known.has(bare)) readInterfaces();
  return known.get(bare);
}

function readInterfaces(): void {
  known = new Map();
  for (const [name, addresses] of addressesByInterface()) {
    for (const { address } of addresses) if (!known.has(address)) known.set(address, name);
  }
  readAt = performance.now();
}
