/**
 * The decisions of the in-kernel path manager (net/mptcp/pm_kernel.c) for connections that it does
 * not manage in userspace mode. The class KernelLikeManager carries them out.
 */
import type { Address, NativeCommand, NativeEndpoint, NativeLimits } from '../../types/native';
import { familyOf, isAddress, socketKey, subflowKey } from '../base/addresses';
import type { AnnouncedEvent, EstablishedEvent } from '../events/events';
import { ENDPOINT_FLAGS } from '../kernel/constants';
import type { AddressIds } from './address-ids';
import { build } from './userspace';

const { SIGNAL, SUBFLOW, BACKUP, FULLMESH, LAMINAR } = ENDPOINT_FLAGS;

/** What the namespace is configured to do. */
export interface Config {
  endpoints: NativeEndpoint[];
  limits: NativeLimits;
}

interface Side {
  address: string;
  port: number;
}

export interface ManagedSubflow {
  local: Address;
  remote: Address;
  /** The id of the local address; undefined where the event does not report it. */
  localId?: number | undefined;
}

/** The state of one connection. */
export interface Managed {
  readonly token: number;
  readonly local: Address;
  readonly remote: Address;
  readonly serverSide: boolean;
  /** Undefined where this kernel does not report it: no subflow then goes to the first address. */
  readonly denyJoinId0: boolean | undefined;
  /** By the ids of endpoints that were announced: the ids that their addresses have here. */
  readonly announced: Map<number, number>;
  /** Ids of the endpoints that were used for a subflow to the first remote address. */
  readonly used: Set<number>;
  /** Ids of the peer's addresses that were accepted. */
  readonly accepted: Set<number>;
  /** Additional subflows by subflowKey(). */
  readonly subflows: Map<string, ManagedSubflow>;
  /** The remote ends to which subflows are being opened. */
  readonly opening: Side[];
  /** The subflowKey() of subflows that are being destroyed, and take no room any more. */
  readonly closing: Set<string>;
  /** Made when the kernel first refuses the id of an endpoint. */
  ids?: AddressIds;
}

/** The state of a connection that has just been established. */
export function manage(event: EstablishedEvent): Managed {
  const { token, local, remote, serverSide = false, denyJoinId0 } = event;
  return {
    ...{ token, local, remote, serverSide, denyJoinId0 },
    announced: new Map(),
    used: new Set(),
    accepted: new Set(),
    subflows: new Map(),
    opening: [],
    closing: new Set(),
  };
}

const has = (endpoint: NativeEndpoint, flag: number): boolean => (endpoint.flags & flag) !== 0;

const room = (connection: Managed, { limits }: Config): number =>
  limits.subflows - connection.subflows.size - connection.opening.length;

function create(connection: Managed, endpoint: NativeEndpoint, remote: Side): NativeCommand {
  connection.opening.push(remote);
  return build.createSubflow(connection.token, endpoint, remote, isBackup(endpoint));
}

/** The commands for a connection that endpoints and limits ask for, and that were not run yet. */
export function open(connection: Managed, config: Config): NativeCommand[] {
  const { token, local, announced, used } = connection;
  const commands: NativeCommand[] = [];
  const others = config.endpoints.filter(({ address }) => !isAddress(address, local.address));
  for (const endpoint of others) {
    if (!has(endpoint, SIGNAL) || announced.has(endpoint.id)) continue;
    announced.set(endpoint.id, endpoint.id);
    commands.push(build.announce(token, endpoint));
  }
  // A server cannot reach the port that its client has connected from.
  if (connection.serverSide) return commands;
  for (const endpoint of others) {
    if (!has(endpoint, SUBFLOW) || used.has(endpoint.id)) continue;
    const remotes = remotesFor(connection, endpoint);
    if (remotes.length === 0) continue;
    if (room(connection, config) <= 0) break;
    used.add(endpoint.id);
    for (const each of remotes.slice(0, room(connection, config))) {
      commands.push(create(connection, endpoint, each));
    }
  }
  return commands;
}

/**
 * Where an endpoint's subflows go: to the first remote address, and with `fullmesh` to those of the
 * other subflows too (fill_remote_addresses_vec()).
 */
function remotesFor({ remote, denyJoinId0, subflows }: Managed, endpoint: NativeEndpoint): Side[] {
  const first = denyJoinId0 === false ? [remote] : [];
  const others = has(endpoint, FULLMESH) ? [...subflows.values()].map((each) => each.remote) : [];
  const denied = denyJoinId0 === false ? undefined : socketKey(remote);
  const found = new Map<string, Side>();
  for (const { address, port } of [...first, ...others]) {
    const key = socketKey({ address, port });
    if (familyOf(address) !== familyOf(endpoint.address) || key === denied) continue;
    found.set(key, { address, port });
  }
  return [...found.values()];
}

/** The unspecified address, so that routing chooses the local one, with an id of no endpoint. */
function anywhere(family: 4 | 6, { endpoints }: Config): NativeEndpoint {
  let id = family === 4 ? 255 : 254;
  while (endpoints.some((endpoint) => endpoint.id === id)) id -= 2;
  return { id, address: family === 4 ? '0.0.0.0' : '::', port: 0, flags: 0, interface: 0 };
}

/** The commands that the peer's announcement of an address leads to. */
export function accept(
  connection: Managed,
  event: AnnouncedEvent,
  config: Config,
): NativeCommand[] {
  const { accepted, denyJoinId0, local, subflows, used } = connection;
  const remote = { address: event.address, port: event.port ?? connection.remote.port };
  const known = [connection, ...subflows.values()].some(
    (each) => isAddress(each.remote.address, remote.address) && each.remote.port === remote.port,
  );
  // Where a peer denies joins to its first address, one announced address replaces it (Linux 6.18).
  const instead = denyJoinId0 === true && config.limits.addAddrAccepted === 0 && used.size === 0;
  if (known || (accepted.size >= config.limits.addAddrAccepted && !instead)) return [];
  const family = familyOf(remote.address);
  const usable = config.endpoints.filter(({ address }) => familyOf(address) === family);
  const fullmesh = usable.filter((endpoint) => has(endpoint, FULLMESH));
  const laminar = usable.filter((endpoint) => has(endpoint, LAMINAR)).slice(0, 1);
  const others = usable.filter(
    (endpoint) => has(endpoint, SUBFLOW) && !isAddress(endpoint.address, local.address),
  );
  const rest = instead ? others : [anywhere(family, config)];
  const [locals = []] = [fullmesh, laminar, rest].filter(({ length }) => length > 0);
  const chosen = locals.slice(0, Math.max(0, room(connection, config)));
  if (chosen.length > 0) accepted.add(event.remoteId);
  if (instead) for (const { id } of chosen) used.add(id);
  return chosen.map((endpoint) => create(connection, endpoint, remote));
}

/**
 * The commands that withdraw an endpoint that is gone, and destroy its subflows. An id that is not
 * announced is withdrawn too, so that the peer closes its end of the subflows.
 */
export function forget(connection: Managed, endpoint: NativeEndpoint): NativeCommand[] {
  const { token, announced, used, subflows } = connection;
  const commands: NativeCommand[] = [];
  const own = [...subflows.values()].filter(({ local }) =>
    isAddress(local.address, endpoint.address),
  );
  const isInitial = isAddress(connection.local.address, endpoint.address);
  const ids = new Set([
    announced.get(endpoint.id),
    ...(isInitial ? [] : own.map(({ localId }) => localId)),
  ]);
  for (const id of ids) if (id !== undefined) commands.push(build.withdraw(token, id));
  announced.delete(endpoint.id);
  used.delete(endpoint.id);
  return [...commands, ...own.map((subflow) => build.destroySubflow(token, subflow))];
}

/** The commands that give an endpoint's subflows, the initial one included, its backup flag. */
export function prioritize(connection: Managed, endpoint: NativeEndpoint): NativeCommand[] {
  const { token, subflows } = connection;
  return [connection, ...subflows.values()]
    .filter(({ local }) => isAddress(local.address, endpoint.address))
    .map((subflow) => build.setBackup(token, subflow, isBackup(endpoint)));
}

/**
 * The commands that destroy an endpoint's subflows because its flag `fullmesh` has changed: open()
 * then opens those that it has now (mptcp_pm_nl_fullmesh()).
 */
export function remesh(connection: Managed, { id, address }: NativeEndpoint): NativeCommand[] {
  const { token, used, subflows, closing } = connection;
  used.delete(id);
  return [...subflows.values()]
    .filter(({ local }) => isAddress(local.address, address))
    .map((subflow) => {
      subflows.delete(subflowKey(subflow));
      closing.add(subflowKey(subflow));
      return build.destroySubflow(token, subflow);
    });
}

export const isFullmesh = (endpoint: NativeEndpoint): boolean => has(endpoint, FULLMESH);

export const isBackup = (endpoint: NativeEndpoint): boolean => has(endpoint, BACKUP);
