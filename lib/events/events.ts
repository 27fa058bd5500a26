import type { Address } from '../../types/native';
import type { EventStreamOptions, Overrun } from '../base/event-stream';

/**
 * `kernel`: its multicast message. `dump`: found by comparing what there is with what was known:
 * after an overrun, or because CAP_NET_ADMIN is missing for the messages. `derived`: it follows
 * from another event, and the kernel does not say it.
 */
export type EventSourceName = 'kernel' | 'dump' | 'derived';
interface Told {
  source: EventSourceName;
}

interface OfConnection extends Told {
  /** Identifies the connection in its network namespace. */
  token: number;
}

export interface ConnectionBegin extends OfConnection {
  /** Of the first subflow, seen from this host on either side. */
  local: Address;
  remote: Address;
  /** This side accepted the connection. */
  serverSide?: boolean;
  /**
   * The peer allows no more subflows to its first address and port. undefined: not known. The kernel
   * says it since Linux 6.17, a dump does not, and that a kernel would say it is known from
   * `mode.set('userspace')` on, or when an event has said something of the kind.
   */
  denyJoinId0?: boolean;
}

/** The first subflow is connected. */
export interface Created extends ConnectionBegin {
  type: 'created';
}

/** Both sides speak MPTCP: subflows can be added. */
export interface Established extends ConnectionBegin {
  type: 'established';
}

export interface Closed extends OfConnection {
  type: 'closed';
  /** undefined: it began before this was watched. */
  local?: Address;
  remote?: Address;
}

/** The peer announced an address (ADD_ADDR). */
export interface Announced extends OfConnection {
  type: 'announced';
  remoteId: number;
  address: string;
  /** undefined: that of the connection. */
  port?: number;
}

/** The peer withdrew an address (REMOVE_ADDR). */
export interface Removed extends OfConnection {
  type: 'removed';
  remoteId: number;
}

export interface OfSubflow extends OfConnection {
  local: Address;
  remote: Address;
  localId?: number;
  remoteId?: number;
  backup?: boolean;
  /** The interface of the local address, by its index. */
  interfaceIndex?: number;
}

export interface SubflowEstablished extends OfSubflow {
  type: 'subflowEstablished';
}

export interface SubflowClosed extends OfSubflow {
  type: 'subflowClosed';
  /** Why, as errno(3) names it: 'ECONNREFUSED', 'ETIMEDOUT' … */
  error?: string;
  /** The peer said why (MP_TCPRST). */
  reset?: Reset;
}

/** The peer changed the priority (MP_PRIO). Its own changes a host is not told. */
export interface SubflowPriority extends OfSubflow {
  type: 'subflowPriority';
}

/** RFC 8684, section 3.6 */
export interface Reset {
  code: number;
  reason?: ResetReason;
  /** The cause may be gone soon: worth another try. */
  transient: boolean;
}

export const RESET_REASONS = [
  'Unspecified error',
  'MPTCP-specific error',
  'Lack of resources',
  'Administratively prohibited',
  'Too much outstanding data',
  'Unacceptable performance',
  'Middlebox interference',
] as const;
export type ResetReason = (typeof RESET_REASONS)[number];

export interface ListenerCreated extends Told {
  type: 'listenerCreated';
  local: Address;
}

export interface ListenerClosed extends Told {
  type: 'listenerClosed';
  local: Address;
}

/** An event of a kernel that is newer than this library. */
export interface Unknown extends Told {
  type: 'unknown';
  /** MPTCP_EVENT_* */
  number: number;
  /** MPTCP_ATTR_* with its bytes as they came. */
  attributes: { type: number; payload: Uint8Array }[];
}

export type PathManagerEvent =
  | Created
  | Established
  | Closed
  | Announced
  | Removed
  | SubflowEstablished
  | SubflowClosed
  | SubflowPriority
  | ListenerCreated
  | ListenerClosed
  | Unknown
  | Overrun;

export interface EventsOptions extends EventStreamOptions {
  /** Milliseconds between two dumps where CAP_NET_ADMIN is missing (1000). */
  interval?: number;
}
