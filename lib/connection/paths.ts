/** The userspace path manager's commands for one connection: see docs/connection-paths.md. */
import net from 'node:net';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeEndpoint } from '../../types/native';
import { type Abortable, throwIfAborted } from '../base/abort';
import type { SocketAddress, SubflowReference } from '../base/addresses';
import { canonicalAddress, familyOf, subflowKey, withoutScope } from '../base/addresses';
import {
  checkAbortable,
  checkAddress,
  checkBoolean,
  checkIfGiven,
  checkInterface,
  checkObject,
  checkPort,
} from '../base/arguments';
import { AbortError, MptcpError, systemError } from '../base/errors';
import type { Tagged } from '../base/tagged';
import type {
  PathManagerEvent,
  SubflowClosedEvent,
  SubflowEstablishedEvent,
} from '../events/events';
import { TokenEvents } from '../events/token-events';
import { chooseLocal, interfaceOf, type LocalAddress } from '../interfaces/local-addresses';
import { requireNative } from '../kernel/addon';
import { onBeforeClose } from '../sockets/before-close';
import { socketOf } from '../sockets/node/handle';
import { type TcpHandle } from '../sockets/node/types';
import { offerOf } from '../sockets/offer';
import { freeId, idFor } from '../userspace/address-ids';
import type { Claim } from '../userspace/mode';
import { modeOwner } from '../userspace/mode-owner';
import { type Shared, useCommands } from '../userspace/shared-commands';
import { pollBackup } from './backup-flags';
import type { Subflow } from './subflow';

export interface ConnectionSubflowOptions {
  /** The local address. Unless given, of `interface`, or of one that has no subflow yet. */
  local?: string;
  /** The name of the interface to use. */
  interface?: string;
  /** Unless given, where the connection's first subflow went. */
  remote?: { address: string; port?: number };
  /** It carries data only when no other one can (false). */
  backup?: boolean;
}

/** An address that joins are to come to; the port is the connection's unless given. */
export interface AnnouncedAddress {
  address: string;
  port?: number;
}

const LONGEST_PAUSE = 500; // ms

/** TCP_* (include/net/tcp_states.h) */
const ESTABLISHED = 1;
const SYN_SENT = 2;

/** A subflow that was asked for. */
interface Attempt {
  local: string;
  remote: SocketAddress;
  /** By subflowKey(): those that were there before. */
  others: Set<string>;
  established: (event: SubflowEstablishedEvent) => void;
  failed: (error: Error) => void;
}

const isAddress = (one: string, other: string): boolean =>
  withoutScope(one) === withoutScope(other);

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

const isTooEarly = (error: unknown): boolean =>
  error instanceof MptcpError && error.errno === -os.constants.errno.ENOTCONN;

const unheard = (): MptcpError =>
  new MptcpError(
    'ERR_MPTCP_SYSTEM',
    'The subflow was asked for, but the kernel could not be listened to for what becomes of it',
  );
const closed = (): MptcpError => new MptcpError('ERR_MPTCP_CLOSED', 'The connection has closed');

function checkAnnounced(options: unknown): asserts options is AnnouncedAddress {
  checkObject('options', options);
  const { address, port } = options as AnnouncedAddress;
  checkAddress('options.address', address);
  checkIfGiven(checkPort, 'options.port', port);
}

const PATHS = Symbol('mptcp.paths');

/** Of a connection that is open. */
export function pathsOf(handle: Tagged<TcpHandle, typeof PATHS, ConnectionPaths>): ConnectionPaths {
  const known = handle[PATHS];
  if (known) return known;
  const made = new ConnectionPaths(handle);
  handle[PATHS] = made;
  onBeforeClose(handle, () => made.closing());
  return made;
}

export class ConnectionPaths {
  readonly #handle: TcpHandle;
  readonly #attempts = new Set<Attempt>();
  /** The way back of what was announced. */
  readonly #announced = new Map<string, () => void>();
  #claim: Claim | undefined;
  /** One after the other, so that no two choose one id. */
  #choosing: Promise<unknown> = Promise.resolve();

  constructor(handle: TcpHandle) {
    this.#handle = handle;
  }

  /** ERR_MPTCP_FALLBACK where it speaks TCP. */
  get token(): number {
    try {
      return requireNative().mptcpInfo(this.#handle.fd).token;
    } catch (error) {
      throw systemError('ERR_MPTCP_FALLBACK', error, 'This connection speaks TCP');
    }
  }

  subflows(): Subflow[] {
    return requireNative()
      .subflows(this.#handle.fd)
      .map((subflow) => {
        const name = interfaceOf(subflow.local.address);
        return name === undefined ? subflow : { ...subflow, interface: name };
      });
  }

  /** Without those that end: the kernel keeps the first one to the connection's end. */
  inUse(): Subflow[] {
    return this.subflows().filter(({ tcpInfo: { state } }) =>
      [ESTABLISHED, SYN_SENT].includes(state),
    );
  }

  /** This side accepted the connection. */
  get serverSide(): boolean {
    const { server } = (socketOf(this.#handle) ?? {}) as { server?: unknown };
    return server instanceof net.Server || offerOf(this.#handle)?.side === 'server';
  }

  /** Where the first subflow went, also when that is gone. */
  get remote(): SocketAddress {
    const peer: { address?: string; port?: number } = {};
    this.#handle.getpeername(peer);
    const { address = '', port = 0 } = peer;
    return { address: canonicalAddress(address), port };
  }

  closing(): void {
    for (const { failed } of this.#attempts) failed(closed());
    for (const release of this.#announced.values()) release();
    this.#announced.clear();
    this.#claim?.release();
    this.#claim = undefined;
  }

  /** ERR_MPTCP_PATH_MANAGER unless userspace manages the connection. */
  checkManaged(abort: Abortable): Promise<unknown> {
    return this.#run(({ commands }, token) => commands.endpoints(token, abort), false);
  }

  async createSubflow(options: ConnectionSubflowOptions, abort: Abortable): Promise<Subflow> {
    checkObject('options', options);
    const { local, interface: name, remote, backup = false } = options;
    checkIfGiven(checkAddress, 'options.local', local);
    checkIfGiven(checkInterface, 'options.interface', name);
    checkIfGiven(checkObject, 'options.remote', remote);
    if (remote) checkAddress('options.remote.address', remote.address);
    checkIfGiven(checkPort, 'options.remote.port', remote?.port);
    checkBoolean('options.backup', backup);
    checkAbortable(abort);
    const { token } = this;
    const to = { ...this.remote, ...remote };
    to.address = canonicalAddress(to.address);
    const used = this.inUse().map((each) => each.interface);
    const from: LocalAddress =
      local === undefined
        ? chooseLocal(familyOf(to.address), name, used)
        : { address: canonicalAddress(local), ...(name !== undefined && { interface: name }) };
    return this.#attempt(token, from, to, backup, abort);
  }

  destroySubflow(subflow: SubflowReference, abort: Abortable): Promise<void> {
    return this.#run(({ userspace }, token) => userspace.destroySubflow(token, subflow, abort));
  }

  async setBackup(subflow: SubflowReference, backup: boolean, abort: Abortable): Promise<void> {
    checkObject('subflow', subflow);
    checkBoolean('backup', backup);
    const { local, remote } = subflow;
    await this.#run(({ userspace }, token) =>
      userspace.setBackup(token, { local, remote }, backup, abort),
    );
    void pollBackup(); // the kernel does not tell this side
  }

  async announce(options: AnnouncedAddress, abort: Abortable): Promise<void> {
    checkAnnounced(options);
    checkAbortable(abort);
    const { port } = options;
    const address = canonicalAddress(options.address);
    const key = `${address} ${port ?? 0}`;
    const { release } = useCommands(); // which listens there, where nobody else does
    try {
      await this.#run(({ commands, userspace }, token) =>
        this.#inTurn(async () => {
          const taken = await commands.endpoints(token, abort);
          const known = idOf(address, port, taken);
          const id = known ?? (port === undefined ? idFor(address, taken) : freeId(taken));
          await userspace.announce(
            token,
            { id, address, ...(port !== undefined && { port }) },
            abort,
          );
        }),
      );
    } catch (error) {
      release();
      throw error;
    }
    this.#announced.get(key)?.();
    this.#announced.set(key, release);
  }

  async withdraw(options: AnnouncedAddress, abort: Abortable): Promise<void> {
    checkAnnounced(options);
    checkAbortable(abort);
    const { port } = options;
    const address = canonicalAddress(options.address);
    await this.#run(async ({ commands, userspace }, token) => {
      const id = idOf(address, port, await commands.endpoints(token, abort));
      if (id === undefined) {
        throw new MptcpError('ERR_MPTCP_NOT_FOUND', `The connection has not announced ${address}`);
      }
      await userspace.withdraw(token, id, abort);
    });
    const key = `${address} ${port ?? 0}`;
    this.#announced.get(key)?.();
    this.#announced.delete(key);
  }

  async #attempt(
    token: number,
    from: LocalAddress,
    remote: SocketAddress,
    backup: boolean,
    abort: Abortable,
  ): Promise<Subflow> {
    const { signal } = abort;
    const others = new Set(this.subflows().map(subflowKey));
    const events = new TokenEvents(token, this.#hear);
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
      if (events.off) throw unheard();
      return this.#found(await made);
    } finally {
      signal?.removeEventListener('abort', aborted);
      if (attempt) this.#attempts.delete(attempt);
      events.close();
    }
  }

  /** A connection takes no subflow before the peer has acknowledged something: it is asked again. */
  async #create(
    token: number,
    from: LocalAddress,
    remote: SocketAddress,
    backup: boolean,
    abort: Abortable,
  ): Promise<void> {
    for (let pause = 20; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        await this.#run(({ commands, userspace }) =>
          this.#inTurn(async () => {
            const id = idFor(from.address, await commands.endpoints(token, abort));
            await userspace.createSubflow(token, { local: { ...from, id }, remote, backup }, abort);
          }),
        );
        return;
      } catch (error) {
        if (!isTooEarly(error) || !this.#mayBegin()) throw error;
      }
      await this.#rest(pause, abort);
    }
  }

  /** The kernel says the same of a connection that ends. */
  #mayBegin(): boolean {
    const socket = socketOf(this.#handle);
    return socket !== undefined && !socket.readableEnded && !socket.writableEnded;
  }

  async #rest(pause: number, { signal }: Abortable): Promise<void> {
    await sleep(pause, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined);
    throwIfAborted(signal, false);
    if (this.#handle.fd < 0) throw closed();
  }

  readonly #hear = (event: PathManagerEvent): void => {
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
    throw new MptcpError('ERR_MPTCP_NOT_FOUND', 'The subflow was made, and is gone already');
  }

  /** From now on the default policy of userspace mode leaves the connection alone. */
  #take(token: number): void {
    this.#claim ??= modeOwner()?.mode.claim((each) => each.token === token);
    this.#claim?.take(token);
  }

  async #run<T>(command: (shared: Shared, token: number) => Promise<T>, takes = true): Promise<T> {
    const { token } = this;
    const { release, ...shared } = useCommands();
    try {
      if (takes) this.#take(token);
      return await command(shared, token);
    } finally {
      release();
    }
  }

  #inTurn<T>(choose: () => Promise<T>): Promise<T> {
    const turn = this.#choosing.then(choose);
    this.#choosing = turn.catch(() => undefined);
    return turn;
  }
}

function idOf(address: string, port = 0, taken: readonly NativeEndpoint[]): number | undefined {
  return taken.find((each) => isAddress(each.address, address) && each.port === port)?.id;
}
