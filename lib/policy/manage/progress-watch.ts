/** What the paths of a managed connection carry, as its policy receives it. */
import { poll, type Polled, stopPolling } from '../../base/poller';
import type { Connection } from '../../connection/connection';
import type { Subflow } from '../../connection/subflow';
import type { PathProgress } from '../policy';

/** Milliseconds to the next poll of paths that carry nothing. */
const IDLE = 250;

function progressOf({ local, remote, tcpInfo }: Subflow): PathProgress {
  const { state, rtt, rto, unacked, lastAckRecv, lastDataSent, lastDataRecv } = tcpInfo;
  const { sndWnd } = tcpInfo;
  const { bytesSent = 0, bytesAcked = 0, bytesReceived = 0, dataSegsOut = 0 } = tcpInfo;
  return {
    ...{ local, remote, state, rtt, rttvar: tcpInfo.rttvar, rto, unacked },
    ...(sndWnd !== undefined && { sndWnd }),
    ...{ lastAckRecv, lastDataSent, lastDataRecv, retransmits: tcpInfo.retransmits },
    ...{ bytesSent, bytesAcked, bytesReceived, totalRetrans: tcpInfo.totalRetrans, dataSegsOut },
  };
}

/** What the paths have carried in all: while it grows, something moves. */
const carried = (paths: readonly PathProgress[]): number =>
  paths.reduce((sum, path) => sum + path.bytesSent + path.bytesAcked + path.bytesReceived, 0);

/** Polls what the paths of one connection carry, less often while they carry nothing. */
export class ProgressWatch implements Polled {
  readonly #connection: Connection;
  readonly #interval: number;
  readonly #report: (paths: PathProgress[]) => void;
  #carried = -1;

  /** `interval`: milliseconds. */
  constructor(connection: Connection, interval: number, report: (paths: PathProgress[]) => void) {
    this.#connection = connection;
    this.#interval = interval;
    this.#report = report;
    poll(this, 0);
  }

  poll(): number | undefined {
    const reading = this.#connection.reading();
    if (!reading?.info) return undefined;
    const paths = reading.subflows.map(progressOf);
    const before = this.#carried;
    this.#carried = carried(paths);
    this.#report(paths);
    const moves = this.#carried !== before || paths.some(({ unacked }) => unacked > 0);
    return moves ? this.#interval : Math.max(this.#interval, IDLE);
  }

  close(): void {
    stopPolling(this);
  }
}
