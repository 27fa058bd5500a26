/** What an endpoint is: its public and its native form, the checks of both, and how one is named. */
import type { NativeEndpoint } from '../../types/native';
import type { Abortable } from '../base/abort';
import { canonicalAddress, isAddress, scopeOf } from '../base/addresses';
import {
  checkAddress,
  checkBoolean,
  checkId,
  checkIfGiven,
  checkInterface,
  checkKeys,
  checkObject,
  checkPort,
  invalidArgValue,
  type Keys,
} from '../base/arguments';
import { MptcpError } from '../base/errors';
import type { EventStreamOptions, OverrunEvent } from '../base/event-stream';
import type { NetworkAddress, NetworkInterface } from '../interfaces/interface';
import { interfaceNames } from '../interfaces/names';
import type { Commands } from '../kernel/commands';
import { ENDPOINT_FLAGS } from '../kernel/constants';

const FLAGS = {
  signal: ENDPOINT_FLAGS.SIGNAL,
  subflow: ENDPOINT_FLAGS.SUBFLOW,
  backup: ENDPOINT_FLAGS.BACKUP,
  fullmesh: ENDPOINT_FLAGS.FULLMESH,
  implicit: ENDPOINT_FLAGS.IMPLICIT,
  laminar: ENDPOINT_FLAGS.LAMINAR,
} as const;
type Flag = keyof typeof FLAGS;
const SETTABLE = ['signal', 'subflow', 'backup', 'fullmesh', 'laminar'] as const;

/** What the in-kernel path manager does with an endpoint (ip-mptcp(8)); each is false by default. */
export interface EndpointFlags {
  /** The address is announced to the peer of each connection (ADD_ADDR). */
  signal?: boolean;
  /** The address is used to open a subflow of each connection. */
  subflow?: boolean;
  /** Its subflows carry data only when no other one can. */
  backup?: boolean;
  /** With `subflow`, it opens a subflow to every address that the peer announced. */
  fullmesh?: boolean;
  /** Used as the source towards an address that the peer announces; since Linux 6.18. */
  laminar?: boolean;
}

/** The endpoint to add. */
export interface EndpointOptions extends EndpointFlags {
  /** A numeric IPv4 or IPv6 address; a link-local one may have its `%interface`. */
  address: string;
  /**
   * A port of its own, at which the kernel listens for joins; only with `signal` and without
   * `subflow`. Default: the port of each connection.
   */
  port?: number;
  /** 1 to 255; the kernel chooses one unless given. */
  id?: number;
  /** The name of the interface to use. */
  interface?: string;
}

/** An address that the path manager may use, as the kernel reports it. */
export interface Endpoint extends Required<EndpointFlags> {
  /** The address id, 1 to 255 (RFC 8684 section 3.4). */
  id: number;
  /** A numeric address; an IPv6 link-local one with its `%interface`. */
  address: string;
  /** The port at which it listens for joins; undefined: it has none of its own. */
  port?: number;
  /** The name of the interface that it is bound to; undefined: any, or one that no longer exists. */
  interface?: string;
  /** The index of that interface, which may no longer exist; undefined: any. */
  interfaceIndex?: number;
  /** The kernel itself made it, for a connection that uses the address. */
  implicit: boolean;
  /** Every flag as the kernel reports it, MPTCP_PM_ADDR_FLAG_*: those of a newer kernel too. */
  flags: number;
}

/** Names exactly one endpoint, where several may have one address. */
export interface EndpointAddress {
  /** A numeric address. */
  address: string;
  /** The endpoint's own port; undefined: the endpoint has none. */
  port?: number;
}

/** An id (1 to 255), an address that a single endpoint has, or an address with its port. */
export type EndpointReference = number | string | EndpointAddress;

/** The first subflow of each connection that began at an address; it has no endpoint id. */
export interface FirstSubflow {
  /** The address id of every first subflow. */
  id: 0;
  /** The local address of the first subflow. */
  address: string;
}

/** @internal An endpoint that this process keeps: no other one takes it over. */
export interface KeptEndpoint {
  endpoint: Endpoint;
  /** Lets others keep it; the endpoint stays. */
  release: () => void;
}

/** @internal What an EndpointKeeper needs of the class Endpoints. */
export interface EndpointStore {
  keep(options: EndpointOptions): Promise<KeptEndpoint>;
  update(id: number, changes: { backup?: boolean; fullmesh?: boolean }): Promise<Endpoint>;
  delete(id: number): Promise<void>;
}

/** The keys of an endpoint's flags. */
export const FLAG_KEYS: Keys<EndpointFlags> = {
  signal: true,
  subflow: true,
  backup: true,
  fullmesh: true,
  laminar: true,
};
const OPTION_KEYS: Keys<EndpointOptions> = {
  ...FLAG_KEYS,
  address: true,
  port: true,
  id: true,
  interface: true,
};

export function checkOptions(name: string, options: unknown): asserts options is EndpointOptions {
  checkKeys<EndpointOptions>(name, options, OPTION_KEYS);
  const { address, port, id, interface: device, ...rest } = options as EndpointOptions;
  checkAddress(`${name}.address`, address);
  checkIfGiven(checkPort, `${name}.port`, port);
  checkIfGiven(checkId, `${name}.id`, id);
  checkIfGiven(checkInterface, `${name}.interface`, device);
  const scope = scopeOf(address);
  if (device !== undefined && scope !== undefined && scope !== device) {
    throw invalidArgValue(`${name}.interface`, device, `must be ${scope}, as in ${address}`);
  }
  checkFlags(name, rest);
}

export function checkFlags(name: string, flags: unknown): asserts flags is EndpointFlags {
  checkKeys<EndpointFlags>(name, flags, FLAG_KEYS);
  const given = flags;
  for (const flag of SETTABLE) checkIfGiven(checkBoolean, `${name}.${flag}`, given[flag]);
}

export function checkReference(reference: unknown): asserts reference is EndpointReference {
  if (typeof reference === 'string') checkAddress('endpoint', reference);
  else if (typeof reference === 'number') checkId('endpoint', reference);
  else {
    checkObject('endpoint', reference, 'an id, an address or an object with an address');
    const { address, port, id } = reference as EndpointAddress & { id?: unknown };
    checkAddress('endpoint.address', address);
    checkIfGiven(checkPort, 'endpoint.port', port);
    if (id !== undefined) {
      throw invalidArgValue('endpoint.id', id, 'must not stand beside an address: give it alone');
    }
  }
}

/** Whether an endpoint has the address; scopes count only where both have one. */
function hasAddress(endpoint: NativeEndpoint, address: string): boolean {
  if (!isAddress(endpoint.address, address)) return false;
  const [scope, own] = [scopeOf(address), scopeOf(endpoint.address)];
  if (scope === undefined || own === undefined) return true;
  return scope === own || scope === String(endpoint.interface);
}

/** The names of the flags in a bit mask. */
export const namesOf = (flags: number): Flag[] =>
  (Object.keys(FLAGS) as Flag[]).filter((flag) => flags & FLAGS[flag]);

/** The bit mask of the flags that are true. */
export const flagsOf = (flags: EndpointFlags): number =>
  SETTABLE.reduce((bits, flag) => (flags[flag] ? bits | FLAGS[flag] : bits), 0);

/** Whether an endpoint is what add() would make of the options; ids may differ. */
export function isSame(
  endpoint: Endpoint,
  { address, port, interface: device, ...flags }: EndpointOptions,
) {
  return (
    isAddress(endpoint.address, address) &&
    endpoint.port === port &&
    endpoint.interface === device &&
    flagsOf(endpoint) === flagsOf(flags) &&
    !endpoint.implicit
  );
}

function publicForm(
  { id, address, port, flags, interface: index }: NativeEndpoint,
  names?: Map<number, string>,
): Endpoint {
  const endpoint: Endpoint = {
    id,
    address,
    signal: (flags & FLAGS.signal) !== 0,
    subflow: (flags & FLAGS.subflow) !== 0,
    backup: (flags & FLAGS.backup) !== 0,
    fullmesh: (flags & FLAGS.fullmesh) !== 0,
    implicit: (flags & FLAGS.implicit) !== 0,
    laminar: (flags & FLAGS.laminar) !== 0,
    flags,
  };
  if (port !== 0) endpoint.port = port;
  if (index !== 0) endpoint.interfaceIndex = index;
  const device = names?.get(index);
  if (device !== undefined) endpoint.interface = device;
  return endpoint;
}

/** The public form of endpoints, in which interfaces have names. */
export async function publicEndpoints(
  commands: Commands,
  endpoints: NativeEndpoint[],
  abort?: Abortable,
): Promise<Endpoint[]> {
  const named = endpoints.some((each) => each.interface !== 0);
  const names = named ? await interfaceNames(commands, abort) : undefined;
  return endpoints.map((each) => publicForm(each, names));
}

/** The public form of one endpoint. */
export async function publicEndpoint(
  commands: Commands,
  endpoint: NativeEndpoint,
  abort?: Abortable,
): Promise<Endpoint> {
  const names = endpoint.interface === 0 ? undefined : await interfaceNames(commands, abort);
  return publicForm(endpoint, names);
}

const describePort = (port: number): string =>
  port === 0 ? 'without a port' : `with the port ${port}`;

/** The endpoint that a reference names. ERR_MPTCP_NOT_FOUND: none; ERR_MPTCP_AMBIGUOUS: several. */
export function findEndpoint(
  endpoints: readonly NativeEndpoint[],
  reference: string | EndpointAddress,
): NativeEndpoint {
  const byAddress = typeof reference === 'string';
  const address = canonicalAddress(byAddress ? reference : reference.address);
  const port = byAddress ? undefined : (reference.port ?? 0);
  const [found, ...others] = endpoints.filter(
    (each) => hasAddress(each, address) && (port === undefined || each.port === port),
  );
  if (!found) {
    const what = port === undefined ? address : `${address} ${describePort(port)}`;
    throw new MptcpError(
      'ERR_MPTCP_NOT_FOUND',
      `No endpoint has the address ${what}: pm.endpoints.list() gives those there are`,
    );
  }
  if (others.length === 0) return found;
  const all = [found, ...others].map((each) => `id ${each.id} ${describePort(each.port)}`);
  throw new MptcpError(
    'ERR_MPTCP_AMBIGUOUS',
    `Several endpoints have the address ${address}: ${all.join(', ')}. Give the id, or { address, port }`,
  );
}

/** Which addresses `pm.endpoints.follow()` makes endpoints of, and with which flags. */
export interface FollowOptions extends EventStreamOptions {
  /**
   * Whether an address gets an endpoint (default: all do). Only usable addresses are asked about:
   * with global scope, not IPv4 link-local, tentative, deprecated or duplicate, on an interface that
   * is running and not the loopback.
   */
  match?: (address: NetworkAddress, link: NetworkInterface) => boolean;
  /** The flags of each endpoint: `{ subflow: true }` on a client, `{ signal: true }` on a server. */
  flags: EndpointFlags;
}

/** An endpoint appears: it was added, or one that already existed and nobody kept was taken over. */
export interface FollowAddedEvent {
  /** The kind of the event. */
  type: 'added';
  /** The endpoint as read back from the kernel. */
  endpoint: Endpoint;
}

/** An endpoint was deleted, because its address is gone or no longer usable. */
export interface FollowRemovedEvent {
  /** The kind of the event. */
  type: 'removed';
  /** The endpoint as it was. */
  endpoint: Endpoint;
}

/** The flags of an endpoint changed; only a policy's endpoints (`by: 'endpoints'`) change theirs. */
export interface FollowUpdatedEvent {
  /** The kind of the event. */
  type: 'updated';
  /** The endpoint as read back from the kernel. */
  endpoint: Endpoint;
}

/** The kernel refused an endpoint; it is tried again when an interface or an endpoint changes. */
export interface FollowRefusedEvent {
  /** The kind of the event. */
  type: 'refused';
  /** The address that has no endpoint. */
  address: NetworkAddress;
  /** An MptcpError: ERR_MPTCP_LIMIT, ERR_MPTCP_EXISTS … */
  error: unknown;
}

/** What `pm.endpoints.follow()` reports. */
export type FollowEvent =
  FollowAddedEvent | FollowRemovedEvent | FollowUpdatedEvent | FollowRefusedEvent | OverrunEvent;
