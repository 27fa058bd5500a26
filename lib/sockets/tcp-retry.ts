/**
 * Retries connections over TCP. A path may drop SYNs that carry MPTCP options; the kernel alone needs
 * about 7 s to try without them, and before Linux 6.12 never does. So a connection that prefers MPTCP
 * and has no answer after 1.2 s is tried over TCP too; the first of the two to be established is used.
 */
import { DelayQueue } from '../base/delay-queue';
import { loadNative } from '../kernel/addon';
import { channels } from './channels';
import type { Attempt, Client } from './client';
import { connectPlain, socketOf } from './node/handle';

/** The delay is longer than the kernel's first retransmission of a SYN, so that one may be lost. */
const unanswered = new DelayQueue<Client>(1200, overdue); // ms

/** Addresses that lately only TCP has reached, and until when (ms) they are left to TCP. */
const blackholes = new Map<string, number>();
const BLACKHOLE_LIFETIME = 600_000; // ms
const MOST_BLACKHOLES = 1000;

/** Whether an address is left to TCP because SYNs with MPTCP options were lost on the way to it. */
export function isBlackhole(address: string): boolean {
  const until = blackholes.get(address);
  if (until === undefined) return false;
  if (until > Date.now()) return true;
  blackholes.delete(address);
  return false;
}

function remember(address: string): void {
  const [oldest] = blackholes.keys();
  if (blackholes.size >= MOST_BLACKHOLES && oldest !== undefined) blackholes.delete(oldest);
  blackholes.set(address, Date.now() + BLACKHOLE_LIFETIME);
}

/** Begins an attempt over MPTCP; Happy Eyeballs makes several. */
export function beginAttempt(client: Client, attempt: Attempt): void {
  client.attempt = attempt;
  if (!client.begun) unanswered.add(client);
  client.begun = true;
  if (client.overdue || isBlackhole(attempt.address)) race(client);
}

/** Ends the attempt in progress, and the one over TCP beside it. */
export function endAttempt(client: Client): void {
  client.attempt = undefined;
  client.rival?.close();
  client.rival = undefined;
}

/** Ends all attempts of a socket that is connected, or never will be. */
export function stopAttempts(client: Client): void {
  unanswered.withdraw(client);
  endAttempt(client);
}

/** Handles a client that has had no answer for too long. */
function overdue(client: Client): void {
  client.overdue = true;
  race(client);
}

/** Begins an attempt over TCP beside the one over MPTCP. */
function race(client: Client): void {
  const { attempt, local } = client;
  if (!attempt) return;
  const { handle, request, family, address, port } = attempt;
  client.rival = connectPlain(request, family, local, { address, port }, (status) => {
    if (client.rival && status === 0) {
      loadNative()?.replaceConnecting(handle.fd, client.rival.fd);
      remember(address);
      channels.tcpRetry.publish({ socket: socketOf(handle), address, port });
    }
    endAttempt(client);
  });
  client.rival?.unref();
}
