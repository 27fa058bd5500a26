/**
 * The userspace path manager's commands for single connections (net/mptcp/pm_userspace.c): see
 * {@link ModeControl} for the mode that they need.
 */
import type { Address, NativeCommand, NativeEndpoint } from '../../types/native';
import type { Abortable } from '../base/abort';
import type { SocketAddress, SubflowReference } from '../base/addresses';
import { canonicalAddress, subflowKey } from '../base/addresses';
import {
  checkAbortable,
  checkAddress,
  checkBoolean,
  checkId,
  checkIfGiven,
  checkInterface,
  checkKeys,
  checkObject,
  checkPort,
  checkToken,
  type Keys,
  SIGNAL_APART,
} from '../base/arguments';
import { MptcpError } from '../base/errors';
import { type Endpoint, publicEndpoint, publicEndpoints } from '../endpoints/endpoint';
import type { PathManagerEvents } from '../events/stream';
import { interfaceIndex } from '../interfaces/names';
import type { Commands } from '../kernel/commands';
import { ENDPOINT_FLAGS } from '../kernel/constants';
import { dumpConnections, OPEN_STATES } from '../kernel/sock-diag';
import { AddressIds, INITIAL_ID } from './address-ids';
import { Listeners } from './listeners';
import { readIdToWithdraw } from './withdrawal';

const { SIGNAL, BACKUP, IMPLICIT } = ENDPOINT_FLAGS;

/** What is announced of an address, but for its id. */
export interface Announcement {
  /** The address that joins are to come to. */
  address: string;
  /** The port that joins are to come to; the connection's own unless given. */
  port?: number;
  /** The name of the interface that has the address: noted in the kernel's list of addresses. */
  interface?: string;
  /**
   * Whether to listen at the address and port where no MPTCP socket does (true). `false` is for an
   * address that this host does not have itself, such as the public one of a NAT or a balancer.
   */
  listen?: boolean;
}

/** What {@link PathManager.announce} takes. */
export interface AnnounceOptions extends Announcement {
  /** The address id, 1 to 255: what withdraw() names. */
  id: number;
}

/** Where a new subflow begins. */
export interface SubflowLocal {
  /** A local address of this host. */
  address: string;
  /**
   * The address id that the peer receives, 0 to 255. 0 is for the local address of the connection's
   * initial subflow (RFC 8684, section 3.2); older kernels refuse it (6.18 accepts it).
   */
  id: number;
  /** The name of the interface to use. */
  interface?: string;
}

/** What {@link PathManager.createSubflow} takes. */
export interface CreateSubflowOptions {
  /** Where the subflow begins. */
  local: SubflowLocal;
  /** Where the subflow goes. */
  remote: SocketAddress;
  /** Whether the subflow carries data only when no other one can (false). */
  backup?: boolean;
}

/** A local address as commands carry it, with the index of its interface. */
type LocalEndpoint = Pick<NativeEndpoint, 'id' | 'address'> & Partial<NativeEndpoint>;

const plain = ({ address, port }: SocketAddress): SocketAddress => ({
  address: canonicalAddress(address),
  port,
});

const ends = ({ local, remote }: SubflowReference): SubflowReference => ({
  local: plain(local),
  remote: plain(remote),
});

/** Builds the commands: the one place that knows their shapes. */
export const build = {
  createSubflow(
    token: number,
    { id, address, interface: index = 0 }: LocalEndpoint,
    remote: SocketAddress,
    backup = false,
  ) {
    const flags = backup ? BACKUP : 0;
    const local = { id, address: canonicalAddress(address), port: 0, flags, interface: index };
    return { command: 'createSubflow', token, local, remote: plain(remote) } as const;
  },

  destroySubflow(token: number, subflow: SubflowReference) {
    return { command: 'destroySubflow', token, ...ends(subflow) } as const;
  },

  setBackup(token: number, subflow: SubflowReference, backup: boolean) {
    const flags = backup ? BACKUP : 0;
    return { command: 'setSubflowFlags', token, ...ends(subflow), flags } as const;
  },

  announce(
    token: number,
    { id, address, port = 0, flags = 0, interface: index = 0 }: LocalEndpoint,
  ) {
    const local = { id, address: canonicalAddress(address), port };
    const endpoint = { ...local, flags: flags | SIGNAL, interface: index };
    return { command: 'announce', token, endpoint } as const;
  },

  withdraw(token: number, id: number) {
    return { command: 'remove', token, localId: id } as const;
  },
} satisfies Record<string, (...args: never[]) => NativeCommand>;

function checkSocketAddress(name: string, value: unknown): asserts value is SocketAddress {
  checkObject(name, value);
  checkAddress(`${name}.address`, (value as SocketAddress).address);
  checkPort(`${name}.port`, (value as SocketAddress).port);
}

function checkSubflow(name: string, value: unknown): asserts value is SubflowReference {
  checkObject(name, value);
  checkSocketAddress(`${name}.local`, (value as SubflowReference).local);
  checkSocketAddress(`${name}.remote`, (value as SubflowReference).remote);
}

/** An address as Node and events give it, with its family, may be passed on. */
const ANNOUNCEMENT_KEYS: Keys<Announcement & Pick<Address, 'family'>> = {
  address: true,
  port: true,
  family: true,
  interface: true,
  listen: true,
};
const LOCAL_KEYS: Keys<SubflowLocal> = { address: true, id: true, interface: true };
const CREATE_KEYS: Keys<CreateSubflowOptions> = {
  local: LOCAL_KEYS,
  remote: true,
  backup: true,
};

/** Checks everything of an announcement but the id, which a connection chooses itself. */
export function checkAnnouncement(
  name: string,
  value: unknown,
  keys: Keys<Announcement> = ANNOUNCEMENT_KEYS,
): asserts value is Announcement {
  checkKeys<Announcement>(name, value, keys, SIGNAL_APART);
  const { address, port, interface: device, listen } = value as Announcement;
  checkAddress(`${name}.address`, address);
  checkIfGiven(checkPort, `${name}.port`, port);
  checkIfGiven(checkInterface, `${name}.interface`, device);
  checkIfGiven(checkBoolean, `${name}.listen`, listen);
}

/** Runs the commands, and listens at announced addresses. */
export class Userspace {
  readonly #commands: Commands;
  readonly #listeners: Listeners;
  readonly #watch: () => PathManagerEvents;
  /** By token and id: what ends the listening for an announcement. */
  readonly #held = new Map<number, Map<number, () => void>>();
  /** The subflowKey() of subflows that are being destroyed. */
  readonly #leaving = new Set<string>();
  #events: PathManagerEvents | undefined;
  /** How many announcements are on their way, each with a listener. */
  #announcing = 0;

  constructor(commands: Commands, watch: () => PathManagerEvents) {
    this.#commands = commands;
    this.#listeners = new Listeners(commands);
    this.#watch = watch;
  }

  /** The ids of a connection's addresses; `initial` is the local address of its initial subflow. */
  addressIds(token: number, initial?: string): AddressIds {
    return new AddressIds(() => this.#commands.endpoints(token), initial);
  }

  async announce(token: number, options: AnnounceOptions, abort?: Abortable): Promise<void> {
    checkToken('token', token);
    checkObject('options', options);
    checkId('options.id', options.id);
    const keys: Keys<AnnounceOptions> = { ...ANNOUNCEMENT_KEYS, id: true };
    checkAnnouncement('options', options, keys);
    checkAbortable(abort);
    await this.#announce(token, options, (announce) => announce(options.id), abort);
  }

  /** Announces with an id of the connection's `ids`. */
  async announceFrom(
    ids: AddressIds,
    token: number,
    announcement: Announcement,
    abort?: Abortable,
  ): Promise<void> {
    checkAnnouncement('options', announcement);
    checkAbortable(abort);
    await this.#announce(
      token,
      announcement,
      (announce) => ids.forAnnouncement(announcement, announce),
      abort,
    );
  }

  async withdraw(token: number, id: number, abort?: Abortable): Promise<void> {
    checkToken('token', token);
    checkId('id', id, INITIAL_ID);
    await this.#commands.run(build.withdraw(token, id), abort);
    this.#release(token, id);
  }

  async createSubflow(
    token: number,
    options: CreateSubflowOptions,
    abort?: Abortable,
  ): Promise<void> {
    checkToken('token', token);
    checkKeys<CreateSubflowOptions>('options', options, CREATE_KEYS, SIGNAL_APART);
    const { local, remote, backup = false } = options;
    checkKeys<SubflowLocal>('options.local', local, LOCAL_KEYS);
    checkAddress('options.local.address', local.address);
    checkId('options.local.id', local.id, INITIAL_ID);
    checkIfGiven(checkInterface, 'options.local.interface', local.interface);
    checkSocketAddress('options.remote', remote);
    checkBoolean('options.backup', backup);
    const index = await this.#indexOf(local.interface, abort);
    const from = { id: local.id, address: local.address, interface: index };
    await this.#commands.run(build.createSubflow(token, from, remote, backup), abort);
  }

  /**
   * Destroys a subflow, and withdraws the id of its local address where nothing else uses that. The
   * connection's `ids` then choose another one for the address.
   */
  async destroySubflow(
    token: number,
    subflow: SubflowReference,
    abort?: Abortable,
    ids?: AddressIds,
  ): Promise<void> {
    checkToken('token', token);
    checkSubflow('subflow', subflow);
    checkAbortable(abort);
    const named = ends(subflow);
    const key = subflowKey(named);
    const isLeaving = (each: SubflowReference): boolean => this.#leaving.has(subflowKey(each));
    this.#leaving.add(key);
    try {
      const id = await readIdToWithdraw(this.#commands, token, named, isLeaving, abort);
      await this.destroyWithId(token, named, id, abort, ids);
    } finally {
      this.#leaving.delete(key);
    }
  }

  /**
   * Destroys a subflow, and withdraws an address id before that, if there is one to withdraw: the
   * kernel does so only as long as a subflow has the address. An older kernel has nothing to withdraw.
   */
  async destroyWithId(
    token: number,
    subflow: SubflowReference,
    id: number | undefined,
    abort?: Abortable,
    ids?: AddressIds,
  ): Promise<void> {
    const destroy = build.destroySubflow(token, subflow);
    if (id === undefined) {
      await this.#commands.run(destroy, abort);
      return;
    }
    ids?.retire(subflow.local.address, id);
    const commands = [build.withdraw(token, id), destroy];
    const [withdrawn, destroyed] = await this.#commands.runAll(commands, abort);
    if (!(destroyed instanceof MptcpError)) return;
    // The peer may have closed the subflow before the second command, for the first one's sake.
    const isGone = destroyed.code === 'ERR_MPTCP_NOT_FOUND' && !(withdrawn instanceof MptcpError);
    if (!isGone) throw destroyed;
  }

  async setBackup(
    token: number,
    subflow: SubflowReference,
    backup: boolean,
    abort?: Abortable,
  ): Promise<void> {
    checkToken('token', token);
    checkSubflow('subflow', subflow);
    checkBoolean('backup', backup);
    await this.#commands.run(build.setBackup(token, subflow, backup), abort);
  }

  close(): void {
    for (const token of this.#held.keys()) this.#release(token);
  }

  async #announce(
    token: number,
    { address, port, interface: device, listen = true }: Announcement,
    withId: (announce: (id: number) => Promise<void>) => Promise<void>,
    abort?: Abortable,
  ): Promise<void> {
    const index = await this.#indexOf(device, abort);
    let release: (() => void) | undefined;
    if (listen) this.#announcing++;
    try {
      if (listen) {
        // The application's server may close as soon as the listener is there.
        await this.#watching().ready.catch(() => undefined);
        const at = port ?? (await openConnection(this.#commands, token, abort)).local.port;
        release = await this.#listeners.hold({ address: canonicalAddress(address), port: at });
      }
      await withId(async (id) => {
        const local = { id, address, port: port ?? 0, interface: index };
        await this.#commands.run(build.announce(token, local), abort);
        if (release) this.#hold(token, id, release);
        else this.#release(token, id);
      });
    } catch (error) {
      release?.();
      throw error;
    } finally {
      if (listen) this.#announcing--;
      this.#endWatching();
    }
  }

  async #indexOf(name: string | undefined, abort?: Abortable): Promise<number> {
    return name === undefined ? 0 : interfaceIndex(this.#commands, name, abort);
  }

  /** Keeps a listener until the announcement is withdrawn, or its connection closes. */
  #hold(token: number, id: number, release: () => void): void {
    const held = this.#held.get(token) ?? new Map<number, () => void>();
    held.get(id)?.();
    this.#held.set(token, held.set(id, release));
  }

  /** The events that end listeners, and begin them again. */
  #watching(): PathManagerEvents {
    this.#events ??= this.#watch()
      .on('closed', (event) => this.#release(event.token))
      .on('listenerClosed', ({ local }) => void this.#yieldPort(local.port))
      .on('listenerCreated', ({ local }) => void this.#resumePort(local.port))
      .on('error', () => (this.#events = undefined));
    return this.#events;
  }

  #endWatching(): void {
    if (this.#held.size > 0 || this.#announcing > 0) return;
    void this.#events?.close();
    this.#events = undefined;
  }

  /** The application may have closed its server: see yieldPort(). */
  async #yieldPort(port: number): Promise<void> {
    await this.#listeners.yieldPort(port).catch(() => undefined); // the path manager is closing
  }

  async #resumePort(port: number): Promise<void> {
    await this.#listeners.resumePort(port).catch(() => undefined); // the path manager is closing
  }

  #release(token: number, id?: number): void {
    const held = this.#held.get(token);
    if (!held) return;
    for (const [each, release] of held) {
      if (id !== undefined && id !== each) continue;
      release();
      held.delete(each);
    }
    if (held.size === 0) this.#held.delete(token);
    this.#endWatching();
  }
}

/** The open connection that has a token. */
async function openConnection(commands: Commands, token: number, abort?: Abortable) {
  const open = dumpConnections(commands.netns, { states: OPEN_STATES }, abort);
  for await (const connection of open) if (connection.token === token) return connection;
  throw new MptcpError(
    'ERR_MPTCP_NOT_FOUND',
    `No connection of this network namespace has the token ${token}: pm.connections() gives those that are open`,
  );
}

/** The local addresses of connections that userspace manages, each with its id. */
export class ConnectionAddresses {
  readonly #commands: Commands;

  /** @internal */
  constructor(commands: Commands) {
    this.#commands = commands;
  }

  /**
   * The addresses that a connection has announced, or used for additional subflows, by its token.
   * ERR_MPTCP_NOT_FOUND: there is no such connection; ERR_MPTCP_PATH_MANAGER: the kernel manages it.
   */
  async list(token: number, abort?: Abortable): Promise<Endpoint[]> {
    checkToken('token', token);
    const addresses = await this.#commands.endpoints(token, abort);
    return publicEndpoints(this.#commands, addresses, abort);
  }

  /**
   * The address with an id, 0 to 255. The id 0 is that of the initial subflow's local address, which
   * the kernel's list has only after createSubflow() used it: until then the socket is asked, and
   * the address is `implicit`. ERR_MPTCP_NOT_FOUND: the connection has no such id.
   */
  async get(token: number, id: number, abort?: Abortable): Promise<Endpoint> {
    checkToken('token', token);
    checkId('id', id, INITIAL_ID);
    try {
      const address = await this.#commands.run({ command: 'getEndpoint', id, token }, abort);
      return await publicEndpoint(this.#commands, address as NativeEndpoint, abort);
    } catch (error) {
      if (id !== INITIAL_ID || !isNotFound(error)) throw error;
    }
    const { local } = await openConnection(this.#commands, token, abort);
    const initial = { id, address: local.address, port: 0, flags: IMPLICIT, interface: 0 };
    return publicEndpoint(this.#commands, initial, abort);
  }
}

const isNotFound = (error: unknown): boolean =>
  error instanceof MptcpError && error.code === 'ERR_MPTCP_NOT_FOUND';
