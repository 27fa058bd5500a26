/**
 * A path may drop SYNs that carry MPTCP options. The kernel alone needs about 7 s to try without
 * them, and before Linux 6.12 never does. So a connection that prefers MPTCP and has no answer after
 * a second and a bit is tried over TCP too; the first of the two that is made is the connection.
 */
import { DelayQueue } from './delay-queue';
import { loadNative } from './native';
import { type ConnectRequest, connectPlain, type TcpHandle } from './tcp-handle';

/** Longer than the kernel's first retransmission of a SYN, so that one lost packet costs nothing. */
const delayed = new DelayQueue(1300); // ms

/** Destinations that only TCP reached lately, and until when they are not asked for MPTCP again. */
const blackholes = new Map<string, number>();
const REMEMBERED = 600_000; // ms
const MOST_REMEMBERED = 1000;

export interface ConnectAttempt {
  handle: TcpHandle;
  request: ConnectRequest;
  family: 4 | 6;
  address: string;
  port: number;
  /** What the app bound the socket to. */
  local?: { address: string; port: number };
  /** Called when TCP has taken the place of the attempt. */
  won: () => void;
}

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
export class TcpRetry {
  readonly #withdraw: () => void;
  #overdue = false;
  #attempt: ConnectAttempt | undefined;
  #rival: TcpHandle | undefined;

  constructor() {
    this.#withdraw = delayed.add(() => {
      this.#overdue = true;
      this.#race();
    });
  }

  /** The socket connects over MPTCP. */
  begin(attempt: ConnectAttempt): void {
    this.#attempt = attempt;
    if (this.#overdue || isBlackhole(attempt.address)) this.#race();
  }

  /** That attempt is over. */
  end(): void {
    this.#attempt = undefined;
    this.#rival?.close();
    this.#rival = undefined;
  }

  /** The socket is connected, or will never be. */
  stop(): void {
    this.#withdraw();
    this.end();
  }

  #race(): void {
    if (!this.#attempt) return;
    const { handle, request, family, address, port, local, won } = this.#attempt;
    this.#rival = connectPlain(request, family, local, { address, port }, (status) => {
      if (this.#rival && status === 0) {
        loadNative()?.replaceConnecting(handle.fd, this.#rival.fd);
        remember(address);
        won();
      }
      this.end();
    });
    this.#rival?.unref();
  }
}
