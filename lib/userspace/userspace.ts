/** Path management of single connections, which userspace must manage: see {@link Mode}. */
import type { NativeEndpoint } from '../../types/native';
import type { Abortable } from '../base/abort';
import type { SocketAddress, SubflowReference } from '../base/addresses';
import { canonicalAddress } from '../base/addresses';
import {
  checkAbortable,
  checkAddress,
  checkBoolean,
  checkId,
  checkIfGiven,
  checkInterface,
  checkObject,
  checkPort,
  checkToken,
} from '../base/arguments';
import { MptcpError } from '../base/errors';
import { type Endpoint, publicEndpoint, publicEndpoints } from '../endpoints/endpoint';
import type { PathManagerEvents } from '../events/stream';
import { interfaceIndex } from '../interfaces/names';
import type { Commands } from '../kernel/commands';
import { dumpConnections, OPEN_STATES } from '../kernel/sock-diag';
import { Listeners } from './listeners';

const SIGNAL = 1;
const BACKUP = 4;

export interface AnnounceOptions {
  /** 1 to 255: what withdraw() names. */
  id: number;
  address: string;
  /** That of the connection unless given. */
  port?: number;
}

export interface SubflowLocal {
  address: string;
  /** 1 to 255: the id that the peer is told. */
  id: number;
  /** The name of the interface to use. */
  interface?: string;
}

export interface CreateSubflowOptions {
  local: SubflowLocal;
  remote: SocketAddress;
  /** It carries data only when no other one can. */
  backup?: boolean;
}

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

const plain = ({ address, port }: SocketAddress): SocketAddress => ({
  address: canonicalAddress(address),
  port,
});

export class Userspace {
  readonly #commands: Commands;
  readonly #listeners: Listeners;
  readonly #watch: () => PathManagerEvents;
  #events: PathManagerEvents | undefined;

  constructor(commands: Commands, watch: () => PathManagerEvents) {
    this.#commands = commands;
    this.#listeners = new Listeners(commands);
    this.#watch = watch;
  }

  async announce(token: number, options: AnnounceOptions, abort?: Abortable): Promise<void> {
    checkToken('token', token);
    checkObject('options', options);
    checkId('options.id', options.id);
    checkAddress('options.address', options.address);
    checkIfGiven(checkPort, 'options.port', options.port);
    checkAbortable(abort);
    const { id, port } = options;
    const address = canonicalAddress(options.address);
    const announcement = `${token} ${id}`;
    const at = { address, port: port ?? (await this.#localPort(token, abort)) };
    const release = await this.#listeners.hold(announcement, at);
    try {
      const endpoint = { id, address, port: port ?? 0, flags: SIGNAL, interface: 0 };
      await this.#commands.run({ command: 'announce', token, endpoint }, abort);
    } catch (error) {
      release();
      throw error;
    }
    if (this.#listeners.size > 0) this.#releaseWhenClosed();
  }

  async withdraw(token: number, id: number, abort?: Abortable): Promise<void> {
    checkToken('token', token);
    checkId('id', id, 0);
    await this.#commands.run({ command: 'remove', token, localId: id }, abort);
    this.#release((each) => each === `${token} ${id}`);
  }

  async createSubflow(
    token: number,
    options: CreateSubflowOptions,
    abort?: Abortable,
  ): Promise<void> {
    checkToken('token', token);
    checkObject('options', options);
    const { local, remote, backup = false } = options;
    checkObject('options.local', local);
    checkAddress('options.local.address', local.address);
    checkId('options.local.id', local.id);
    checkIfGiven(checkInterface, 'options.local.interface', local.interface);
    checkSocketAddress('options.remote', remote);
    checkBoolean('options.backup', backup);
    const index =
      local.interface === undefined
        ? 0
        : await interfaceIndex(this.#commands, local.interface, abort);
    const endpoint: NativeEndpoint = {
      id: local.id,
      address: canonicalAddress(local.address),
      port: 0,
      flags: backup ? BACKUP : 0,
      interface: index,
    };
    await this.#commands.run(
      { command: 'createSubflow', token, local: endpoint, remote: plain(remote) },
      abort,
    );
  }

  async destroySubflow(token: number, subflow: SubflowReference, abort?: Abortable): Promise<void> {
    checkToken('token', token);
    checkSubflow('subflow', subflow);
    const local = plain(subflow.local);
    const remote = plain(subflow.remote);
    await this.#commands.run({ command: 'destroySubflow', token, local, remote }, abort);
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
    const local = plain(subflow.local);
    const remote = plain(subflow.remote);
    const flags = backup ? BACKUP : 0;
    await this.#commands.run({ command: 'setSubflowFlags', token, local, remote, flags }, abort);
  }

  close(): void {
    this.#release(() => true);
  }

  #release(match: (announcement: string) => boolean): void {
    this.#listeners.release(match);
    if (this.#listeners.size > 0) return;
    void this.#events?.close();
    this.#events = undefined;
  }

  /** Nobody withdraws what a connection announced that is gone. */
  #releaseWhenClosed(): void {
    this.#events ??= this.#watch()
      .on('closed', ({ token }) => this.#release((each) => each.startsWith(`${token} `)))
      .on('error', () => (this.#events = undefined));
  }

  async #localPort(token: number, abort?: Abortable): Promise<number> {
    const open = dumpConnections(this.#commands.netns, { states: OPEN_STATES }, abort);
    for await (const connection of open) {
      if (connection.token === token) return connection.local.port;
    }
    throw new MptcpError(
      'ERR_MPTCP_NOT_FOUND',
      `No connection of this network namespace has the token ${token}: pm.connections() gives those that are open`,
    );
  }
}

/** The addresses that a userspace-managed connection has announced or used. */
export class ConnectionAddresses {
  readonly #commands: Commands;

  /** @internal */
  constructor(commands: Commands) {
    this.#commands = commands;
  }

  async list(token: number, abort?: Abortable): Promise<Endpoint[]> {
    checkToken('token', token);
    const addresses = await this.#commands.endpoints(token, abort);
    return publicEndpoints(this.#commands, addresses, abort);
  }

  async get(token: number, id: number, abort?: Abortable): Promise<Endpoint> {
    checkToken('token', token);
    checkId('id', id);
    const address = (await this.#commands.run(
      { command: 'getEndpoint', id, token },
      abort,
    )) as NativeEndpoint;
    return publicEndpoint(this.#commands, address, abort);
  }
}
