/**
 * Announces an address to the clients of this thread's servers where userspace manages paths: what
 * an endpoint with `signal` does under the in-kernel path manager.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type net from 'node:net';
import { canonicalAddress, withoutScope } from '../base/addresses';
import type { MptcpError } from '../base/errors';
import { connectionOf } from '../connection/connection-of';
import { channels } from '../sockets/channels';
import type { Userspace } from '../userspace/userspace';

interface Announced {
  token: number;
  id: number;
}

/** Works from its construction until close(). */
export class Announcer {
  readonly #userspace: Userspace;
  readonly #address: string;
  readonly #port: number | undefined;
  readonly #announced = new Map<net.Socket, Announced>();
  readonly #pending = new Set<Promise<void>>();
  #warned = false;
  #closed = false;

  constructor(userspace: Userspace, address: string, port: number | undefined) {
    this.#userspace = userspace;
    this.#address = canonicalAddress(address);
    this.#port = port;
    subscribe(channels.accept.name, this.#accepted);
  }

  /** Withdraws the address from the connections that are still open. */
  async close(): Promise<void> {
    this.#closed = true;
    unsubscribe(channels.accept.name, this.#accepted);
    await Promise.all(this.#pending);
    const open = [...this.#announced.values()];
    this.#announced.clear();
    await Promise.all(
      open.map(({ token, id }) =>
        this.#userspace
          .withdraw(token, id)
          .catch(() => undefined /* the connection has just ended */),
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

  /** Whether the client uses the address and port already, without the balancer. */
  #isKnown({ localAddress = '', localPort }: net.Socket): boolean {
    const same = localAddress !== '' && canonicalAddress(localAddress) === this.#address;
    return same && (this.#port === undefined || this.#port === localPort);
  }

  async #announce(socket: net.Socket, token: number): Promise<void> {
    if (this.#closed) return;
    const announcement = {
      address: this.#address,
      ...(this.#port !== undefined && { port: this.#port }),
    };
    const ids = this.#userspace.addressIds(token);
    await this.#userspace.announceFrom(ids, token, announcement);
    if (socket.destroyed) return;
    this.#announced.set(socket, { token, id: await ids.of(announcement) });
    socket.once('close', () => this.#announced.delete(socket));
  }

  /** Warns once; what fails for a single connection, which has ended or began in another mode, is normal. */
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
