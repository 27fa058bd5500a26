/** The userspace path manager's commands for one connection: see docs/connection-paths.md. */
import net from 'node:net';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../../types/native';
import { type Abortable, throwIfAborted } from '../base/abort';
import type { SocketAddress, SubflowReference } from '../base/addresses';
import { canonicalAddress, familyOf, isAddress, subflowKey } from '../base/addresses';
import {
  checkAbortable,
  checkAddress,
  checkBoolean,
  checkId,
  checkIfGiven,
  checkInterface,
  checkObject,
  checkPort,
  invalidArgValue,
  checkKeys,
  type Keys,
  SIGNAL_APART,
} from '../base/arguments';
import { AbortError, MptcpError, systemError } from '../base/errors';
import type { Tagged } from '../base/tagged';
import type {
  PathManagerEvent,
  SubflowClosedEvent,
  SubflowEstablishedEvent,
} from '../events/events';
import { TokenEvents } from '../events/token-events';
import { interfaceOf, type LocalAddress } from '../interfaces/local-addresses';
import { chooseLocal } from '../interfaces/usable-addresses';
import { requireNative } from '../kernel/addon';
import { TCP_STATES } from '../kernel/constants';
import { onBeforeClose } from '../sockets/before-close';
import { socketOf } from '../sockets/node/handle';
import { type TcpHandle } from '../sockets/node/types';
import { offerOf } from '../sockets/offer';
import { AddressIds, INITIAL_ID } from '../userspace/address-ids';
import type { Claim } from '../userspace/mode';
import { modeOwner } from '../userspace/mode-owner';
import { type Shared, useCommands } from '../userspace/shared-commands';
import { type Announcement, checkAnnouncement } from '../userspace/userspace';
import { pollBackup } from './backup-flags';
import type { Subflow } from './subflow';

/** An address to which joins go, as an announcement names it. */
export interface AnnouncedAddress {
  /** An IPv4 or IPv6 address. */
  address: string;
  /** The port for joins; the connection's own unless given. */
  port?: number;
}

/** Where a new subflow of a connection begins; what is not given is chosen. */
export interface ConnectionSubflowLocal {
  /** A local address of this host. */
  address?: string;
  /**
   * The address id that the peer receives, 0 to 255. Without an address it says which one: that with
   * this id in `pm.addresses.list(token)`; 0 is the local address of the initial subflow.
   */
  id?: number;
  /** The name of the interface to use. */
  interface?: string;
}

/** What {@link Connection.createSubflow} takes. */
export interface ConnectionSubflowOptions {
  /**
   * The local address. Unless given, one of `interface`, or of an interface without a subflow of the
   * connection.
   */
  local?: string | ConnectionSubflowLocal;
  /** The name of the interface to use; `local.interface` says the same. */
  interface?: string;
  /** The remote end; address and port are those of the initial subflow unless given. */
  remote?: AnnouncedAddress;
  /** Whether the subflow carries data only when no other one can (false). */
  backup?: boolean;
}

/** The longest pause between two tries, in milliseconds. */
const LONGEST_PAUSE = 500;

const { ESTABLISHED, SYN_SENT } = TCP_STATES;

/** Where a subflow begins, and the id to use if the app has given one. */
interface Origin extends LocalAddress {
  id?: number | undefined;
}

/** A requested subflow, until it is connected or has failed. */
interface Attempt {
  local: string;
  remote: SocketAddress;
  /** The subflows of before, by subflowKey(). */
  others: Set<string>;
  established: (event: SubflowEstablishedEvent) => void;
  failed: (error: Error) => void;
}

function whyFailed({ error, reset, remote }: SubflowClosedEvent): Error {
  if (error === undefined) {
    const reason = reset ? `: ${reset.reason ?? `reset reason ${reset.code}`}` : '';
    return new MptcpError('ERR_MPTCP_SYSTEM', `The peer or the path refused the subflow${reason}`);
  }
  const { address, port } = remote;
  const errno = -((os.constants.errno as Partial<Record<string, number>>)[error] ?? 0);
  return Object.assign(new Error(`connect ${error} ${address} ${port}`), {
    ...{ code: error, errno, syscall: 'connect', address, port },
    ...(reset && { reset }),
  });
}

/** The peer has acknowledged nothing yet, or the connection ends: the kernel says the same of both. */
const isTooEarly = (error: unknown): boolean =>
  error instanceof MptcpError && error.errno === -os.constants.errno.ENOTCONN;

const noOutcome = (): MptcpError =>
  new MptcpError(
    'ERR_MPTCP_SYSTEM',
    "The subflow was requested, but the kernel's events ended before they said what became of it: " +
      'subflows() lists it once it is connected',
  );
const closed = (): MptcpError => new MptcpError('ERR_MPTCP_CLOSED', 'The connection has closed');

const LOCAL_KEYS: Keys<ConnectionSubflowLocal> = { address: true, id: true, interface: true };
/** A remote address may have its family, as events give it. */
const REMOTE_KEYS: Keys<AnnouncedAddress & Pick<Address, 'family'>> = {
  address: true,
  port: true,
  family: true,
};
const CREATE_KEYS: Keys<ConnectionSubflowOptions> = {
  local: LOCAL_KEYS,
  interface: true,
  remote: true,
  backup: true,
};

/** Gives what `options.local` and `options.interface` say in the one form. */
function checkLocal({
  local,
  interface: device,
}: ConnectionSubflowOptions): ConnectionSubflowLocal {
  checkIfGiven(checkInterface, 'options.interface', device);
  if (local === undefined) return device === undefined ? {} : { interface: device };
  if (typeof local === 'string') {
    checkAddress('options.local', local);
    return { address: local, ...(device !== undefined && { interface: device }) };
  }
  checkObject('options.local', local, 'of type string or object');
  checkKeys<ConnectionSubflowLocal>('options.local', local, LOCAL_KEYS);
  checkIfGiven(checkAddress, 'options.local.address', local.address);
  checkIfGiven(checkId, 'options.local.id', local.id, INITIAL_ID);
  checkIfGiven(checkInterface, 'options.local.interface', local.interface);
  const name = local.interface ?? device;
  if (device !== undefined && name !== device) {
    throw invalidArgValue(
      'options.local.interface',
      name,
      `must be ${device}, as options.interface`,
    );
  }
  return { ...local, ...(name !== undefined && { interface: name }) };
}

const PATHS = Symbol('mptcp.paths');

/** The paths of an open connection: one object for each. */
export function pathsOf(handle: Tagged<TcpHandle, typeof PATHS, ConnectionPaths>): ConnectionPaths {
  const known = handle[PATHS];
  if (known) return known;
  const made = new ConnectionPaths(handle);
  handle[PATHS] = made;
  onBeforeClose(handle, () => made.closing());
  return made;
}

/** The commands of one connection. */
export class ConnectionPaths {
  readonly #handle: TcpHandle;
  readonly #attempts = new Set<Attempt>();
  /** By id: what releases the command thread, which listens at an announced address. */
  readonly #announced = new Map<number, () => void>();
  #ids: AddressIds | undefined;
  #claim: Claim | undefined;

  constructor(handle: TcpHandle) {
    this.#handle = handle;
  }

  /** The connection's token; ERR_MPTCP_FALLBACK where it speaks TCP. */
  get token(): number {
    try {
      return requireNative().mptcpInfo(this.#handle.fd).token;
    } catch (error) {
      throw systemError('ERR_MPTCP_FALLBACK', error, 'This connection speaks TCP');
    }
  }

  /** Throws ERR_MPTCP_FALLBACK where the connection speaks TCP. */
  checkMptcp(): number {
    return this.token;
  }

  subflows(): Subflow[] {
    return requireNative()
      .subflows(this.#handle.fd)
      .map((subflow) => {
        const name = interfaceOf(subflow.local.address);
        return name === undefined ? subflow : { ...subflow, interface: name };
      });
  }

  /** The subflows that are open or opening: the kernel lists the initial one to the very end. */
  inUse(): Subflow[] {
    return this.subflows().filter(
      ({ tcpInfo: { state } }) => state === ESTABLISHED || state === SYN_SENT,
    );
  }

  /** Whether this side accepted the connection. */
  get serverSide(): boolean {
    const { server } = (socketOf(this.#handle) ?? {}) as { server?: unknown };
    return server instanceof net.Server || offerOf(this.#handle)?.side === 'server';
  }

  /** The remote end of the initial subflow, also when that is gone. */
  get remote(): SocketAddress {
    const peer: { address?: string; port?: number } = {};
    this.#handle.getpeername(peer);
    const { address = '', port = 0 } = peer;
    return { address: canonicalAddress(address), port };
  }

  /** The local address of the initial subflow, also when that is gone. */
  get #initialAddress(): string {
    const name: { address?: string } = {};
    this.#handle.getsockname(name);
    return canonicalAddress(name.address ?? '');
  }

  /** Fails what is pending and releases what is held, before the connection closes. */
  closing(): void {
    for (const { failed } of this.#attempts) failed(closed());
    for (const release of this.#announced.values()) release();
    this.#announced.clear();
    this.#claim?.release();
    this.#claim = undefined;
  }

  /** Rejects with ERR_MPTCP_PATH_MANAGER unless userspace manages the connection. */
  checkManaged(abort: Abortable): Promise<unknown> {
    return this.#run(({ commands }, token) => commands.endpoints(token, abort), false);
  }

  async createSubflow(options: ConnectionSubflowOptions, abort: Abortable): Promise<Subflow> {
    checkKeys<ConnectionSubflowOptions>('options', options, CREATE_KEYS, SIGNAL_APART);
    const { remote, backup = false } = options;
    const local = checkLocal(options);
    if (remote !== undefined) {
      checkKeys<AnnouncedAddress>('options.remote', remote, REMOTE_KEYS);
      checkAddress('options.remote.address', remote.address);
    }
    checkIfGiven(checkPort, 'options.remote.port', remote?.port);
    checkBoolean('options.backup', backup);
    checkAbortable(abort);
    const { token } = this;
    const to = { ...this.remote, ...remote };
    to.address = canonicalAddress(to.address);
    const from = await this.#origin(local, familyOf(to.address), abort);
    return this.#attempt(token, from, to, backup, abort);
  }

  destroySubflow(subflow: SubflowReference, abort: Abortable): Promise<void> {
    return this.#run(({ userspace }, token) =>
      userspace.destroySubflow(token, subflow, abort, this.#idsOf(token)),
    );
  }

  async setBackup(subflow: SubflowReference, backup: boolean, abort: Abortable): Promise<void> {
    checkObject('subflow', subflow);
    checkBoolean('backup', backup);
    const { local, remote } = subflow;
    await this.#run(({ userspace }, token) =>
      userspace.setBackup(token, { local, remote }, backup, abort),
    );
    void pollBackup(); // the kernel sends this side no event
  }

  async announce(announcement: Announcement, abort: Abortable): Promise<void> {
    checkAnnouncement('options', announcement);
    checkAbortable(abort);
    const { release } = useCommands(); // its thread listens at the address, where nobody else does
    try {
      await this.checkManaged(abort);
      const id = await this.#run(async ({ userspace }, token) => {
        const ids = this.#idsOf(token);
        await userspace.announceFrom(ids, token, announcement, abort);
        return ids.of(announcement);
      });
      this.#announced.get(id)?.();
      this.#announced.set(id, release);
      if (announcement.listen === false) release();
    } catch (error) {
      release();
      throw error;
    }
  }

  async withdraw(announced: AnnouncedAddress, abort: Abortable): Promise<void> {
    checkAnnouncement('options', announced);
    checkAbortable(abort);
    const id = await this.#run(async ({ userspace }, token) => {
      const found = await this.#idsOf(token).of(announced);
      await userspace.withdraw(token, found, abort);
      return found;
    });
    this.#announced.get(id)?.();
    this.#announced.delete(id);
  }

  /** Chooses what the app has left open of a subflow's local address. */
  async #origin(
    { address, id, interface: name }: ConnectionSubflowLocal,
    family: 4 | 6,
    abort: Abortable,
  ): Promise<Origin> {
    const device = name === undefined ? {} : { interface: name };
    if (address !== undefined) return { address: canonicalAddress(address), id, ...device };
    if (id === INITIAL_ID) return { address: this.#initialAddress, id, ...device };
    if (id === undefined) {
      const used = this.inUse().map((each) => each.interface);
      return this.#run(
        ({ commands }) => chooseLocal(commands, family, { name, used }, abort),
        false,
      );
    }
    const listed = await this.#run(({ commands }, token) => commands.endpoints(token, abort));
    const found = listed.find((each) => each.id === id);
    if (found) return { address: found.address, id, ...device };
    throw new MptcpError(
      'ERR_MPTCP_NOT_FOUND',
      `No address of the connection has the id ${id}: give the address too, or leave the id out`,
    );
  }

  async #attempt(
    token: number,
    from: Origin,
    remote: SocketAddress,
    backup: boolean,
    abort: Abortable,
  ): Promise<Subflow> {
    const { signal } = abort;
    const others = new Set(this.subflows().map(subflowKey));
    const events = new TokenEvents(this.#receive, token);
    let attempt: Attempt | undefined;
    let applied = false;
    const aborted = (): void => {
      if (signal && applied) attempt?.failed(new AbortError(signal, true));
    };
    signal?.addEventListener('abort', aborted, { once: true });
    try {
      await events.settled;
      const made = new Promise<SubflowEstablishedEvent>((established, failed) => {
        attempt = { local: from.address, remote, others, established, failed };
        this.#attempts.add(attempt);
      });
      made.catch(() => undefined); // the command may fail first
      await this.#create(token, from, remote, backup, abort);
      applied = true;
      throwIfAborted(signal, true);
      if (events.off) throw noOutcome();
      const established = await made;
      if (backup) await this.#run(({ commands }) => commands.backupsSettled(token));
      return this.#found(established);
    } finally {
      signal?.removeEventListener('abort', aborted);
      if (attempt) this.#attempts.delete(attempt);
      events.close();
    }
  }

  /** Tries again while the connection is too young: the peer has to acknowledge something first. */
  async #create(
    token: number,
    from: Origin,
    remote: SocketAddress,
    backup: boolean,
    abort: Abortable,
  ): Promise<void> {
    for (let pause = 20; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        await this.#run(({ userspace }) => {
          const create = (id: number): Promise<void> =>
            userspace.createSubflow(token, { local: { ...from, id }, remote, backup }, abort);
          if (from.id !== undefined) return create(from.id);
          return this.#idsOf(token).forSubflow(from.address, create);
        });
        return;
      } catch (error) {
        if (!isTooEarly(error) || !this.#isOpen()) throw error;
      }
      await this.#pause(pause, abort);
    }
  }

  #isOpen(): boolean {
    const socket = socketOf(this.#handle);
    return socket !== undefined && !socket.readableEnded && !socket.writableEnded;
  }

  async #pause(pause: number, { signal }: Abortable): Promise<void> {
    await sleep(pause, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined);
    throwIfAborted(signal, false);
    if (this.#handle.fd < 0) throw closed();
  }

  readonly #receive = (event: PathManagerEvent): void => {
    if (event.type !== 'subflowEstablished' && event.type !== 'subflowClosed') return;
    const key = subflowKey(event);
    const attempt = Array.from(this.#attempts).find(
      ({ local, remote, others }) =>
        isAddress(local, event.local.address) &&
        isAddress(remote.address, event.remote.address) &&
        remote.port === event.remote.port &&
        !others.has(key),
    );
    if (!attempt) return;
    this.#attempts.delete(attempt);
    for (const { others } of this.#attempts) others.add(key);
    if (event.type === 'subflowEstablished') attempt.established(event);
    else attempt.failed(whyFailed(event));
  };

  #found(event: SubflowEstablishedEvent): Subflow {
    const key = subflowKey(event);
    const found = this.subflows().find((each) => subflowKey(each) === key);
    if (found) return found;
    throw new MptcpError('ERR_MPTCP_NOT_FOUND', 'The subflow was connected, and is gone already');
  }

  /** Takes the connection over from the default manager of userspace mode. */
  #takeOver(token: number): void {
    this.#claim ??= modeOwner()?.mode.claim((each) => each.token === token);
    this.#claim?.takeOver(token);
  }

  #idsOf(token: number): AddressIds {
    this.#ids ??= new AddressIds(
      () => this.#run(({ commands }) => commands.endpoints(token)),
      this.#initialAddress,
    );
    return this.#ids;
  }

  async #run<T>(
    command: (shared: Shared, token: number) => Promise<T>,
    takesOver = true,
  ): Promise<T> {
    const { token } = this;
    const { release, ...shared } = useCommands();
    try {
      if (takesOver) this.#takeOver(token);
      return await command(shared, token);
    } finally {
      release();
    }
  }
}
