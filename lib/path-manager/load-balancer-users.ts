/**
 * The processes of a network namespace that share settings for a load balancer. Each holds an
 * abstract Unix name that says what it found, so that the last one knows that it is the last, and
 * what to restore. The kernel frees the names of a process that ends in any way.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeCommands, NativeHeldSocket } from '../../types/native';
import { throwIfAborted } from '../base/abort';
import { MptcpError } from '../base/errors';
import { type Commands } from '../kernel/commands';
import {
  isPrivileged,
  NAMES_FILE,
  namesIn,
  privilegedNames,
  takeLock,
} from '../kernel/privileged-names';

const PREFIX = 'mptcp-load-balancer';
const LOCK = `${PREFIX}-lock`;
const USERS = `${PREFIX}-user`;
const USER = new RegExp(`^${USERS}/[0-9a-f]+/([01])/([01])/([^/\\s]+)/(\\d+)$`);

/** Milliseconds until the lock is tried again: its holder runs a few commands. */
const RETRY = 5;

/** Milliseconds after which the lock counts as stuck. */
const PATIENCE = 10_000;

/** What a process has set or found. */
export interface User {
  /** The value of allow_join_initial_addr_port before the first process changed it. */
  joinsAllowed: boolean;
  /** Whether one of the processes has added the endpoint. */
  added: boolean;
  address: string;
  /** 0 for the port of each connection. */
  port: number;
}

/** The user that a name stands for; undefined: it stands for none. */
function userOf(name: string): User | undefined {
  const match = USER.exec(name);
  if (!match) return undefined;
  const [, allowed, added, address = '', port] = match;
  return { joinsAllowed: allowed === '1', added: added === '1', address, port: Number(port) };
}

/** Reads the users of the commands' namespace. */
export async function usersOf(commands: Commands): Promise<User[]> {
  const names = await privilegedNames(commands, USERS);
  return names.flatMap(({ name }) => userOf(name) ?? []);
}

/** Does the same without promises, for a process that exits: see finish() of Commands. */
export function findUsers(native: NativeCommands, found: (users: User[]) => void): void {
  native.readFile(NAMES_FILE, (error, text = '') => {
    if (error) return;
    const users: User[] = [];
    const candidates = namesIn(text, USERS).flatMap((name) => {
      const user = userOf(name);
      return user ? [{ name, user }] : [];
    });
    let left = candidates.length;
    if (left === 0) found(users);
    for (const { name, user } of candidates) {
      native.nameOwner(name, (_failed, owner) => {
        if (owner && isPrivileged(owner)) users.push(user);
        if (--left === 0) found(users);
      });
    }
  });
}

export const isSame = (one: User, { address, port }: Pick<User, 'address' | 'port'>): boolean =>
  one.address === address && one.port === port;

const digit = (value: boolean): number => (value ? 1 : 0);

/** Makes this process a user, until the returned name is closed. */
export function enlist(
  commands: Commands,
  { joinsAllowed, added, address, port }: User,
): Promise<NativeHeldSocket> {
  const unique = randomBytes(6).toString('hex');
  return commands.holdName(
    [USERS, unique, digit(joinsAllowed), digit(added), address, port].join('/'),
  );
}

/** Runs `change` while no other process of the namespace does so. */
export async function exclusively<T>(
  commands: Commands,
  signal: AbortSignal | undefined,
  change: () => Promise<T>,
): Promise<T> {
  const lock = await holdLock(commands, signal);
  try {
    return await change();
  } finally {
    lock.close();
  }
}

async function holdLock(
  commands: Commands,
  signal: AbortSignal | undefined,
): Promise<NativeHeldSocket> {
  const until = Date.now() + PATIENCE;
  for (;;) {
    throwIfAborted(signal, false);
    const { held, owner } = await takeLock(commands, LOCK);
    if (held) return held;
    if (Date.now() >= until) {
      const who = owner.pid === 0 ? 'a process of another pid namespace' : `process ${owner.pid}`;
      throw new MptcpError(
        'ERR_MPTCP_EXISTS',
        `The settings for a load balancer are locked by ${who}, for 10 seconds already: end it`,
      );
    }
    await sleep(RETRY * (1 + Math.random())); // two that find each other do not meet again
  }
}
