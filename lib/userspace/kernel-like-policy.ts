/**
 * What the in-kernel path manager does (net/mptcp/pm_kernel.c), for connections that it no longer
 * manages: the decisions, apart from who carries them out.
 */
import type { Address, NativeCommand, NativeEndpoint, NativeLimits } from '../../types/native';
import { familyOf, isAddress } from '../base/addresses';
import type { AnnouncedEvent, EstablishedEvent } from '../events/events';

const SIGNAL = 1;
const SUBFLOW = 2;
const BACKUP = 4;
const FULLMESH = 8;
const LAMINAR = 32;

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
}

/** A connection as the policy knows it. */
export interface Managed {
  readonly token: number;
  readonly local: Address;
  readonly remote: Address;
  readonly serverSide: boolean;
  /** undefined: this kernel does not tell, so that there are none to be opened there. */
  readonly denyJoinId0: boolean | undefined;
  /** Ids of endpoints that were announced. */
  readonly announced: Set<number>;
  /** Ids of endpoints that were used for a subflow to the first remote address. */
  readonly used: Set<number>;
  /** Ids of the peer's addresses that were accepted. */
  readonly accepted: Set<number>;
  /** Additional subflows by subflowKey(). */
  readonly subflows: Map<string, ManagedSubflow>;
  /** Remote ends to which subflows are being opened. */
  readonly opening: Side[];
}

export function manage(event: EstablishedEvent): Managed {
  const { token, local, remote, serverSide = false, denyJoinId0 } = event;
  return {
    ...{ token, local, remote, serverSide, denyJoinId0 },
    announced: new Set(),
    used: new Set(),
    accepted: new Set(),
    subflows: new Map(),
    opening: [],
  };
}

const has = (endpoint: NativeEndpoint, flag: number): boolean => (endpoint.flags & flag) !== 0;

const room = (connection: Managed, { limits }: Config): number =>
  limits.subflows - connection.subflows.size - connection.opening.length;

function create(connection: Managed, endpoint: NativeEndpoint, remote: Side): NativeCommand {
  connection.opening.push(remote);
  const { id, address, flags, interface: index } = endpoint;
  return {
    command: 'createSubflow',
    token: connection.token,
    local: { id, address, port: 0, flags: flags & BACKUP, interface: index },
    remote,
  };
}

/** What is to be done for a connection, as far as it was not done yet. */
export function open(connection: Managed, config: Config): NativeCommand[] {
  const { token, local, remote, announced, used } = connection;
  const commands: NativeCommand[] = [];
  const others = config.endpoints.filter(({ address }) => !isAddress(address, local.address));
  for (const endpoint of others) {
    if (!has(endpoint, SIGNAL) || announced.has(endpoint.id)) continue;
    announced.add(endpoint.id);
    commands.push({ command: 'announce', token, endpoint });
  }
  // A server cannot reach the port that its client has connected from.
  if (connection.serverSide || connection.denyJoinId0 !== false) return commands;
  for (const endpoint of others) {
    if (!has(endpoint, SUBFLOW) || used.has(endpoint.id)) continue;
    if (familyOf(endpoint.address) !== familyOf(remote.address)) continue;
    if (room(connection, config) <= 0) break;
    used.add(endpoint.id);
    const { address, port } = remote;
    commands.push(create(connection, endpoint, { address, port }));
  }
  return commands;
}

/** An id that no endpoint has, for whatever local address the routes choose. */
function anywhere(family: 4 | 6, { endpoints }: Config): NativeEndpoint {
  let id = family === 4 ? 255 : 254;
  while (endpoints.some((endpoint) => endpoint.id === id)) id -= 2;
  return { id, address: family === 4 ? '0.0.0.0' : '::', port: 0, flags: 0, interface: 0 };
}

/** What the peer's announcement of an address leads to. */
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
  // Where a peer denies joins, one announced address stands for its first one: since Linux 6.18.
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

/** What an endpoint that is gone takes with it. */
export function forget(connection: Managed, endpoint: NativeEndpoint): NativeCommand[] {
  const { token, announced, used, subflows } = connection;
  const commands: NativeCommand[] = [];
  if (announced.delete(endpoint.id)) {
    commands.push({ command: 'remove', token, localId: endpoint.id });
  }
  used.delete(endpoint.id);
  for (const { local, remote } of subflows.values()) {
    if (!isAddress(local.address, endpoint.address)) continue;
    commands.push({ command: 'destroySubflow', token, local: side(local), remote: side(remote) });
  }
  return commands;
}

/** Subflows of an endpoint follow its backup flag; so does the first one, where it is one's. */
export function prioritize(connection: Managed, endpoint: NativeEndpoint): NativeCommand[] {
  const { token, subflows } = connection;
  const flags = endpoint.flags & BACKUP;
  return [connection, ...subflows.values()]
    .filter(({ local }) => isAddress(local.address, endpoint.address))
    .map(({ local, remote }) => ({
      ...({ command: 'setSubflowFlags', token, flags } as const),
      local: side(local),
      remote: side(remote),
    }));
}

export const isBackup = (endpoint: NativeEndpoint): boolean => has(endpoint, BACKUP);

const side = ({ address, port }: Side): Side => ({ address, port });
