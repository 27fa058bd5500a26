/** The connections that this environment makes and accepts, through their diagnostics channels. */
import diagnostics from 'node:diagnostics_channel';
import type net from 'node:net';
import type { Connection } from '../../connection/connection';
import { connectionOf } from '../../connection/connection-of';
import { channels } from '../../sockets/channels';

const BEGINNINGS = [channels.connect, channels.accept];

/** The message of the channels. */
interface Message {
  socket?: net.Socket;
  status: string;
}

/** The MPTCP connections of this environment (main thread or worker), reported as they begin. */
export class OwnConnections {
  readonly #began: (token: number) => void;
  readonly #byToken = new Map<number, Connection>();
  #closed = false;

  constructor(began: (token: number) => void) {
    this.#began = began;
    for (const { name } of BEGINNINGS) diagnostics.subscribe(name, this.#listen);
  }

  get(token: number): Connection | undefined {
    return this.#byToken.get(token);
  }

  /** Adds a connection that began before this; one without MPTCP is ignored. */
  add(connection: Connection): void {
    const { token } = connection;
    if (token === undefined || this.#closed) return;
    this.#byToken.set(token, connection);
    this.#began(token);
  }

  delete(token: number): void {
    this.#byToken.delete(token);
  }

  close(): void {
    this.#closed = true;
    for (const { name } of BEGINNINGS) diagnostics.unsubscribe(name, this.#listen);
    this.#byToken.clear();
  }

  readonly #listen = (message: unknown): void => {
    const { socket, status } = message as Message;
    if (!socket || status !== 'mptcp') return;
    const add = (): void => this.add(connectionOf(socket));
    if (socket.connecting) socket.prependOnceListener('connect', add);
    else add();
  };
}
