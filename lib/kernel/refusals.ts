/**
 * Why the kernel has refused a command, where it does not say: Linux 6.1 has one errno, EINVAL,
 * and one text, or none, for several reasons. The kernel is asked what it has instead.
 */
import type { NativeCommand, NativeEndpoint } from '../../types/native';
import { isAddress, subflowKey } from '../base/addresses';
import type { MptcpError } from '../base/errors';
import { errorWithReason, type Reason } from './command-errors';
import { checkManaged, type CommandChannel, listAddresses } from './connection-addresses';
import { subflowsByToken } from './sock-diag';

/** The error of a command, with its reason. */
export async function explainRefusal(
  channel: CommandChannel,
  command: NativeCommand,
  error: MptcpError,
): Promise<MptcpError> {
  const reason = await reasonOf(channel, command, error).catch(() => undefined);
  return reason ? errorWithReason(error, reason) : error;
}

async function reasonOf(
  channel: CommandChannel,
  command: NativeCommand,
  error: MptcpError,
): Promise<Reason | undefined> {
  if (command.command === 'addEndpoint') {
    return whyNoEndpoint(command.endpoint, await channel.dumpEndpoints(undefined), error);
  }
  if (!('token' in command) || command.token === undefined) return undefined;
  const { token } = command;
  const unmanaged = await whyUnmanaged(channel, token);
  if (unmanaged) return unmanaged;
  switch (command.command) {
    case 'remove': {
      const listed = await listAddresses(channel, token);
      const isListed = listed.some(({ id }) => id === command.localId);
      return isListed ? undefined : { extack: 'address with specified id not found' };
    }
    case 'destroySubflow':
    case 'setSubflowFlags': {
      const subflows = (await subflowsByToken(channel.netns, false)).get(token) ?? [];
      const exists = subflows.some((each) => subflowKey(each) === subflowKey(command));
      return exists ? undefined : { extack: 'subflow not found' };
    }
  }
  return undefined;
}

async function whyUnmanaged(channel: CommandChannel, token: number): Promise<Reason | undefined> {
  try {
    await checkManaged(channel, token);
    return undefined;
  } catch (error) {
    const { extack } = error as MptcpError;
    return extack === undefined ? undefined : { extack };
  }
}

/** The kernel's order is another one: an endpoint that exists matters more than a full list. */
function whyNoEndpoint(
  { id, address, port }: NativeEndpoint,
  listed: readonly NativeEndpoint[],
  { extack = '' }: MptcpError,
): Reason | undefined {
  if (listed.some((each) => isAddress(each.address, address) && each.port === port))
    return { errno: 'EEXIST' };
  if (listed.some((each) => each.id === id)) return { errno: 'EBUSY' };
  return extack.includes('too many') ? { errno: 'ERANGE' } : undefined;
}
