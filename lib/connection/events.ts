/** What happens to one connection, as its `Connection` tells it. See docs/events.md. */
import type { MptcpInfo } from '../../types/native';
import type { EventStreamOptions } from '../base/event-stream';
import type { SubflowReset } from '../events/events';
import type { Subflow } from './subflow';

/**
 * `kernel`: its message, which needs CAP_NET_ADMIN. `dump`: found after the kernel had lost messages.
 * `watch`: seen by looking at the socket again and again. What comes and goes between is not.
 */
export type ConnectionEventSourceName = 'kernel' | 'dump' | 'watch';

interface EventBase {
  source: ConnectionEventSourceName;
}

/** A subflow of an event, with what its socket said last; nothing where it was gone before a look. */
export type EventSubflow = Omit<Subflow, 'tcpInfo'> & Partial<Pick<Subflow, 'tcpInfo'>>;

/** A subflow is connected. Those that were there when the watching began are not told. */
export interface ConnectionSubflowEstablishedEvent extends EventBase {
  type: 'subflowEstablished';
  subflow: EventSubflow;
}

/** A subflow of a connection that goes on is gone; or, told by the kernel alone, never came to be. */
export interface ConnectionSubflowClosedEvent extends EventBase {
  type: 'subflowClosed';
  /** As it was last seen. */
  subflow: EventSubflow;
  /** From the kernel: why, as errno(3) names it ('ECONNREFUSED', 'ETIMEDOUT' …). */
  error?: string;
  /** From the kernel: the peer said why (MP_TCPRST). */
  reset?: SubflowReset;
}

/** One side made a subflow backup, or no longer backup (MP_PRIO). */
export interface ConnectionSubflowPriorityEvent extends EventBase {
  type: 'subflowPriority';
  subflow: EventSubflow;
  /** What this side or the peer wishes now: it is backup if either does. */
  backup: boolean;
  side: 'local' | 'remote';
}

/** The peer announced an address (ADD_ADDR). */
export interface ConnectionAnnouncedEvent extends EventBase {
  type: 'announced';
  /** Undefined from `watch`, which sees only that this side accepted one. */
  address?: string;
  /** Undefined: that of the connection. */
  port?: number;
  remoteId?: number;
}

/** The peer withdrew an address (REMOVE_ADDR). */
export interface ConnectionRemovedEvent extends EventBase {
  type: 'removed';
  /** Undefined where it was announced before the watching began, and from `watch`. */
  address?: string;
  port?: number;
  remoteId?: number;
}

/** The connection wanted MPTCP, and speaks TCP: from the start, or from now on. */
export interface ConnectionFallbackEvent extends EventBase {
  type: 'fallback';
}

/** This side closed its socket, for whatever reason. The last event. */
export interface ConnectionClosedEvent extends EventBase {
  type: 'closed';
  /** Every subflow with its totals, read before the descriptor was closed, or last seen before. */
  subflows: Subflow[];
  /** Undefined where it spoke TCP. */
  info?: MptcpInfo;
}

export type ConnectionEvent =
  | ConnectionSubflowEstablishedEvent
  | ConnectionSubflowClosedEvent
  | ConnectionSubflowPriorityEvent
  | ConnectionAnnouncedEvent
  | ConnectionRemovedEvent
  | ConnectionFallbackEvent
  | ConnectionClosedEvent;

/** One path of a sample; rates and counts are of the time since the sample before. */
export interface PathSample {
  subflow: Subflow;
  /** Bytes per second that the peer has acknowledged. */
  sendRate: number;
  /** Bytes per second. */
  receiveRate: number;
  /** Microseconds. */
  rtt: number;
  /** Packets. */
  cwnd: number;
  /** Packets that were sent again. */
  retransmissions: number;
  /** Their share of the data packets sent; undefined where none was sent. */
  loss?: number;
}

export interface ConnectionSample {
  type: 'sample';
  /** Milliseconds since the sample before, as measured. */
  elapsed: number;
  paths: PathSample[];
}

export type WatchOptions = Pick<EventStreamOptions, 'signal' | 'queue'>;
