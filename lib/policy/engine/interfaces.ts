/** Updates the list of interfaces by an event. It makes a new list: see local-addresses.ts. */
import type { NetworkAddress, NetworkInterface, NetworkLink } from '../../interfaces/interface';
import type { PolicyEvent } from '../policy';

export type InterfacesEvent = Extract<
  PolicyEvent,
  { type: `link${string}` | `address${string}` | 'begin' }
>;

const copyOf = (each: NetworkInterface): NetworkInterface => ({
  ...each,
  addresses: each.addresses.map((address) => ({ ...address })),
});

const isSame = (one: NetworkAddress, other: NetworkAddress): boolean =>
  one.address === other.address && one.prefixLength === other.prefixLength;

function withLink(interfaces: readonly NetworkInterface[], link: NetworkLink): NetworkInterface[] {
  const known = interfaces.find(({ index }) => index === link.index);
  if (!known) return [...interfaces, { ...link, addresses: [] }];
  const addresses = known.addresses.map((each) => ({ ...each, interface: link.name }));
  return interfaces.map((each) => (each === known ? { ...link, addresses } : each));
}

function withAddresses(
  interfaces: readonly NetworkInterface[],
  changed: NetworkAddress,
  change: (addresses: NetworkAddress[]) => NetworkAddress[],
): NetworkInterface[] {
  return interfaces.map((each) =>
    each.name === changed.interface ? { ...each, addresses: change(each.addresses) } : each,
  );
}

export function updatedInterfaces(
  interfaces: readonly NetworkInterface[],
  event: InterfacesEvent,
): NetworkInterface[] {
  switch (event.type) {
    case 'begin':
      return event.interfaces.map(copyOf);
    case 'linkAdded':
    case 'linkChanged':
      return withLink(interfaces, event.link);
    case 'linkRemoved':
      return interfaces.filter(({ index }) => index !== event.link.index);
    case 'addressAdded':
    case 'addressChanged': {
      const { address } = event;
      return withAddresses(interfaces, address, (addresses) =>
        addresses.some((each) => isSame(each, address))
          ? addresses.map((each) => (isSame(each, address) ? { ...address } : each))
          : [...addresses, { ...address }],
      );
    }
    case 'addressRemoved':
      return withAddresses(interfaces, event.address, (addresses) =>
        addresses.filter((each) => !isSame(each, event.address)),
      );
  }
}
