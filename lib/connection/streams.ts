/** What a connection's events() and sample() stream: events of its watch, samples of its paths. */
import { subflowIdentity as keyOf } from '../base/addresses';
import type { EventSink, EventSource } from '../base/event-stream';
import { poll, type Polled, setRef, stopPolling } from '../base/poller';
import type { ConnectionEvent, ConnectionSample, PathSample } from './events';
import type { Subflow } from './subflow';
import type { ConnectionListener, ConnectionWatch, Follower } from './watch';

/** Samples the paths of a connection at an interval, and makes rates of their counters. */
export class PathSampler implements Polled, Follower, EventSource<ConnectionSample> {
  readonly #interval: number;
  readonly #read: () => Subflow[];
  readonly #sink: EventSink<ConnectionSample>;
  #before = new Map<string, Subflow>();
  #at = 0;
  #ref = false;

  /** `interval`: milliseconds. */
  constructor(interval: number, read: () => Subflow[], sink: EventSink<ConnectionSample>) {
    this.#interval = interval;
    this.#read = read;
    this.#sink = sink;
    queueMicrotask(() => sink.ready());
  }

  opened(): void {
    this.#sample(this.#read());
    poll(this, this.#interval);
    setRef(this, this.#ref);
  }

  closing(): void {
    stopPolling(this);
  }

  poll(): number {
    this.#sink.deliver([this.#sample(this.#read())]);
    return this.#interval;
  }

  remember(): () => ConnectionSample[] {
    return () => []; // the next sample is the whole state
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

  #sample(subflows: Subflow[]): ConnectionSample {
    const now = performance.now();
    const elapsed = now - this.#at;
    const paths = subflows.map((subflow) =>
      pathSample(subflow, this.#before.get(keyOf(subflow)), elapsed / 1000),
    );
    this.#at = now;
    this.#before = new Map(subflows.map((subflow) => [keyOf(subflow), subflow]));
    return { type: 'sample', elapsed, paths };
  }
}

/** A path of a sample; `before` is undefined for a subflow that did not exist `seconds` ago. */
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

/** The events of a watch. A loop that is too slow misses some: they cannot be found again. */
export class ConnectionEventSource implements EventSource<ConnectionEvent> {
  readonly #watch: ConnectionWatch;
  readonly #listener: ConnectionListener;

  constructor(watch: ConnectionWatch, sink: EventSink<ConnectionEvent>) {
    this.#watch = watch;
    this.#listener = (event) => sink.deliver([event]);
    watch.add(this.#listener, true);
    void watch.ready().then(() => sink.ready());
  }

  remember(): () => ConnectionEvent[] {
    return () => [];
  }

  ref(): void {
    this.#watch.ref(this.#listener, true);
  }

  unref(): void {
    this.#watch.ref(this.#listener, false);
  }

  close(): Promise<void> {
    this.#watch.remove(this.#listener);
    return Promise.resolve();
  }
}
