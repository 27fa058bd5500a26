/** Reads a connection's paths at an interval, and makes rates of their counters. */
import { subflowIdentity as keyOf } from '../base/addresses';
import type { EventSink, EventSource } from '../base/event-stream';
import { poll, type Polled, setRef, stopPolling } from '../base/poller';
import type { ConnectionEvent, ConnectionSample, PathSample } from './events';
import type { Subflow } from './subflow';
import type { ConnectionWatch, Follower, Tell } from './watch';

export class PathSampler implements Polled, Follower, EventSource<ConnectionSample> {
  readonly #interval: number;
  readonly #read: () => Subflow[];
  readonly #sink: EventSink<ConnectionSample>;
  #before = new Map<string, Subflow>();
  #at = 0;
  #ref = false;

  constructor(interval: number, read: () => Subflow[], sink: EventSink<ConnectionSample>) {
    this.#interval = interval;
    this.#read = read;
    this.#sink = sink;
    queueMicrotask(() => sink.ready());
  }

  opened(): void {
    this.#take(this.#read());
    poll(this, this.#interval);
    setRef(this, this.#ref);
  }

  closing(): void {
    stopPolling(this);
  }

  poll(): number {
    const { elapsed, paths } = this.#take(this.#read());
    this.#sink.deliver([{ type: 'sample', elapsed, paths }]);
    return this.#interval;
  }

  remember(): () => ConnectionSample[] {
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
    stopPolling(this);
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

/** The events that a watch tells; a stream that is too slow misses them for good. */
export class ConnectionEventSource implements EventSource<ConnectionEvent> {
  readonly #watch: ConnectionWatch;
  readonly #tell: Tell;

  constructor(watch: ConnectionWatch, sink: EventSink<ConnectionEvent>) {
    this.#watch = watch;
    this.#tell = (event) => sink.deliver([event]);
    watch.add(this.#tell, true);
    void watch.ready().then(() => sink.ready());
  }

  remember(): () => ConnectionEvent[] {
    return () => [];
  }

  ref(): void {
    this.#watch.ref(this.#tell, true);
  }

  unref(): void {
    this.#watch.ref(this.#tell, false);
  }

  close(): Promise<void> {
    this.#watch.remove(this.#tell);
    return Promise.resolve();
  }
}
