import type { NativeEndpoint } from '../../types/native';
import type { Abortable } from '../base/abort';
import { canonicalAddress, scopeOf, withoutScope } from '../base/addresses';
import {
  checkAddress,
  checkBoolean,
  checkId,
  checkIfGiven,
  checkInterface,
  checkObject,
  checkPort,
  invalidArgValue,
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

export interface EndpointFlags {
  /** Announced to the peer of each connection (ADD_ADDR). */
  signal?: boolean;
  /** Used to open a subflow of each connection. */
  subflow?: boolean;
  /** Its subflows carry data only when no other one can. */
  backup?: boolean;
  /** With `subflow`: to every address that the peer announced. */
  fullmesh?: boolean;
  /** Used as the source towards an address that the peer announces; since Linux 6.18. */
  laminar?: boolean;
}

export interface EndpointOptions extends EndpointFlags {
  address: string;
  /** Of its own to listen at; with `signal` and without `subflow` alone. */
  port?: number;
  /** 1 to 255; the kernel chooses unless given. */
  id?: number;
  /** The name of the interface to use. */
  interface?: string;
}

/** An address that the path manager may use, as the kernel has it. */
export interface Endpoint extends Required<EndpointFlags> {
  id: number;
  address: string;
  port?: number;
  interface?: string;
  /** Made by the kernel itself, for a connection that uses the address. */
  implicit: boolean;
  /** Every flag as the kernel reports it, MPTCP_PM_ADDR_FLAG_*: those of a newer kernel too. */
  flags: number;
}

/** The one endpoint of an address and port, or, without `port`, the one that has no port of its own. */
export interface EndpointAddress {
  address: string;
  port?: number;
}

/** An id (1 to 255), an address that a single endpoint has, or an address with its port. */
export type EndpointReference = number | string | EndpointAddress;

/** The endpoint of each connection's first subflow, which has no id of its own. */
export interface FirstSubflow {
  id: 0;
  address: string;
}

/** @internal */
export interface KeptEndpoint {
  endpoint: Endpoint;
  /** Somebody else may keep it. */
  release: () => void;
}

/** @internal What keeps endpoints for somebody: the class Endpoints. */
export interface EndpointStore {
  keep(options: EndpointOptions): Promise<KeptEndpoint>;
  update(id: number, changes: { backup?: boolean; fullmesh?: boolean }): Promise<Endpoint>;
  delete(id: number): Promise<void>;
}

export function checkOptions(name: string, options: unknown): asserts options is EndpointOptions {
  checkObject(name, options);
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
  checkObject(name, flags);
  const given: EndpointFlags = flags;
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

/** Of the endpoints that have an address the kernel has one, on whatever interface. */
const isAt = (endpoint: NativeEndpoint, address: string): boolean =>
  withoutScope(endpoint.address) === withoutScope(address);
function isMeant(endpoint: NativeEndpoint, address: string): boolean {
  const [scope, own] = [scopeOf(address), scopeOf(endpoint.address)];
  const scoped = scope !== undefined && own !== undefined;
  return isAt(endpoint, address) && (!scoped || [own, String(endpoint.interface)].includes(scope));
}

export const namesOf = (flags: number): Flag[] =>
  (Object.keys(FLAGS) as Flag[]).filter((flag) => flags & FLAGS[flag]);

export const flagsOf = (flags: EndpointFlags): number =>
  SETTABLE.reduce((bits, flag) => (flags[flag] ? bits | FLAGS[flag] : bits), 0);
export function isSame(
  endpoint: Endpoint,
  { address, port, interface: device, ...flags }: EndpointOptions,
) {
  return (
    withoutScope(endpoint.address) === withoutScope(address) &&
    endpoint.port === port &&
    endpoint.interface === device &&
    flagsOf(endpoint) === flagsOf(flags) &&
    !endpoint.implicit
  );
}

function withNames(
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
  const device = names?.get(index);
  if (device !== undefined) endpoint.interface = device;
  return endpoint;
}

/** Gives endpoints their public form, in which interfaces have names. */
export async function publicEndpoints(
  commands: Commands,
  endpoints: NativeEndpoint[],
  abort?: Abortable,
): Promise<Endpoint[]> {
  const named = endpoints.some((each) => each.interface !== 0);
  const names = named ? await interfaceNames(commands, abort) : undefined;
  return endpoints.map((each) => withNames(each, names));
}

export async function publicEndpoint(
  commands: Commands,
  endpoint: NativeEndpoint,
  abort?: Abortable,
): Promise<Endpoint> {
  const names = endpoint.interface === 0 ? undefined : await interfaceNames(commands, abort);
  return withNames(endpoint, names);
}

const portOf = (port: number): string => (port === 0 ? 'without a port' : `with the port ${port}`);

/** The one endpoint that is meant. ERR_MPTCP_NOT_FOUND, ERR_MPTCP_AMBIGUOUS. */
export function findEndpoint(
  endpoints: readonly NativeEndpoint[],
  reference: string | EndpointAddress,
): NativeEndpoint {
  const byAddress = typeof reference === 'string';
  const address = canonicalAddress(byAddress ? reference : reference.address);
  const port = byAddress ? undefined : (reference.port ?? 0);
  const [found, ...others] = endpoints.filter(
    (each) => isMeant(each, address) && (port === undefined || each.port === port),
  );
  if (!found) {
    const what = port === undefined ? address : `${address} ${portOf(port)}`;
    throw new MptcpError(
      'ERR_MPTCP_NOT_FOUND',
      `No endpoint has the address ${what}: pm.endpoints.list() gives those there are`,
    );
  }
  if (others.length === 0) return found;
  const all = [found, ...others].map((each) => `id ${each.id} ${portOf(each.port)}`);
  throw new MptcpError(
    'ERR_MPTCP_AMBIGUOUS',
    `Several endpoints have the address ${address}: ${all.join(', ')}. Give the id, or { address, port }`,
  );
}

export interface FollowOptions extends EventStreamOptions {
  /**
   * Whether an address gets an endpoint (default: all do). Only usable addresses are asked about:
   * with global scope, not IPv4 link-local, tentative, deprecated or duplicate, on an interface that
   * is running and not the loopback.
   */
  match?: (address: NetworkAddress, link: NetworkInterface) => boolean;
  /** Of each endpoint: `{ subflow: true }` on a client, `{ signal: true }` on a server. */
  flags: EndpointFlags;
}

export type FollowEvent =
  /** One that was there, as asked for and kept by nobody, is taken over. */
  | { type: 'added'; endpoint: Endpoint }
  /** Its address is gone, or can no longer be used. */
  | { type: 'removed'; endpoint: Endpoint }
  /** Its flags are others: of the endpoints that a policy wants alone. */
  | { type: 'updated'; endpoint: Endpoint }
  /** The kernel refused: ERR_MPTCP_LIMIT, … Tried again when an interface or an endpoint changes. */
  | { type: 'refused'; address: NetworkAddress; error: unknown }
  | OverrunEvent;
