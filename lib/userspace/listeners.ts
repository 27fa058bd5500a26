import type { NativeHeldSocket } from '../../types/native';
import type { SocketAddress } from '../base/addresses';
import { socketKey } from '../base/addresses';
import { MptcpError } from '../base/errors';
import type { Commands } from '../kernel/commands';
import { dumpConnections } from '../kernel/sock-diag';

/** TCP_LISTEN (include/net/tcp_states.h) */
const LISTEN = 10;

/** A listener that joins at an announced address need, and the announcements that need it. */
interface Listener {
  socket: NativeHeldSocket;
  announcements: Set<string>;
}

/** MPTCP listeners for announced addresses where nobody else listens. */
export class Listeners {
  readonly #commands: Commands;
  readonly #byAddress = new Map<string, Listener>();

  constructor(commands: Commands) {
    this.#commands = commands;
  }

  get size(): number {
    return this.#byAddress.size;
  }

  /** Gives the way back. */
  async hold(announcement: string, at: SocketAddress): Promise<() => void> {
    const key = socketKey(at);
    const held = this.#byAddress.get(key);
    if (held?.announcements.has(announcement)) return () => undefined;
    const release = (): void => this.release((each, of) => each === announcement && of === key);
    if (held) {
      held.announcements.add(announcement);
      return release;
    }
    try {
      const socket = await this.#commands.listen(at.address, at.port);
      this.#byAddress.set(key, { socket, announcements: new Set([announcement]) });
    } catch (error) {
      const inUse = error instanceof MptcpError && error.code === 'ERR_MPTCP_EXISTS';
      if (!inUse || !(await this.#isMptcp(at))) throw error;
    }
    return release;
  }

  release(match: (announcement: string, key: string) => boolean): void {
    for (const [key, { socket, announcements }] of this.#byAddress) {
      for (const each of announcements) if (match(each, key)) announcements.delete(each);
      if (announcements.size > 0) continue;
      socket.close();
      this.#byAddress.delete(key);
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
