/**
 * A path may drop SYNs that carry MPTCP options. The kernel alone needs about 7 s to try without
 * them, and before Linux 6.12 never does. So a connection that prefers MPTCP and has no answer after
 * a second and a bit is tried over TCP too; the first of the two that is made is the connection.
 */
import type net from 'node:net';
import { channels } from './channels';
import { DelayQueue, Queued } from './delay-queue';
import { loadNative } from './native';
import { type ConnectRequest, connectPlain, type TcpHandle } from './tcp-handle';

/** Longer than the kernel's first retransmission of a SYN, so that one lost packet costs nothing. */
const unanswered = new DelayQueue<TcpRetry>(1300, (retry) => retry.overdue()); // ms

/** Destinations that only TCP reached lately, and until when they are not asked for MPTCP again. */
const blackholes = new Map<string, number>();
const REMEMBERED = 600_000; // ms
const MOST_REMEMBERED = 1000;

export function isBlackhole(address: string): boolean {
  const until = blackholes.get(address);
  if (until === undefined) return false;
  if (until > Date.now()) return true;
  blackholes.delete(address);
  return false;
}

function remember(address: string): void {
  const [oldest] = blackholes.keys();
  if (blackholes.size >= MOST_REMEMBERED && oldest !== undefined) blackholes.delete(oldest);
  blackholes.set(address, Date.now() + REMEMBERED);
}

/** The attempts over TCP of one socket, beside those over MPTCP: Happy Eyeballs makes several. */
export class TcpRetry extends Queued {
  readonly #socket: net.Socket;
  /** What the app bound the socket to. */
  readonly #local: { address: string; port: number } | undefined;
  #overdue = false;
  /** The attempt over MPTCP that goes on; undefined: none does. */
  #handle: TcpHandle | undefined;
  #request: ConnectRequest | undefined;
  #family: 4 | 6 = 4;
  #address = '';
  #port = 0;
  #rival: TcpHandle | undefined;

  constructor(socket: net.Socket, local: { address: string; port: number } | undefined) {
    super();
    this.#socket = socket;
    this.#local = local;
    unanswered.add(this);
  }

  /** The socket connects over MPTCP. */
  begin(
    handle: TcpHandle,
    request: ConnectRequest,
    family: 4 | 6,
    address: string,
    port: number,
  ): void {
    this.#handle = handle;
    this.#request = request;
    this.#family = family;
    this.#address = address;
    this.#port = port;
    if (this.#overdue || isBlackhole(address)) this.#race();
  }

  /** It has had no answer for too long. */
  overdue(): void {
    this.#overdue = true;
    this.#race();
  }

  /** That attempt is over. */
  end(): void {
    this.#handle = undefined;
    this.#request = undefined;
    this.#rival?.close();
    this.#rival = undefined;
  }

  /** The socket is connected, or will never be. */
  stop(): void {
    unanswered.withdraw(this);
    this.end();
  }

  #race(): void {
    const handle = this.#handle;
    const request = this.#request;
    if (!handle || !request) return;
    const address = this.#address;
    const port = this.#port;
    const remote = { address, port };
    this.#rival = connectPlain(request, this.#family, this.#local, remote, (status) => {
      if (this.#rival && status === 0) {
        loadNative()?.replaceConnecting(handle.fd, this.#rival.fd);
        remember(address);
        channels.tcpRetry.publish({ socket: this.#socket, address, port });
      }
      this.end();
    });
    this.#rival?.unref();
  }
}
