import type { Interface, InterfaceAddress } from '../interfaces/interfaces';

/** Whether subflows may be made from an address, to somewhere else than this host. */
export function isUsable(address: InterfaceAddress, link: Interface): boolean {
  return (
    link.running &&
    !link.loopback &&
    address.scope === 'global' &&
    !address.tentative &&
    !address.deprecated &&
    !address.duplicate
  );
}
