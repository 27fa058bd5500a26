import type {
  NativeInterfaceAddress,
  NativeLink,
  NativeNextHop,
  NativeRoute,
} from '../../types/native';
import {
  checkStreamOptions,
  EventStream,
  type EventStreamOptions,
  type Overrun,
} from '../base/event-stream';
import { familyOf } from '../base/addresses';
import { checkBoolean, checkIfGiven } from '../base/arguments';
import { type Abortable, type Commands, throwIfAborted } from '../kernel/commands';
import { WatchedInterfaces } from './source';

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

export interface Link {
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

export interface InterfaceAddress {
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
export interface Interface extends Link {
  addresses: InterfaceAddress[];
}

export interface NextHop {
  gateway?: string;
  /** The name of the interface. */
  interface?: string;
  weight: number;
}

export interface Route {
  family: 'IPv4' | 'IPv6';
  /** undefined: the default route. */
  destination?: string;
  prefixLength: number;
  /** None: unreachable, blackhole … */
  nextHops: NextHop[];
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
  | { [How in Change]: { type: `link${How}`; link: Link } }[Change]
  | { [How in Change]: { type: `address${How}`; address: InterfaceAddress } }[Change]
  | { [How in Change]: { type: `route${How}`; route: Route } }[Change]
  | Overrun;

export interface WatchInterfacesOptions extends EventStreamOptions {
  /** false: links and addresses alone (true). A router may have a million routes. */
  routes?: boolean;
}

const UP = 0x1;
const LOOPBACK = 0x8;
const RUNNING = 0x40;
const TENTATIVE = 0x40;
const DEPRECATED = 0x20;
const DUPLICATE = 0x08;

export type Names = ReadonlyMap<number, { name: string }>;

/** Where an interface has gone its index is the only name left. */
const nameOf = (names: Names, index: number): string => names.get(index)?.name ?? String(index);

const family = (number: 4 | 6): 'IPv4' | 'IPv6' => (number === 4 ? 'IPv4' : 'IPv6');

export function publicLink(link: NativeLink, names: Names): Link {
  const { index, name, flags, operationalState, carrier, mtu, kind, master } = link;
  const state = operationalState === undefined ? undefined : OPERATIONAL_STATES[operationalState];
  return {
    ...{ index, name },
    up: (flags & UP) !== 0,
    running: (flags & RUNNING) !== 0,
    loopback: (flags & LOOPBACK) !== 0,
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
): InterfaceAddress {
  return {
    interface: nameOf(names, index),
    ...{ address, prefixLength },
    family: family(familyOf(address)),
    scope: (SCOPES as Partial<Record<number, InterfaceAddress['scope']>>)[scope] ?? scope,
    tentative: (flags & TENTATIVE) !== 0,
    deprecated: (flags & DEPRECATED) !== 0,
    duplicate: (flags & DUPLICATE) !== 0,
  };
}

export function publicRoute(route: NativeRoute, names: Names): Route {
  const { destination, prefixLength, table, metric, source, type, protocol } = route;
  const nextHop = ({ gateway, interface: index, weight }: NativeNextHop): NextHop => ({
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

const byIndex = (links: NativeLink[]): Map<number, NativeLink> =>
  new Map(links.map((link) => [link.index, link]));

/** The network interfaces of the namespace. */
export class Interfaces {
  readonly #commands: Commands;
  readonly #hold: (stream: InterfaceEvents) => InterfaceEvents;

  /** @internal `hold`: closes the stream with the path manager */
  constructor(commands: Commands, hold: (stream: InterfaceEvents) => InterfaceEvents) {
    this.#commands = commands;
    this.#hold = hold;
  }

  async list(abort?: Abortable): Promise<Interface[]> {
    const links = await this.#commands.links(abort);
    const addresses = await this.#commands.addresses(abort);
    const names = byIndex(links);
    return links.map((link) => ({
      ...publicLink(link, names),
      addresses: addresses
        .filter((each) => each.interface === link.index)
        .map((each) => publicInterfaceAddress(each, names)),
    }));
  }

  /** Of every table. */
  async routes(abort?: Abortable): Promise<Route[]> {
    const names = byIndex(await this.#commands.links(abort));
    return (await this.#commands.routes(abort)).map((route) => publicRoute(route, names));
  }

  /** What changes from now on. */
  watch(options: WatchInterfacesOptions = {}): InterfaceEvents {
    return this.#hold(new InterfaceEvents(this.#commands, options));
  }
}

/** Changes of links, addresses and routes, told apart; see {@link EventStream}. */
export class InterfaceEvents extends EventStream<InterfaceEvent> {
  readonly #watched: WatchedInterfaces;

  /** @internal */
  constructor(commands: Commands, options: WatchInterfacesOptions) {
    checkStreamOptions(options);
    checkIfGiven(checkBoolean, 'options.routes', options.routes);
    throwIfAborted(options.signal, false);
    let watched: WatchedInterfaces | undefined;
    super((sink) => (watched = new WatchedInterfaces(commands, options, sink)), options);
    this.#watched = watched as unknown as WatchedInterfaces;
  }

  /** What there is as of the last event, routes aside. */
  get interfaces(): Interface[] {
    return this.#watched.interfaces();
  }

  /** The thread that receives the kernel's messages (gettid(2)). */
  get threadId(): number {
    return this.#watched.threadId;
  }
}
