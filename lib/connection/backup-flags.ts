/**
 * The backup flags of subflows, which sock_diag alone shows: dumps on another thread, one after the
 * other, serve all connections whose priorities somebody listens for.
 */
import { subflowKey } from '../base/addresses';
import { AsyncPoller, PAUSE } from '../base/poller';
import { SUBFLOW_FLAGS } from '../kernel/constants';
import { subflowsByToken } from '../kernel/sock-diag';

const INTERVAL = 500; // ms

const { BKUP_REM: REMOTE, BKUP_LOC: LOCAL } = SUBFLOW_FLAGS;

/** Which side asked that a subflow be backup. */
export interface BackupFlags {
  local: boolean;
  remote: boolean;
}

/** The flags of a connection's subflows, by subflowKey(). */
export type FlagsOfSubflows = ReadonlyMap<string, BackupFlags>;
type Listener = (flags: FlagsOfSubflows) => void;

/** The flags of one connection now; the map is empty where sock_diag hides tokens. */
export async function readBackupFlags(token: number): Promise<FlagsOfSubflows> {
  return flagsOf(await subflowsByToken(undefined, false), token);
}

function flagsOf(
  subflows: Awaited<ReturnType<typeof subflowsByToken>>,
  token: number,
): FlagsOfSubflows {
  const flagged = (subflows.get(token) ?? []).filter(({ flags }) => flags !== undefined);
  return new Map(
    flagged.map((subflow) => {
      const { flags = 0 } = subflow;
      return [
        subflowKey(subflow),
        { local: (flags & LOCAL) !== 0, remote: (flags & REMOTE) !== 0 },
      ];
    }),
  );
}

/** The listeners, with the token of the connection that each is for. */
const listeners = new Map<Listener, number>();
const poller = new AsyncPoller(dump, { interval: INTERVAL, pause: PAUSE });

/**
 * Passes the flags of the connection's subflows to the listener after each dump; one begins now.
 */
export function watchBackup(token: number, listener: Listener): void {
  listeners.set(listener, token);
  poller.start();
}

/** Ends what watchBackup() began. */
export function unwatchBackup(listener: Listener): void {
  listeners.delete(listener);
  if (listeners.size === 0) poller.stop();
}

/** Resolves when all listeners have received the flags as of this call, or later. */
export function pollBackup(): Promise<void> {
  return poller.poll();
}

async function dump(): Promise<void> {
  try {
    const subflows = await subflowsByToken(undefined, false);
    for (const [listener, token] of listeners) listener(flagsOf(subflows, token));
  } catch {
    // The next dump may succeed; where sock_diag is missing altogether, none does.
  }
}
