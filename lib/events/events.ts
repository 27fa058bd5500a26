/** The events of the connections of a network namespace, as PathManager emits them. */
import type { Address } from '../../types/native';
import type { EventStreamOptions, OverrunEvent } from '../base/event-stream';

/**
 * How an event came to be known. `kernel`: by the kernel's multicast message. `dump`: by comparing
 * what there is with what was known, after an overrun or because CAP_NET_ADMIN is missing for the
 * messages. `derived`: it follows from another event, and the kernel does not report it.
 */
export type EventSourceName = 'kernel' | 'dump' | 'derived';

interface EventBase {
  /** How the event came to be known. */
  source: EventSourceName;
}

interface ConnectionEventBase extends EventBase {
  /** Identifies the connection in its network namespace (RFC 8684 section 3.2), 32 bits. */
  token: number;
}

/** What the events of a connection's beginning have in common. */
export interface ConnectionBeginEvent extends ConnectionEventBase {
  /** The end of the first subflow on this host, which may be client or server. */
  local: Address;
  /** The end of the first subflow on the peer. */
  remote: Address;
  /** Whether this side accepted the connection; undefined: not reported. */
  serverSide?: boolean;
  /**
   * Whether the peer allows no more subflows to its first address and port (RFC 8684 section 3.1,
   * the flag C). undefined: not known. Events report it since Linux 6.17, dumps do not. An event
   * without the attribute means false once `mode.set('userspace')` has asked whether this kernel
   * has it, or an earlier event had it.
   */
  denyJoinId0?: boolean;
}

/** The first subflow is connected. */
export interface CreatedEvent extends ConnectionBeginEvent {
  /** MPTCP_EVENT_CREATED */
  type: 'created';
}

/** Both sides speak MPTCP: subflows can be added. */
export interface EstablishedEvent extends ConnectionBeginEvent {
  /** MPTCP_EVENT_ESTABLISHED */
  type: 'established';
}

/** The connection has ended. Its subflows end with it, by a `subflowClosed` each before this. */
export interface ClosedEvent extends ConnectionEventBase {
  /** MPTCP_EVENT_CLOSED */
  type: 'closed';
  /** The end of the first subflow on this host; undefined: it began before the events did. */
  local?: Address;
  /** The end of the first subflow on the peer; undefined: it began before the events did. */
  remote?: Address;
}

/** The peer announced an address (ADD_ADDR, RFC 8684 section 3.4.1). */
export interface AnnouncedEvent extends ConnectionEventBase {
  /** MPTCP_EVENT_ANNOUNCED */
  type: 'announced';
  /** The peer's id for the address, 8 bits. */
  remoteId: number;
  /** The address that the peer announced. */
  address: string;
  /** The port to connect to; undefined: that of the connection. */
  port?: number;
}

/** The peer withdrew an address (REMOVE_ADDR, RFC 8684 section 3.4.2). */
export interface RemovedEvent extends ConnectionEventBase {
  /** MPTCP_EVENT_REMOVED */
  type: 'removed';
  /** The peer's id for the address, 8 bits. */
  remoteId: number;
}

/** What the events of subflows have in common. */
export interface SubflowEventBase extends ConnectionEventBase {
  /** The end of the subflow on this host. */
  local: Address;
  /** The end of the subflow on the peer. */
  remote: Address;
  /** This host's id for the local address, 0 to 255; undefined: not reported. */
  localId?: number;
  /** The peer's id for the remote address, 0 to 255; undefined: not reported. */
  remoteId?: number;
  /** Whether it is backup: in a `kernel` event, at the peer's request. undefined: not reported. */
  backup?: boolean;
  /** The index of the interface that the subflow is bound to; undefined: not reported. */
  interfaceIndex?: number;
}

/** A further subflow is connected, made by either side (MP_JOIN). */
export interface SubflowEstablishedEvent extends SubflowEventBase {
  /** MPTCP_EVENT_SUB_ESTABLISHED */
  type: 'subflowEstablished';
}

/** A subflow has ended, or could not be made. */
export interface SubflowClosedEvent extends SubflowEventBase {
  /** MPTCP_EVENT_SUB_CLOSED */
  type: 'subflowClosed';
  /** The error that ended it, by its name in errno(3): 'ECONNREFUSED', 'ETIMEDOUT' … */
  error?: string;
  /** The reason that the peer gave (MP_TCPRST); undefined: it gave none. */
  reset?: SubflowReset;
}

/** The peer changed the priority of a subflow (MP_PRIO). A host's own changes are not reported. */
export interface SubflowPriorityEvent extends SubflowEventBase {
  /** MPTCP_EVENT_SUB_PRIORITY */
  type: 'subflowPriority';
}

/** Why the peer reset a subflow (MP_TCPRST, RFC 8684 section 3.6). */
export interface SubflowReset {
  /** The number of the reason, 0 to 255. */
  code: number;
  /** The text of the reason; undefined: no RFC names the number. */
  reason?: ResetReason;
  /** Whether the cause may be gone soon, so that another attempt is worthwhile. */
  transient: boolean;
}

/** The texts of the reset reasons, by their numbers (RFC 8684 section 3.6). */
export const RESET_REASONS = [
  'Unspecified error',
  'MPTCP-specific error',
  'Lack of resources',
  'Administratively prohibited',
  'Too much outstanding data',
  'Unacceptable performance',
  'Middlebox interference',
] as const;

/** The text of a reset reason (RFC 8684 section 3.6). */
export type ResetReason = (typeof RESET_REASONS)[number];

/** An MPTCP socket of the namespace began to listen. */
export interface ListenerCreatedEvent extends EventBase {
  /** MPTCP_EVENT_LISTENER_CREATED, since Linux 6.2 */
  type: 'listenerCreated';
  /** Where it listens. */
  local: Address;
}

/** An MPTCP socket of the namespace no longer listens. */
export interface ListenerClosedEvent extends EventBase {
  /** MPTCP_EVENT_LISTENER_CLOSED, since Linux 6.2 */
  type: 'listenerClosed';
  /** Where it listened. */
  local: Address;
}

/** An event of a kernel that is newer than this library. */
export interface UnknownEvent extends EventBase {
  /** The kind of the event. */
  type: 'unknown';
  /** MPTCP_EVENT_* */
  number: number;
  /** The attributes of the message that the library does not know. */
  attributes: {
    /** MPTCP_ATTR_* */
    type: number;
    /** The bytes of the attribute as they came. */
    payload: Uint8Array;
  }[];
}

/** Every event that {@link PathManagerEvents} emits; `type` is its kind. */
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

/** Options of PathManager's events(). */
export interface EventsOptions extends EventStreamOptions {
  /** Milliseconds between two dumps where CAP_NET_ADMIN is missing (1000), at least 10. */
  interval?: number;
}
