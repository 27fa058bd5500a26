/** What happens to one connection, as its `Connection` tells it. See docs/events.md. */
import type { MptcpInfo, Subflow } from './connection';
import type { EventStreamOptions } from './event-stream';

interface Told {
  /** `watch`: seen by looking at the socket again and again. What comes and goes between is not. */
  source: 'watch';
}

/** A subflow is connected. Those that were there when the watching began are not told. */
export interface SubflowOpened extends Told {
  type: 'subflow';
  subflow: Subflow;
}

/** A subflow of a connection that goes on is gone. */
export interface SubflowGone extends Told {
  type: 'subflowClosed';
  /** As it was last seen. */
  subflow: Subflow;
}

/** The connection wanted MPTCP, and speaks TCP: from the start, or from now on. */
export interface FellBack extends Told {
  type: 'fallback';
}

/** This side closed its socket, for whatever reason. The last event. */
export interface ConnectionClosed extends Told {
  type: 'closed';
  /** Every subflow with its totals, read before the descriptor was closed, or last seen before. */
  subflows: Subflow[];
  /** Undefined where it spoke TCP. */
  info?: MptcpInfo;
}

export type ConnectionEvent = SubflowOpened | SubflowGone | FellBack | ConnectionClosed;

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

export interface Sample {
  type: 'sample';
  /** Milliseconds since the sample before, as measured. */
  elapsed: number;
  paths: PathSample[];
}

export type WatchOptions = Pick<EventStreamOptions, 'signal' | 'queue'>;
