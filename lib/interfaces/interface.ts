/** Links, addresses and routes: their public form, and which addresses are usable for subflows. */
import type {
  NativeInterfaceAddress,
  NativeLink,
  NativeNextHop,
  NativeRoute,
} from '../../types/native';
import { familyOf } from '../base/addresses';
import type { EventStreamOptions, OverrunEvent } from '../base/event-stream';
import { ADDRESS_FLAGS, LINK_FLAGS } from '../kernel/constants';

/** The names of RFC 2863, at the number of IF_OPER_* (include/uapi/linux/if.h). */
const OPERATIONAL_STATES = [
  'unknown',
  'notPresent',
  'down',
  'lowerLayerDown',
  'testing',
  'dormant',
  'up',
] as const;

/** RT_SCOPE_* (rtnetlink(7)). */
const SCOPES = { 0: 'global', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' } as const;

/** The names of route types, at the number of RTN_* (rtnetlink(7)). */
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

/** A network interface without its addresses (netdevice(7)). */
export interface NetworkLink {
  /** The kernel's number of the interface. */
  index: number;
  /** The name, such as 'eth0'. */
  name: string;
  /** It is switched on (IFF_UP). */
  up: boolean;
  /** It is ready to carry packets (IFF_RUNNING). */
  running: boolean;
  /** It leads to this host alone (IFF_LOOPBACK). */
  loopback: boolean;
  /** The operational state (RFC 2863). */
  operationalState?: (typeof OPERATIONAL_STATES)[number];
  /** It has a carrier: a cable or an access point. */
  carrier?: boolean;
  /** The largest packet that it carries, in bytes. */
  mtu?: number;
  /** The kind that its driver reports: 'veth', 'bridge' … */
  kind?: string;
  /** The name of the bridge, bond or VRF that it belongs to. */
  master?: string;
}

/** An address of an interface (rtnetlink(7), RTM_NEWADDR). */
export interface NetworkAddress {
  /** The name of the interface. */
  interface: string;
  /** The numeric address; a link-local IPv6 one with its `%interface`. */
  address: string;
  /** The length of its network's prefix, in bits. */
  prefixLength: number;
  /** The address family. */
  family: 'IPv4' | 'IPv6';
  /** How far it is valid; the kernel's number where that has no name (RT_SCOPE_*). */
  scope: (typeof SCOPES)[keyof typeof SCOPES] | number;
  /** It is not in use yet: duplicate address detection is running (RFC 4862). */
  tentative: boolean;
  /** Its preferred lifetime has ended: nothing new shall use it (RFC 4862). */
  deprecated: boolean;
  /** Duplicate address detection failed: another host has it (RFC 4862). */
  duplicate: boolean;
}

/** An interface with its addresses. */
export interface NetworkInterface extends NetworkLink {
  /** In the kernel's order. */
  addresses: NetworkAddress[];
}

/** Where a route sends packets to; a multipath route has several. */
export interface NetworkNextHop {
  /** The address of the router; undefined: the destination is on the link. */
  gateway?: string;
  /** The name of the interface. */
  interface?: string;
  /** Its share of the packets of a multipath route, from 1. */
  weight: number;
}

/** A route of any table (rtnetlink(7), RTM_NEWROUTE). */
export interface NetworkRoute {
  /** The address family. */
  family: 'IPv4' | 'IPv6';
  /** The network's address; undefined: the default route. */
  destination?: string;
  /** The length of the network's prefix, in bits. */
  prefixLength: number;
  /** Empty for routes of types such as unreachable and blackhole. */
  nextHops: NetworkNextHop[];
  /** The routing table; 254: main, 255: local. */
  table: number;
  /** The route with the lowest metric is used. */
  metric: number;
  /** The preferred source address. */
  source?: string;
  /** The kind of route; the kernel's number where that has no name (RTN_*). */
  type: (typeof ROUTE_TYPES)[number] | number;
  /** Who made it, RTPROT_*; 2: the kernel, 3: boot, 4: static. */
  protocol: number;
}

type Change = 'Added' | 'Changed' | 'Removed';

/** A link was added, changed or removed. */
export interface NetworkLinkEvent<How extends Change = Change> {
  /** What happened. */
  type: `link${How}`;
  /** The link as it is now, or as it was. */
  link: NetworkLink;
}

/** An address was added, changed or removed. */
export interface NetworkAddressEvent<How extends Change = Change> {
  /** What happened. */
  type: `address${How}`;
  /** The address as it is now, or as it was. */
  address: NetworkAddress;
}

/** A route was added, changed or removed. */
export interface NetworkRouteEvent<How extends Change = Change> {
  /** What happened. */
  type: `route${How}`;
  /** The route as it is now, or as it was. */
  route: NetworkRoute;
}

/** What `pm.interfaces.watch()` reports. */
export type InterfaceEvent =
  | {
      [How in Change]: NetworkLinkEvent<How> | NetworkAddressEvent<How> | NetworkRouteEvent<How>;
    }[Change]
  | OverrunEvent;

/** What `pm.interfaces.watch()` reports, and how much of it may wait. */
export interface WatchInterfacesOptions extends EventStreamOptions {
  /** false: links and addresses alone (default: true). A router may have a million routes. */
  routes?: boolean;
}

/** Links by their index. */
export type Names = ReadonlyMap<number, { name: string }>;

/** The name of an interface, or its index where the interface is gone. */
const nameOf = (names: Names, index: number): string => names.get(index)?.name ?? String(index);
const family = (number: 4 | 6): 'IPv4' | 'IPv6' => (number === 4 ? 'IPv4' : 'IPv6');

/** The public form of a link; `names` has the bridge, bond or VRF that it belongs to. */
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

/** The public form of an address. */
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

/** The public form of a route. */
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
