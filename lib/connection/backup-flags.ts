/**
 * The backup flags of subflows, which sock_diag alone shows: one dump after the other, on a thread,
 * for all connections whose priorities somebody wants to know of.
 */
import { subflowKey } from '../base/addresses';
import { subflowsByToken } from '../kernel/sock-diag';

const INTERVAL = 500; // ms
const SHARE = 20; // a dump is followed by so many times its own length without one

/** MPTCP_SUBFLOW_FLAG_BKUP_* */
const REMOTE = 0x10;
const LOCAL = 0x20;

/** Which side asked that a subflow be backup. */
export interface BackupFlags {
  local: boolean;
  remote: boolean;
}

/** By subflowKey(). */
export type FlagsOfSubflows = ReadonlyMap<string, BackupFlags>;
type Tell = (flags: FlagsOfSubflows) => void;

/** What sock_diag shows of one connection now; none where it hides tokens. */
export async function readBackupFlags(token: number): Promise<FlagsOfSubflows> {
  return flagsOf(await subflowsByToken(undefined, false), token);
}

function flagsOf(
  subflows: Awaited<ReturnType<typeof subflowsByToken>>,
  token: number,
): FlagsOfSubflows {
  const told = (subflows.get(token) ?? []).filter(({ flags }) => flags !== undefined);
  return new Map(
    told.map((subflow) => {
      const { flags = 0 } = subflow;
      return [
        subflowKey(subflow),
        { local: (flags & LOCAL) !== 0, remote: (flags & REMOTE) !== 0 },
      ];
    }),
  );
}

const watching = new Map<Tell, number>();
let timer: NodeJS.Timeout | undefined;
let dumping: Promise<void> | undefined;

/** Tells the flags of the connection's subflows again and again, soon for the first time. */
export function watchBackup(token: number, tell: Tell): void {
  watching.set(tell, token);
  void lookAtBackup();
}

export function unwatchBackup(tell: Tell): void {
  watching.delete(tell);
  if (watching.size === 0) clearTimeout(timer);
}

/** Once this is done, everybody knows the flags as they were when it was called, or later. */
export async function lookAtBackup(): Promise<void> {
  await dumping; // which may have begun before
  await (dumping ??= dump());
}

async function dump(): Promise<void> {
  clearTimeout(timer);
  const start = performance.now();
  try {
    const subflows = await subflowsByToken(undefined, false);
    for (const [tell, token] of watching) tell(flagsOf(subflows, token));
  } catch {
    // not this time: sock_diag may be missing altogether
  }
  dumping = undefined;
  if (watching.size === 0) return;
  const pause = Math.max(INTERVAL, SHARE * (performance.now() - start));
  timer = setTimeout(() => void lookAtBackup(), pause).unref();
}
