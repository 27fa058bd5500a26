/**
 * Retries connections over TCP. A path may drop SYNs that carry MPTCP options; the kernel alone needs
 * about 7 s to try without them, and before Linux 6.12 never does. So a connection that prefers MPTCP
 * and has no answer after 1.2 s is tried over TCP too; the first of the two to be established is used.
 *
 * Happy Eyeballs makes several attempts for one socket, and gives each of them up after a time. Each
 * has its own wait, because an address that answers at once needs no second connection. The wait is
 * shorter than 1.2 s only where the socket has waited that long and the attempt would be given up.
 */
import net from 'node:net';
import { DelayQueue } from '../base/delay-queue';
import { loadNative } from '../kernel/addon';
import { isBlackhole, rememberBlackhole } from './blackholes';
import { channels } from './channels';
import type { Attempt, Client } from './client';
import { connectPlain, socketOf } from './node/handle';

/** The wait is longer than the kernel's first retransmission of a SYN, so that one may be lost. */
const WAIT = 1200; // ms
/** The wait for an address that is known to be dark, at which the socket was bound to MPTCP before. */
const SHORT_WAIT = 100; // ms

const unanswered = new DelayQueue<Client>(WAIT, overdue);

/** Begins an attempt over MPTCP; Happy Eyeballs makes several. */
export function beginAttempt(client: Client, attempt: Attempt): void {
  client.attempt = attempt;
  if (!client.begun) unanswered.add(client);
  else attempt.began = performance.now();
  client.begun = true;
  if (client.overdue) decide(client);
  else if (isBlackhole(attempt.address)) later(client, SHORT_WAIT, () => race(client, false));
}

/** Ends the attempt in progress, and the one over TCP beside it. */
export function endAttempt(client: Client): void {
  clearTimeout(client.timer);
  client.attempt = undefined;
  client.rival?.close();
  client.rival = undefined;
}

/** Ends all attempts of a socket that is connected, or never will be. */
export function stopAttempts(client: Client): void {
  unanswered.withdraw(client);
  endAttempt(client);
}

/** Handles a client whose first attempt began so long ago. */
function overdue(client: Client): void {
  client.overdue = true;
  decide(client);
}

/** Milliseconds after which Happy Eyeballs gives up an attempt, unless it is the last one. */
function givenUpAfter({ target }: Client): number {
  return target.autoSelectFamilyAttemptTimeout ?? net.getDefaultAutoSelectFamilyAttemptTimeout();
}

/** Begins an attempt over TCP, or waits until the one over MPTCP has had its time. */
function decide(client: Client): void {
  const { attempt } = client;
  if (!attempt) return;
  const waited = attempt.began === undefined ? WAIT : performance.now() - attempt.began;
  const limit = givenUpAfter(client);
  const wait = waited < limit ? Math.min(WAIT, limit / 2) : WAIT;
  if (waited >= wait) race(client, waited >= WAIT);
  else later(client, wait - waited, () => decide(client));
}

function later(client: Client, delay: number, then: () => void): void {
  clearTimeout(client.timer);
  client.timer = setTimeout(then, Math.ceil(delay)).unref();
}

/**
 * Begins an attempt over TCP beside the one over MPTCP; `full`: that one has had its full time, so
 * that a success of TCP says something about the path.
 */
function race(client: Client, full: boolean): void {
  const { attempt, local } = client;
  if (!attempt || client.rival) return;
  const { handle, request, family, address, port } = attempt;
  client.rival = connectPlain(request, family, local, { address, port }, (status) => {
    if (client.rival && status === 0) {
      loadNative()?.replaceConnecting(handle.fd, client.rival.fd);
      if (full) rememberBlackhole(address);
      channels.tcpRetry.publish({ socket: socketOf(handle), address, port });
    }
    endAttempt(client);
  });
  client.rival?.unref();
}
