/** The public form of the kernel's MPTCP events. */
import { getSystemErrorName } from 'node:util';
import type { Address, NativeEvent, NativeSocketAddress } from '../../types/native';
import { EVENT_FLAGS } from '../kernel/constants';
import { eventsReportDeniedJoins, noteFlagsAttribute } from './denied-joins';
import { type PathManagerEvent, RESET_REASONS, type SubflowReset } from './events';

/** MPTCP_EVENT_* (include/uapi/linux/mptcp_pm.h) */
const TYPES = {
  1: 'created',
  2: 'established',
  3: 'closed',
  6: 'announced',
  7: 'removed',
  10: 'subflowEstablished',
  11: 'subflowClosed',
  13: 'subflowPriority',
  15: 'listenerCreated',
  16: 'listenerClosed',
} as const;

const TRANSIENT = 1; // the flag T of MP_TCPRST

/**
 * The public form of an address. The addon writes v4-mapped addresses as IPv4, so that a colon is
 * proof of IPv6; dumps have thousands of addresses.
 */
export function publicAddress({ address, port }: NativeSocketAddress): Address {
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' };
}

function resetOf({ resetReason, resetFlags = 0 }: NativeEvent): SubflowReset | undefined {
  if (resetReason === undefined) return undefined;
  const reason = RESET_REASONS[resetReason];
  return {
    code: resetReason,
    ...(reason && { reason }),
    transient: (resetFlags & TRANSIENT) !== 0,
  };
}

function unknown(event: NativeEvent): PathManagerEvent {
  const { type: number, unknown: attributes = [] } = event;
  return { type: 'unknown', source: 'kernel', number, attributes };
}

function deniesJoins({ flags }: NativeEvent): boolean | undefined {
  if (flags !== undefined) noteFlagsAttribute();
  return eventsReportDeniedJoins() ? ((flags ?? 0) & EVENT_FLAGS.DENY_JOIN_ID0) !== 0 : undefined;
}

/** The public form of a kernel's event; one that lacks an attribute of its type is `unknown`. */
export function decodeEvent(event: NativeEvent): PathManagerEvent {
  const source = 'kernel';
  const type = (TYPES as Partial<Record<number, (typeof TYPES)[keyof typeof TYPES]>>)[event.type];
  const { token, remoteId } = event;
  const local = event.local && publicAddress(event.local);
  const remote = event.remote && publicAddress(event.remote);
  if (type === 'listenerCreated' || type === 'listenerClosed') {
    return local ? { type, source, local } : unknown(event);
  }
  if (type === undefined || token === undefined) return unknown(event);
  switch (type) {
    case 'closed':
      return { type, source, token };
    case 'removed':
      return remoteId === undefined ? unknown(event) : { type, source, token, remoteId };
    case 'announced': {
      if (remoteId === undefined || !event.remote) return unknown(event);
      const { address, port } = event.remote;
      return { type, source, token, remoteId, address, ...(port !== 0 && { port }) };
    }
    default:
  }
  if (!local || !remote) return unknown(event);
  if (type === 'created' || type === 'established') {
    const { serverSide } = event;
    const denyJoinId0 = deniesJoins(event);
    return {
      ...{ type, source, token, local, remote },
      ...(denyJoinId0 !== undefined && { denyJoinId0 }),
      ...(serverSide !== undefined && { serverSide }),
    };
  }
  const { localId, backup, interface: interfaceIndex, error } = event;
  const subflow = {
    ...({ source, token, local, remote } as const),
    ...(localId !== undefined && { localId }),
    ...(remoteId !== undefined && { remoteId }),
    ...(backup !== undefined && { backup }),
    ...(interfaceIndex !== undefined && { interfaceIndex }),
  };
  if (type !== 'subflowClosed') return { type, ...subflow };
  const reset = resetOf(event);
  return {
    type,
    ...subflow,
    ...(error ? { error: getSystemErrorName(-error) } : {}),
    ...(reset && { reset }),
  };
}
