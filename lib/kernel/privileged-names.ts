/**
 * Locks of a network namespace that only privileged processes can hold. A lock is an abstract Unix
 * name: the kernel frees it with its holder, however that ends, and it needs no file system that
 * containers would have to share. Any process can bind any name; so a name counts only if its holder
 * may manage the network, and a name that another process occupies is replaced by one that begins
 * with it.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeHeldSocket, NativeNameOwner } from '../../types/native';
import type { Abortable } from '../base/abort';
import { MptcpError } from '../base/errors';
import type { Commands } from './commands';

/** The file in which the kernel lists the names of the reader's network namespace. */
export const NAMES_FILE = '/proc/net/unix';

/** The bit of CAP_NET_ADMIN in the capability sets of /proc/PID/status. */
const NET_ADMIN = 1n << 12n;

/** Milliseconds for which a holder that does not answer is asked again. */
const PATIENCE = 1000;
const PAUSE = 5;

/** The names that begin with `prefix` and a slash, or are `prefix` alone, in {@link NAMES_FILE}. */
export function namesIn(text: string, prefix: string): string[] {
  return Array.from(text.matchAll(/ @(\S+)$/gm), ([, name = '']) => name).filter(
    (name) => name === prefix || name.startsWith(`${prefix}/`),
  );
}

const isErrno = (error: unknown, name: 'EADDRINUSE' | 'EAGAIN'): boolean =>
  error instanceof MptcpError && error.errno === -constants.errno[name];

/** Whether a process has CAP_NET_ADMIN, be it in a user namespace of its own. */
function isAdmin(process: number | 'self'): boolean {
  const status = readFileSync(`/proc/${process}/status`, 'utf8');
  const bits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return (BigInt(`0x${bits}`) & NET_ADMIN) !== 0n;
}

/** Everybody has all capabilities in a user namespace that he makes. */
function isInThisUserNamespace(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/user`) === readlinkSync('/proc/self/ns/user');
  } catch {
    return !isAdmin('self'); // who may not read it only reports the owner
  }
}

/**
 * Whether a process may manage the network: it has CAP_NET_ADMIN in this user namespace, has this
 * process's user, or is root of another pid namespace.
 */
export function isPrivileged({ pid, uid }: NativeNameOwner): boolean {
  if (uid === process.geteuid?.()) return true;
  if (pid === 0) return uid === 0;
  try {
    return isAdmin(pid) && (uid === 0 || isInThisUserNamespace(pid));
  } catch {
    return uid === 0; // the process has just ended, or /proc hides it
  }
}

/** Asks who holds a name, for a second at most. ERR_MPTCP_SYSTEM: it does not answer. */
async function ownerOf(
  commands: Commands,
  name: string,
  abort?: Abortable,
): Promise<NativeNameOwner | undefined> {
  const until = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await commands.nameOwner(name, abort);
    } catch (error) {
      if (!isErrno(error, 'EAGAIN') || Date.now() >= until) throw error;
    }
    await sleep(PAUSE);
  }
}

/** Lists the names that begin with `prefix` and that privileged processes hold. */
export async function privilegedNames(
  commands: Commands,
  prefix: string,
  abort?: Abortable,
): Promise<{ name: string; owner: NativeNameOwner }[]> {
  const names = namesIn(await commands.readFile(NAMES_FILE, abort), prefix);
  const owners = await Promise.all(
    // A name that was released in the meantime has no owner; one that does not answer is no lock.
    names.map(async (name) => ({
      name,
      owner: await ownerOf(commands, name, abort).catch((error: unknown) => {
        if (!isErrno(error, 'EAGAIN')) throw error;
        return undefined;
      }),
    })),
  );
  return owners.flatMap(({ name, owner }) =>
    owner && isPrivileged(owner) ? [{ name, owner }] : [],
  );
}

/** Finds the privileged process that holds a lock. */
export async function lockOwner(
  commands: Commands,
  lock: string,
  abort?: Abortable,
): Promise<NativeNameOwner | undefined> {
  return (await privilegedNames(commands, lock, abort))[0]?.owner;
}

/** What takeLock() gives: the lock, or who holds it. */
export type Taken =
  { held: NativeHeldSocket; owner?: undefined } | { held?: undefined; owner: NativeNameOwner };

/** How often a lock is tried that somebody has bound, and not yet begun to answer for. */
const TRIES = 20;

/** Takes a lock, or says which privileged process holds it. */
export async function takeLock(commands: Commands, lock: string): Promise<Taken> {
  for (let tries = 1; ; tries++) {
    try {
      return await confirmed(commands, lock, lock);
    } catch (error) {
      if (!isErrno(error, 'EADDRINUSE')) throw error;
    }
    const owner = await ownerOf(commands, lock);
    if (owner && isPrivileged(owner)) return { owner };
    if (owner !== undefined || tries === TRIES) break; // it is occupied
    await sleep(PAUSE);
  }
  return confirmed(commands, lock, `${lock}/${randomBytes(6).toString('hex')}`);
}

/** Holds a name of a lock, unless a privileged process holds another one. */
async function confirmed(commands: Commands, lock: string, name: string): Promise<Taken> {
  const held = await commands.holdName(name);
  try {
    // Of two processes that hold names at the same time, at least one finds the other.
    const others = await privilegedNames(commands, lock);
    const other = others.find((each) => each.name !== name);
    if (!other) return { held };
    held.close();
    return { owner: other.owner };
  } catch (error) {
    held.close();
    throw error;
  }
}
