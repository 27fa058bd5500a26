import type {
  NativeInterfaceAddress,
  NativeLink,
  NativeNextHop,
  NativeRoute,
} from '../../types/native';
import { familyOf } from '../base/addresses';
import type { EventStreamOptions, OverrunEvent } from '../base/event-stream';
import { ADDRESS_FLAGS, LINK_FLAGS } from '../kernel/constants';

/** RFC 2863, by IF_OPER_* */
const OPERATIONAL_STATES = [
  'unknown',
  'notPresent',
  'down',
  'lowerLayerDown',
  'testing',
  'dormant',
  'up',
] as const;

/** RT_SCOPE_* */
const SCOPES = { 0: 'global', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' } as const;

/** RTN_* */
const ROUTE_TYPES = [
  'unspecified',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
] as const;

export interface NetworkLink {
  index: number;
  name: string;
  /** Switched on (IFF_UP). */
  up: boolean;
  /** Ready to carry packets (IFF_RUNNING). */
  running: boolean;
  loopback: boolean;
  operationalState?: (typeof OPERATIONAL_STATES)[number];
  /** A cable, an access point is there. */
  carrier?: boolean;
  mtu?: number;
  /** As its driver says: 'veth', 'bridge' … */
  kind?: string;
  /** The name of the bridge, bond or VRF that it belongs to. */
  master?: string;
}

export interface NetworkAddress {
  /** The name of the interface. */
  interface: string;
  address: string;
  prefixLength: number;
  family: 'IPv4' | 'IPv6';
  scope: (typeof SCOPES)[keyof typeof SCOPES] | number;
  /** Not to be used yet: duplicates are being looked for. */
  tentative: boolean;
  /** Not to be used for anything new. */
  deprecated: boolean;
  /** Somebody else has it. */
  duplicate: boolean;
}

/** An interface with its addresses. */
export interface NetworkInterface extends NetworkLink {
  addresses: NetworkAddress[];
}

export interface NetworkNextHop {
  gateway?: string;
  /** The name of the interface. */
  interface?: string;
  weight: number;
}

export interface NetworkRoute {
  family: 'IPv4' | 'IPv6';
  /** undefined: the default route. */
  destination?: string;
  prefixLength: number;
  /** None: unreachable, blackhole … */
  nextHops: NetworkNextHop[];
  /** 254: main, 255: local. */
  table: number;
  /** The lower wins. */
  metric: number;
  /** The preferred source address. */
  source?: string;
  type: (typeof ROUTE_TYPES)[number] | number;
  /** RTPROT_*: who made it; 2: the kernel, 3: boot, 4: static. */
  protocol: number;
}

type Change = 'Added' | 'Changed' | 'Removed';
export type InterfaceEvent =
  | {
      [How in Change]: { type: `link${How}`; link: NetworkLink };
    }[Change]
  | {
      [How in Change]: { type: `address${How}`; address: NetworkAddress };
    }[Change]
  | {
      [How in Change]: { type: `route${How}`; route: NetworkRoute };
    }[Change]
  | OverrunEvent;

export interface WatchInterfacesOptions extends EventStreamOptions {
  /** false: links and addresses alone (true). A router may have a million routes. */
  routes?: boolean;
}

export type Names = ReadonlyMap<number, { name: string }>;

/** Where an interface has gone its index is the only name left. */
const nameOf = (names: Names, index: number): string => names.get(index)?.name ?? String(index);
const family = (number: 4 | 6): 'IPv4' | 'IPv6' => (number === 4 ? 'IPv4' : 'IPv6');

export function publicLink(link: NativeLink, names: Names): NetworkLink {
  const { index, name, flags, operationalState, carrier, mtu, kind, master } = link;
  const state = operationalState === undefined ? undefined : OPERATIONAL_STATES[operationalState];
  return {
    ...{ index, name },
    up: (flags & LINK_FLAGS.UP) !== 0,
    running: (flags & LINK_FLAGS.RUNNING) !== 0,
    loopback: (flags & LINK_FLAGS.LOOPBACK) !== 0,
    ...(state && { operationalState: state }),
    ...(carrier !== undefined && { carrier }),
    ...(mtu !== undefined && { mtu }),
    ...(kind !== undefined && { kind }),
    ...(master !== undefined && { master: nameOf(names, master) }),
  };
}

export function publicInterfaceAddress(
  { interface: index, address, prefixLength, flags, scope }: NativeInterfaceAddress,
  names: Names,
): NetworkAddress {
  return {
    interface: nameOf(names, index),
    ...{ address, prefixLength },
    family: family(familyOf(address)),
    scope: (SCOPES as Partial<Record<number, NetworkAddress['scope']>>)[scope] ?? scope,
    tentative: (flags & ADDRESS_FLAGS.TENTATIVE) !== 0,
    deprecated: (flags & ADDRESS_FLAGS.DEPRECATED) !== 0,
    duplicate: (flags & ADDRESS_FLAGS.DADFAILED) !== 0,
  };
}

export function publicRoute(route: NativeRoute, names: Names): NetworkRoute {
  const { destination, prefixLength, table, metric, source, type, protocol } = route;
  const nextHop = ({ gateway, interface: index, weight }: NativeNextHop): NetworkNextHop => ({
    ...(gateway !== undefined && { gateway }),
    ...(index !== 0 && { interface: nameOf(names, index) }),
    weight,
  });
  return {
    family: family(route.family),
    ...(destination !== '' && { destination }),
    prefixLength,
    nextHops: route.nextHops.map(nextHop),
    ...{ table, metric },
    ...(source !== undefined && { source }),
    type: ROUTE_TYPES[type] ?? type,
    protocol,
  };
}

export const byIndex = (links: NativeLink[]): Map<number, NativeLink> =>
  new Map(links.map((link) => [link.index, link]));

const LINK_LOCAL = /^(?:169\.254\.|fe[89ab][\da-f]:)/i;

/** Whether an address is valid on its link alone (RFC 3927, RFC 4291 section 2.5.6). */
export const isLinkLocal = (address: string): boolean => LINK_LOCAL.test(address);

/**
 * Whether subflows to other hosts may begin at an address. IPv4 link-local addresses are checked by
 * themselves, because their scope is global unless whoever added them said otherwise.
 */
export function isUsable(address: NetworkAddress, link: NetworkLink): boolean {
  return (
    link.running &&
    !link.loopback &&
    address.scope === 'global' &&
    !address.tentative &&
    !address.deprecated &&
    !address.duplicate &&
    !isLinkLocal(address.address)
  );
}
