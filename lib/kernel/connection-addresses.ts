/**
 * The local addresses of one connection that userspace manages. Kernels before about 6.10 ignore the
 * token of MPTCP_PM_CMD_GET_ADDR and answer with the endpoints of the namespace. There the addresses
 * are those that this process has announced or used, and those of the connection's subflows.
 */
import { constants } from 'node:os';
import type { NativeCommand, NativeEndpoint } from '../../types/native';
import type { Abortable } from '../base/abort';
import { MptcpError } from '../base/errors';
import { ENDPOINT_FLAGS, TCP_STATES } from './constants';
import { subflowsByToken } from './sock-diag';

/** What is used here of the command thread. */
export interface CommandChannel {
  readonly netns: string | undefined;
  /** Runs a command, without asking why the kernel refused it. */
  runPlain(command: NativeCommand, abort?: Abortable): Promise<unknown>;
  /** The kernel's answer to MPTCP_PM_CMD_GET_ADDR, whether it is right or not. */
  dumpEndpoints(token: number | undefined, abort?: Abortable): Promise<NativeEndpoint[]>;
}

/** The kernel gives no connection this token (net/mptcp/token.c). */
const NO_TOKEN = 0;
/** How many connections are remembered; the oldest are forgotten first. */
const MOST_CONNECTIONS = 4096;

const { ESTABLISHED, SYN_SENT } = TCP_STATES;

/** By token and id: what commands of this process have added. Tokens of all namespaces differ. */
const added = new Map<number, Map<number, NativeEndpoint>>();

/** Whether the kernel ignores tokens, for each command thread that has asked. */
const ignoring = new WeakMap<CommandChannel, boolean>();

/** Notes what a command that has succeeded has changed. */
export function noteAddresses(command: NativeCommand): void {
  switch (command.command) {
    case 'announce':
      add(command.token, command.endpoint);
      break;
    case 'createSubflow': {
      const { token, local } = command;
      if (added.get(token)?.has(local.id)) return;
      add(token, { ...local, port: 0, flags: local.flags | ENDPOINT_FLAGS.SUBFLOW });
      break;
    }
    case 'remove':
      added.get(command.token)?.delete(command.localId);
  }
}

function add(token: number, address: NativeEndpoint): void {
  const addresses = added.get(token) ?? new Map<number, NativeEndpoint>();
  added.set(token, addresses.set(address.id, address));
  for (const oldest of added.keys()) {
    if (added.size <= MOST_CONNECTIONS) break;
    added.delete(oldest);
  }
}

/** Whether the kernel answers with the namespace's endpoints, whatever token it is asked about. */
async function ignoresTokens(channel: CommandChannel): Promise<boolean> {
  const known = ignoring.get(channel);
  if (known !== undefined) return known;
  try {
    await channel.dumpEndpoints(NO_TOKEN);
  } catch (error) {
    if (isInvalid(error)) ignoring.set(channel, false);
    return false; // the question itself will fail for the same reason, such as a missing privilege
  }
  ignoring.set(channel, true);
  return true;
}

const isInvalid = (error: unknown): boolean =>
  error instanceof MptcpError && error.errno === -constants.errno.EINVAL;

/**
 * The addresses of a connection. ERR_MPTCP_NOT_FOUND: there is no such connection;
 * ERR_MPTCP_PATH_MANAGER: the kernel manages it.
 */
export async function listAddresses(
  channel: CommandChannel,
  token: number,
  abort?: Abortable,
): Promise<NativeEndpoint[]> {
  if (!(await ignoresTokens(channel))) return channel.dumpEndpoints(token, abort);
  await checkManaged(channel, token, abort);
  const addresses = new Map(added.get(token));
  for (const { local, localId, state } of (await subflowsByToken(channel.netns, false, abort)).get(
    token,
  ) ?? []) {
    if (!localId || addresses.has(localId) || (state !== ESTABLISHED && state !== SYN_SENT))
      continue;
    const flags = ENDPOINT_FLAGS.SUBFLOW;
    addresses.set(localId, { id: localId, address: local.address, port: 0, flags, interface: 0 });
  }
  return [...addresses.values()];
}

/** The address of a connection that has an id; fails as {@link listAddresses}, and without one too. */
export async function getAddress(
  channel: CommandChannel,
  command: Extract<NativeCommand, { command: 'getEndpoint' }> & { token: number },
  get: () => Promise<NativeEndpoint>,
  abort?: Abortable,
): Promise<NativeEndpoint> {
  if (!(await ignoresTokens(channel))) return get();
  const listed = await listAddresses(channel, command.token, abort);
  const found = listed.find(({ id }) => id === command.id);
  if (found) return found;
  throw new MptcpError(
    'ERR_MPTCP_NOT_FOUND',
    `The connection has no address with the id ${command.id}: pm.addresses.list(token) gives those it has`,
  );
}

/**
 * Throws unless userspace manages the connection: the kernel looks for that before it refuses an
 * announcement with the id 0.
 */
export async function checkManaged(
  channel: CommandChannel,
  token: number,
  abort?: Abortable,
): Promise<void> {
  const flags = ENDPOINT_FLAGS.SIGNAL;
  const endpoint = { id: 0, address: '127.0.0.1', port: 0, flags, interface: 0 };
  try {
    await channel.runPlain({ command: 'announce', token, endpoint }, abort);
  } catch (error) {
    if (!isInvalid(error) || (error as MptcpError).code !== 'ERR_MPTCP_SYSTEM') throw error;
  }
}
