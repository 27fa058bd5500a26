import type { Address } from '../../types/native';
import type { EventStreamOptions, OverrunEvent } from '../base/event-stream';

/**
 * `kernel`: its multicast message. `dump`: found by comparing what there is with what was known:
 * after an overrun, or because CAP_NET_ADMIN is missing for the messages. `derived`: it follows
 * from another event, and the kernel does not say it.
 */
export type EventSourceName = 'kernel' | 'dump' | 'derived';
interface EventBase {
  source: EventSourceName;
}

interface ConnectionEventBase extends EventBase {
  /** Identifies the connection in its network namespace. */
  token: number;
}

export interface ConnectionBeginEvent extends ConnectionEventBase {
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
export interface CreatedEvent extends ConnectionBeginEvent {
  type: 'created';
}

/** Both sides speak MPTCP: subflows can be added. */
export interface EstablishedEvent extends ConnectionBeginEvent {
  type: 'established';
}

export interface ClosedEvent extends ConnectionEventBase {
  type: 'closed';
  /** undefined: it began before this was watched. */
  local?: Address;
  remote?: Address;
}

/** The peer announced an address (ADD_ADDR). */
export interface AnnouncedEvent extends ConnectionEventBase {
  type: 'announced';
  remoteId: number;
  address: string;
  /** undefined: that of the connection. */
  port?: number;
}

/** The peer withdrew an address (REMOVE_ADDR). */
export interface RemovedEvent extends ConnectionEventBase {
  type: 'removed';
  remoteId: number;
}

export interface SubflowEventBase extends ConnectionEventBase {
  local: Address;
  remote: Address;
  localId?: number;
  remoteId?: number;
  backup?: boolean;
  /** The interface of the local address, by its index. */
  interfaceIndex?: number;
}

export interface SubflowEstablishedEvent extends SubflowEventBase {
  type: 'subflowEstablished';
}

export interface SubflowClosedEvent extends SubflowEventBase {
  type: 'subflowClosed';
  /** Why, as errno(3) names it: 'ECONNREFUSED', 'ETIMEDOUT' … */
  error?: string;
  /** The peer said why (MP_TCPRST). */
  reset?: SubflowReset;
}

/** The peer changed the priority (MP_PRIO). Its own changes a host is not told. */
export interface SubflowPriorityEvent extends SubflowEventBase {
  type: 'subflowPriority';
}

/** RFC 8684, section 3.6 */
export interface SubflowReset {
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

export interface ListenerCreatedEvent extends EventBase {
  type: 'listenerCreated';
  local: Address;
}

export interface ListenerClosedEvent extends EventBase {
  type: 'listenerClosed';
  local: Address;
}

/** An event of a kernel that is newer than this library. */
export interface UnknownEvent extends EventBase {
  type: 'unknown';
  /** MPTCP_EVENT_* */
  number: number;
  /** MPTCP_ATTR_* with its bytes as they came. */
  attributes: { type: number; payload: Uint8Array }[];
}

export type PathManagerEvent =
  | CreatedEvent
  | EstablishedEvent
  | ClosedEvent
  | AnnouncedEvent
  | RemovedEvent
  | SubflowEstablishedEvent
  | SubflowClosedEvent
  | SubflowPriorityEvent
  | ListenerCreatedEvent
  | ListenerClosedEvent
  | UnknownEvent
  | OverrunEvent;

export interface EventsOptions extends EventStreamOptions {
  /** Milliseconds between two dumps where CAP_NET_ADMIN is missing (1000). */
  interval?: number;
}
