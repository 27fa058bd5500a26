/**
 * The processes of a network namespace that share settings for a load balancer. Each holds an
 * abstract Unix name that says what it found, so that the last one knows that it is the last, and
 * what to restore. The kernel frees the names of a process that ends in any way.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeHeldSocket } from '../../types/native';
import { throwIfAborted } from '../base/abort';
import { MptcpError } from '../base/errors';
import { type Commands } from '../kernel/commands';

const PREFIX = 'mptcp-load-balancer';
const LOCK = `${PREFIX}-lock`;
const USER = new RegExp(` @${PREFIX}/[0-9a-f]+/([01])/([01])/([^/\\s]+)/(\\d+)$`, 'gm');

/** Milliseconds until the lock is tried again: its holder runs a few commands. */
const RETRY = 5;

/** The file in which the kernel lists the names. */
export const USERS_FILE = '/proc/net/unix';

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

/** The users that the content of {@link USERS_FILE} lists. */
export function usersIn(text: string): User[] {
  return Array.from(text.matchAll(USER), ([, allowed, added, address = '', port]) => ({
    joinsAllowed: allowed === '1',
    added: added === '1',
    address,
    port: Number(port),
  }));
}

/** Reads the users of the commands' namespace. */
export async function usersOf(commands: Commands): Promise<User[]> {
  return usersIn(await commands.readFile(USERS_FILE));
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
    [PREFIX, unique, digit(joinsAllowed), digit(added), address, port].join('/'),
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
  for (;;) {
    throwIfAborted(signal, false);
    try {
      return await commands.holdName(LOCK);
    } catch (error) {
      if (!isHeld(error)) throw error;
    }
    await sleep(RETRY);
  }
}

const isHeld = (error: unknown): boolean =>
  error instanceof MptcpError && error.errno === -constants.errno.EADDRINUSE;
