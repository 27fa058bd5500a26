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
  /** Undefined: another socket of the namespace listens there. */
  socket: Promise<NativeHeldSocket | undefined>;
  users: number;
}

/** Where this environment listens for joins, by namespace: these listeners serve no application. */
const held = new Set<string>();

export class Listeners {
  readonly #commands: Commands;
  readonly #byAddress = new Map<string, Listener>();
  /** The ports at which no application listens any more. */
  readonly #yielded = new Set<number>();

  constructor(commands: Commands) {
    this.#commands = commands;
  }

  /**
   * Listens until the returned function is called; undefined: another MPTCP socket listens there, or
   * the application has stopped listening at the port.
   * ERR_MPTCP_EXISTS: a socket without MPTCP does; ERR_MPTCP_NOT_FOUND: the address is not of this host.
   */
  async hold(at: SocketAddress): Promise<(() => void) | undefined> {
    if (this.#yielded.has(at.port)) {
      if (!(await this.#isServed(at.port))) return undefined;
      this.#yielded.delete(at.port);
    }
    const key = socketKey(at);
    const listener = this.#byAddress.get(key) ?? { socket: this.#listen(at), users: 0 };
    this.#byAddress.set(key, listener);
    listener.users++;
    let socket: NativeHeldSocket | undefined;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      if (--listener.users === 0) this.#end(key, listener, socket);
    };
    try {
      socket = await listener.socket;
      if (socket && this.#byAddress.get(key) === listener) held.add(this.#global(key));
    } finally {
      if (!socket) release();
    }
    return socket && release;
  }

  /**
   * Stops listening at a port where no application does any more: joins there are refused as by the
   * in-kernel path manager, and the next process can listen at the port, on whatever address.
   */
  async yieldPort(port: number): Promise<void> {
    const own = Array.from(this.#byAddress).filter(([key]) => key.endsWith(` ${port}`));
    if (own.length === 0) return;
    if (await this.#isServed(port)) return;
    this.#yielded.add(port);
    for (const [key, listener] of own) this.#end(key, listener, await listener.socket);
  }

  #end(key: string, listener: Listener, socket: NativeHeldSocket | undefined): void {
    if (this.#byAddress.get(key) !== listener) return;
    this.#byAddress.delete(key);
    held.delete(this.#global(key));
    socket?.close();
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
