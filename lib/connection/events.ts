/** The events and samples of one connection, as its `Connection` emits them: see docs/events.md. */
import type { MptcpInfo } from '../../types/native';
import type { EventStreamOptions } from '../base/event-stream';
import type { SubflowReset } from '../events/events';
import type { Subflow } from './subflow';

/**
 * How an event came to be known. `kernel`: by the kernel's message, which needs CAP_NET_ADMIN.
 * `dump`: by a comparison after the kernel had lost messages. `watch`: by polling the socket, which
 * does not see what comes and goes between two polls.
 */
export type ConnectionEventSourceName = 'kernel' | 'dump' | 'watch';

interface EventBase {
  /** The kind of the event, which is also the name under which it is emitted. */
  type: string;
  /** How the event came to be known. */
  source: ConnectionEventSourceName;
}

/** The subflow of an event; without `tcpInfo` where it ended before its socket could be read. */
export type EventSubflow = Omit<Subflow, 'tcpInfo'> & Partial<Pick<Subflow, 'tcpInfo'>>;

/** A subflow is connected. Those that exist when watching begins have no event. */
export interface ConnectionSubflowEstablishedEvent extends EventBase {
  type: 'subflowEstablished';
  /** The subflow as it was read after it was connected. */
  subflow: EventSubflow;
}

/** A subflow ended and the connection did not; or (from the kernel) a subflow could not be made. */
export interface ConnectionSubflowClosedEvent extends EventBase {
  type: 'subflowClosed';
  /** The subflow as it was last read. */
  subflow: EventSubflow;
  /** From the kernel: the error by its name in errno(3), 'ECONNREFUSED', 'ETIMEDOUT' … */
  error?: string;
  /** From the kernel: the reason that the peer gave (MP_TCPRST). */
  reset?: SubflowReset;
}

/** One side made a subflow backup, or no longer backup (MP_PRIO, RFC 8684 section 3.3.8). */
export interface ConnectionSubflowPriorityEvent extends EventBase {
  type: 'subflowPriority';
  /** The subflow as it was last read. */
  subflow: EventSubflow;
  /** What that side requests now; the subflow is backup where either side requests it. */
  backup: boolean;
  /** Which side it is: this one (`local`) or the peer (`remote`). */
  side: 'local' | 'remote';
}

/** The peer announced an address (ADD_ADDR, RFC 8684 section 3.4.1). */
export interface ConnectionAnnouncedEvent extends EventBase {
  type: 'announced';
  /** The address; undefined from `watch`, which sees only that this side accepted one. */
  address?: string;
  /** The port to connect to; undefined: that of the connection. */
  port?: number;
  /** The peer's id for the address, 8 bits; undefined from `watch`. */
  remoteId?: number;
}

/** The peer withdrew an address (REMOVE_ADDR, RFC 8684 section 3.4.2). */
export interface ConnectionRemovedEvent extends EventBase {
  type: 'removed';
  /** The address; undefined from `watch`, and where it was announced before watching began. */
  address?: string;
  /** The port, where it was announced with one. */
  port?: number;
  /** The peer's id for the address, 8 bits; undefined from `watch`. */
  remoteId?: number;
}

/** MPTCP was requested and the connection speaks TCP: from the start, or from now on. */
export interface ConnectionFallbackEvent extends EventBase {
  type: 'fallback';
}

/** This side closed its socket, for whatever reason. The last event. */
export interface ConnectionClosedEvent extends EventBase {
  type: 'closed';
  /**
   * Every subflow with its totals, read before the descriptor was closed or as it was last read.
   */
  subflows: Subflow[];
  /**
   * The state of the connection, read before the descriptor was closed; undefined: it spoke TCP.
   */
  info?: MptcpInfo;
}

/** Every event of a `Connection`; `type` is its kind. */
export type ConnectionEvent =
  | ConnectionSubflowEstablishedEvent
  | ConnectionSubflowClosedEvent
  | ConnectionSubflowPriorityEvent
  | ConnectionAnnouncedEvent
  | ConnectionRemovedEvent
  | ConnectionFallbackEvent
  | ConnectionClosedEvent;

/** One path of a sample. Its rates and counts are of the time since the sample before. */
export interface PathSample {
  /** The subflow with its addresses and all of its tcp_info. */
  subflow: Subflow;
  /** Bytes per second that the peer has acknowledged. */
  sendRate: number;
  /** Bytes per second received. */
  receiveRate: number;
  /** The smoothed round-trip time in microseconds. */
  rtt: number;
  /** The congestion window in packets. */
  cwnd: number;
  /** Packets that were sent again. */
  retransmissions: number;
  /** `retransmissions` by the data packets sent, 0 to 1; undefined: none was sent. */
  loss?: number;
}

/** What the paths of a connection carried since the sample before. */
export interface ConnectionSample {
  /** The kind of the item: an `overrun` is the other one. */
  type: 'sample';
  /** Milliseconds since the sample before, as measured. */
  elapsed: number;
  /** The paths at the time of the sample. */
  paths: PathSample[];
}

/** Options of a connection's events() and sample(). */
export type WatchOptions = Pick<EventStreamOptions, 'signal' | 'queue'>;
