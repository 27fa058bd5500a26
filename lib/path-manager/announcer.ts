/** Announces an address to the clients of this thread's servers, where userspace manages paths. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type net from 'node:net';
import type { Abortable } from '../base/abort';
import { canonicalAddress, withoutScope } from '../base/addresses';
import { MptcpError } from '../base/errors';
import { connectionOf } from '../connection/connection-of';
import { channels } from '../sockets/channels';
import type { AnnounceOptions } from '../userspace/userspace';

const LAST_ID = 255;

/** The commands that announcements need. */
interface AnnounceCommands {
  announce(token: number, options: AnnounceOptions, abort?: Abortable): Promise<void>;
  withdraw(token: number, id: number, abort?: Abortable): Promise<void>;
}

interface Announced {
  token: number;
  id: number;
}

export class Announcer {
  readonly #commands: AnnounceCommands;
  readonly #address: string;
  readonly #port: number | undefined;
  readonly #announced = new Map<net.Socket, Announced>();
  readonly #pending = new Set<Promise<void>>();
  #warned = false;
  #closed = false;

  constructor(commands: AnnounceCommands, address: string, port: number | undefined) {
    this.#commands = commands;
    this.#address = canonicalAddress(address);
    this.#port = port;
    subscribe(channels.accept.name, this.#accepted);
  }

  /** Withdraws it from the connections that are still open. */
  async close(): Promise<void> {
    this.#closed = true;
    unsubscribe(channels.accept.name, this.#accepted);
    await Promise.all(this.#pending);
    const open = [...this.#announced.values()];
    this.#announced.clear();
    await Promise.all(
      open.map(({ token, id }) =>
        this.#commands.withdraw(token, id).catch(() => undefined /* it has just ended */),
      ),
    );
  }

  readonly #accepted = (message: unknown): void => {
    const { socket, status } = message as { socket: net.Socket; status: string };
    if (status !== 'mptcp' || this.#isKnown(socket)) return;
    const { token } = connectionOf(socket);
    if (token === undefined) return;
    const pending = this.#announce(socket, token)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  };

  /** The client uses the address and port already, without the balancer. */
  #isKnown({ localAddress = '', localPort }: net.Socket): boolean {
    const same = localAddress !== '' && canonicalAddress(localAddress) === this.#address;
    return same && (this.#port === undefined || this.#port === localPort);
  }

  async #announce(socket: net.Socket, token: number): Promise<void> {
    const options = {
      address: this.#address,
      ...(this.#port !== undefined && { port: this.#port }),
    };
    for (let id = 1; !this.#closed; id++) {
      try {
        await this.#commands.announce(token, { ...options, id });
        if (socket.destroyed) return;
        this.#announced.set(socket, { token, id });
        socket.once('close', () => this.#announced.delete(socket));
        return;
      } catch (error) {
        if (!isTaken(error) || id === LAST_ID) throw error;
      }
    }
  }

  /** Of the connection alone: it has ended, or began in another mode. The rest is told once. */
  #failed(error: unknown): void {
    const { code } = error as MptcpError;
    if (code === 'ERR_MPTCP_NOT_FOUND' || code === 'ERR_MPTCP_PATH_MANAGER') return;
    if (this.#closed || this.#warned) return;
    this.#warned = true;
    process.emitWarning(
      `${withoutScope(this.#address)} is not announced: ${(error as Error).message}`,
      { type: 'MptcpWarning', code: 'MPTCP_ANNOUNCE' },
    );
  }
}

/** Another address of the connection has the id. */
const isTaken = (error: unknown): boolean =>
  error instanceof MptcpError && error.code === 'ERR_MPTCP_EXISTS' && error.extack !== undefined;
