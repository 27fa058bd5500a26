/** Reads a connection's paths at an interval, and makes rates of their counters. */
import type { Follower } from './watch';
import type { PathSample, Sample } from './events';
import type { Subflow } from './connection';
import type { EventSink, EventSource } from '../base/event-stream';
import { subflowIdentity as keyOf } from '../base/addresses';
import { lookAt, type Looked, setRef, stopLooking } from '../base/poller';

export class PathSampler implements Looked, Follower, EventSource<Sample> {
  readonly #interval: number;
  readonly #read: () => Subflow[];
  readonly #sink: EventSink<Sample>;
  #before = new Map<string, Subflow>();
  #at = 0;
  #ref = false;

  constructor(interval: number, read: () => Subflow[], sink: EventSink<Sample>) {
    this.#interval = interval;
    this.#read = read;
    this.#sink = sink;
    queueMicrotask(() => sink.ready());
  }

  opened(): void {
    this.#take(this.#read());
    lookAt(this, this.#interval);
    setRef(this, this.#ref);
  }

  closing(): void {
    stopLooking(this);
  }

  look(): number {
    const { elapsed, paths } = this.#take(this.#read());
    this.#sink.deliver([{ type: 'sample', elapsed, paths }]);
    return this.#interval;
  }

  remember(): () => Sample[] {
    return () => []; // the next sample says it all
  }

  ref(): void {
    this.#ref = true;
    setRef(this, true);
  }

  unref(): void {
    this.#ref = false;
    setRef(this, false);
  }

  close(): Promise<void> {
    stopLooking(this);
    return Promise.resolve();
  }

  #take(subflows: Subflow[]): { elapsed: number; paths: PathSample[] } {
    const now = performance.now();
    const elapsed = now - this.#at;
    const paths = subflows.map((subflow) =>
      pathSample(subflow, this.#before.get(keyOf(subflow)), elapsed / 1000),
    );
    this.#at = now;
    this.#before = new Map(subflows.map((subflow) => [keyOf(subflow), subflow]));
    return { elapsed, paths };
  }
}

/** `before` is absent for a subflow that was made since. */
export function pathSample(
  subflow: Subflow,
  before: Subflow | undefined,
  seconds: number,
): PathSample {
  const { tcpInfo } = subflow;
  const since = (name: 'bytesAcked' | 'bytesReceived' | 'totalRetrans' | 'dataSegsOut'): number =>
    (tcpInfo[name] ?? 0) - (before?.tcpInfo[name] ?? 0);
  const retransmissions = since('totalRetrans');
  const sent = since('dataSegsOut');
  return {
    subflow,
    sendRate: since('bytesAcked') / seconds,
    receiveRate: since('bytesReceived') / seconds,
    rtt: tcpInfo.rtt,
    cwnd: tcpInfo.sndCwnd,
    retransmissions,
    ...(sent > 0 && { loss: Math.min(1, retransmissions / sent) }),
  };
}
