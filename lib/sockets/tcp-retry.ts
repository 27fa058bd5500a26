/**
 * A path may drop SYNs that carry MPTCP options. The kernel alone needs about 7 s to try without
 * them, and before Linux 6.12 never does. So a connection that prefers MPTCP and has no answer after
 * a second and a bit is tried over TCP too; the first of the two that is made is the connection.
 */
import { DelayQueue } from '../base/delay-queue';
import { loadNative } from '../kernel/addon';
import { channels } from './channels';
import type { Attempt, Client } from './client';
import { connectPlain, socketOf } from './node/handle';

/** Longer than the kernel's first retransmission of a SYN, so that one lost packet costs nothing. */
const unanswered = new DelayQueue<Client>(1200, overdue); // ms

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

/** `client` goes on over MPTCP; Happy Eyeballs makes several attempts. */
export function beginAttempt(client: Client, attempt: Attempt): void {
  client.attempt = attempt;
  if (!client.begun) unanswered.add(client);
  client.begun = true;
  if (client.overdue || isBlackhole(attempt.address)) race(client);
}

/** That attempt is over. */
export function endAttempt(client: Client): void {
  client.attempt = undefined;
  client.rival?.close();
  client.rival = undefined;
}

/** The socket is connected, or will never be. */
export function stopAttempts(client: Client): void {
  unanswered.withdraw(client);
  endAttempt(client);
}

/** It has had no answer for too long. */
function overdue(client: Client): void {
  client.overdue = true;
  race(client);
}

/** Beside the attempt over MPTCP one over TCP. */
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
