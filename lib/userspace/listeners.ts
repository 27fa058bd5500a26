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

export class Listeners {
  readonly #commands: Commands;
  readonly #byAddress = new Map<string, Listener>();

  constructor(commands: Commands) {
    this.#commands = commands;
  }

  /**
   * Listens until the returned function is called; undefined: another MPTCP socket listens there.
   * ERR_MPTCP_EXISTS: a socket without MPTCP does; ERR_MPTCP_NOT_FOUND: the address is not of this host.
   */
  async hold(at: SocketAddress): Promise<(() => void) | undefined> {
    const key = socketKey(at);
    const listener = this.#byAddress.get(key) ?? { socket: this.#listen(at), users: 0 };
    this.#byAddress.set(key, listener);
    listener.users++;
    let socket: NativeHeldSocket | undefined;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      if (--listener.users > 0) return;
      this.#byAddress.delete(key);
      socket?.close();
    };
    try {
      socket = await listener.socket;
    } finally {
      if (!socket) release();
    }
    return socket && release;
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
