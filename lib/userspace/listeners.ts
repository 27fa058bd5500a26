/** MPTCP listeners for joins at announced addresses where nobody else listens. */
import type { NativeHeldSocket } from '../../types/native';
import type { SocketAddress } from '../base/addresses';
import { socketKey } from '../base/addresses';
import { MptcpError } from '../base/errors';
import type { Commands } from '../kernel/commands';
import { TCP_STATES } from '../kernel/constants';
import { dumpConnections } from '../kernel/sock-diag';

const { LISTEN } = TCP_STATES;

/** A listener and how many announcements need it. */
interface Listener {
  readonly at: SocketAddress;
  users: number;
  /**
   * Undefined while no application listens at the port; a promise of undefined where another socket of
   * the namespace listens at the address.
   */
  socket: Promise<NativeHeldSocket | undefined> | undefined;
}

/** Where this environment listens for joins, by namespace: these listeners serve no application. */
const held = new Set<string>();

export class Listeners {
  readonly #commands: Commands;
  readonly #byAddress = new Map<string, Listener>();
  /** The ports at which no application listens any more. */
  readonly #yielded = new Set<number>();
  /** Settles with the last change of a port, after which the next one begins. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(commands: Commands) {
    this.#commands = commands;
  }

  /**
   * Listens until the returned function is called, where the application has stopped listening at the
   * port as soon as it does again; undefined: another MPTCP socket listens there.
   * ERR_MPTCP_EXISTS: a socket without MPTCP does; ERR_MPTCP_NOT_FOUND: the address is not of this host.
   */
  async hold(at: SocketAddress): Promise<(() => void) | undefined> {
    const isServed = !this.#yielded.has(at.port) || (await this.#isServed(at.port));
    if (isServed) this.#yielded.delete(at.port);
    const key = socketKey(at);
    const listener = this.#byAddress.get(key) ?? { at, users: 0, socket: undefined };
    this.#byAddress.set(key, listener);
    listener.users++;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      if (--listener.users > 0) return;
      this.#byAddress.delete(key);
      this.#end(listener);
    };
    if (!isServed) return release;
    try {
      if (await (listener.socket ?? this.#begin(listener))) return release;
    } catch (error) {
      release();
      throw error;
    }
    release();
    return undefined;
  }

  /**
   * Stops listening at a port where no application does any more: joins there are refused as by the
   * in-kernel path manager, and the next process can listen at the port, on whatever address.
   */
  yieldPort(port: number): Promise<void> {
    return this.#inTurn(async () => {
      const own = this.#at(port);
      if (own.length === 0 || (await this.#isServed(port))) return;
      this.#yielded.add(port);
      for (const listener of own) this.#end(listener);
    });
  }

  /** Listens again at a port where an application does again. */
  resumePort(port: number): Promise<void> {
    return this.#inTurn(async () => {
      const ended = this.#at(port).filter(({ socket }) => socket === undefined);
      if (ended.length === 0 || !(await this.#isServed(port))) return;
      this.#yielded.delete(port);
      for (const listener of ended) {
        if (listener.users === 0 || listener.socket !== undefined) continue;
        // The address may be gone, or another socket without MPTCP listens there.
        await this.#begin(listener).catch(() => (listener.socket = undefined));
      }
    });
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(change);
    this.#turn = done.catch(() => undefined); // who requested the change gets its error
    return done;
  }

  #at(port: number): Listener[] {
    return Array.from(this.#byAddress.values()).filter(({ at }) => at.port === port);
  }

  async #begin(listener: Listener): Promise<NativeHeldSocket | undefined> {
    const opened = (listener.socket = this.#listen(listener.at));
    const socket = await opened;
    if (socket && listener.socket === opened) held.add(this.#global(socketKey(listener.at)));
    return socket;
  }

  #end(listener: Listener): void {
    const opened = listener.socket;
    listener.socket = undefined;
    held.delete(this.#global(socketKey(listener.at)));
    opened?.then(
      (socket) => socket?.close(),
      () => undefined, // it has not been opened
    );
  }

  /** The key of an address among those of all namespaces. */
  #global(key: string): string {
    return `${this.#commands.netns ?? ''} ${key}`;
  }

  /** Whether an application listens at a port over MPTCP, at whatever address. */
  async #isServed(port: number): Promise<boolean> {
    const filter = { localPort: port, states: 1 << LISTEN };
    for await (const { local } of dumpConnections(this.#commands.netns, filter)) {
      if (!held.has(this.#global(socketKey(local)))) return true;
    }
    return false;
  }

  async #listen(at: SocketAddress): Promise<NativeHeldSocket | undefined> {
    try {
      return await this.#commands.listen(at.address, at.port);
    } catch (error) {
      const inUse = error instanceof MptcpError && error.code === 'ERR_MPTCP_EXISTS';
      if (!inUse || !(await this.#isMptcp(at))) throw error;
      return undefined;
    }
  }

  async #isMptcp({ address, port }: SocketAddress): Promise<boolean> {
    const filter = { localPort: port, states: 1 << LISTEN };
    for await (const { local } of dumpConnections(this.#commands.netns, filter)) {
      if ([address, '0.0.0.0', '::'].includes(local.address)) return true;
    }
    return false;
  }
}
