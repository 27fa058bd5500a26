/**
 * The stream of events that every watch hands out: an EventEmitter and a `for await` loop in one.
 */
import { EventEmitter } from 'node:events';
import {
  checkBoolean,
  checkIfGiven,
  checkInteger,
  checkKeys,
  checkSignal,
  type Keys,
} from './arguments';
import { AbortError, MptcpError } from './errors';

/** Options of every {@link EventStream}. */
export interface EventStreamOptions {
  /** Aborting closes the stream: its iterator throws the AbortError. */
  signal?: AbortSignal;
  /** The most events that wait for the iterator (16384): beyond, it gets `overrun`. */
  queue?: number;
  /**
   * Bytes of the netlink socket's receive buffer, where messages wait for the library (4 MiB). More
   * than net.core.rmem_max needs CAP_NET_ADMIN.
   */
  receiveBuffer?: number;
  /** Emits first what exists already, as if it came now (false). */
  initial?: boolean;
}

/** The default of `queue`: events. */
export const QUEUE = 16_384;
/** The default of `receiveBuffer`: bytes. */
export const RECEIVE_BUFFER = 4 << 20;

/** The keys of the options that every stream of the namespace has. */
export const STREAM_KEYS: Keys<EventStreamOptions> = {
  signal: true,
  queue: true,
  receiveBuffer: true,
  initial: true,
};

/** Throws Node's errors for bad arguments; `keys` are those of the stream's own options. */
export function checkStreamOptions<T extends Partial<EventStreamOptions>>(
  options: unknown,
  keys: Keys<T>,
): asserts options is EventStreamOptions {
  checkKeys<T>('options', options, keys);
  const { signal, queue, receiveBuffer, initial } = options as EventStreamOptions;
  checkSignal('options.signal', signal);
  checkIfGiven(checkInteger, 'options.queue', queue, 1, 1 << 20);
  checkIfGiven(checkInteger, 'options.receiveBuffer', receiveBuffer, 0, 1 << 30);
  checkIfGiven(checkBoolean, 'options.initial', initial);
}

/**
 * Where the events of a stream come from. It begins at once, and reports to its {@link EventSink}.
 */
export interface EventSource<Event> {
  /**
   * Remembers the state as of now. The result returns the events that lead from it to a later one.
   */
  remember(): () => Event[];
  /** Ends it; resolves when its resources are free. */
  close(): Promise<void>;
  /** It keeps the process alive. */
  ref(): void;
  /** It does not keep the process alive. */
  unref(): void;
}

/** What an {@link EventSource} reports to. */
export interface EventSink<Event> {
  /** The source is complete: it reports all that happens from now on, losses included. */
  ready(): void;
  /** Events that belong together: the state has changed by all of them. */
  deliver(events: Event[]): void;
  /** The source has failed, and reports no more. */
  fail(error: unknown): void;
}

/** An event of any kind. */
interface Typed {
  /** The kind of the event, which is also the name under which it is emitted. */
  type: string;
}

/** Listeners' arguments by the type of the event; `event` is emitted for events of every type. */
export type EventMapOf<Event extends Typed> = {
  [Type in Event['type']]: [event: Extract<Event, { type: Type }>];
} & { event: [event: Event]; error: [error: unknown]; close: [] };

/** Events were lost: the kernel's buffer, or the queue of a slow loop, was full. */
export interface OverrunEvent {
  /** The kind of the event. */
  type: 'overrun';
  /** How many events were lost before this one; undefined: the kernel does not say. */
  lost?: number;
}

interface Waiting<Event> {
  resolve: (result: IteratorResult<Event, undefined>) => void;
  reject: (error: unknown) => void;
}

/**
 * Events in order, for listeners and for one `for await` loop, which also gets those that came
 * before it. A loop that is too slow gets `overrun`, then the events that lead to the present
 * state. Until the stream is ready it keeps the process alive, from then on after ref() alone. A
 * failure is thrown by the loop and emitted as `error`.
 */
export class EventStream<Event extends Typed>
  extends EventEmitter<EventMapOf<Event>>
  implements AsyncIterableIterator<Event, undefined>, AsyncDisposable
{
  /**
   * Resolves when the watch is complete: all that happens from then on is reported, losses
   * included. Rejects where watching failed, and with ERR_MPTCP_CLOSED where the stream is closed
   * first.
   */
  readonly ready: Promise<void>;
  readonly #source: EventSource<Event>;
  readonly #most: number;
  readonly #queue: Event[] = [];
  readonly #waiting: Waiting<Event>[] = [];
  /** Whether events are kept for a loop; not where there are listeners alone. */
  #queueing = true;
  #iterating = false;
  #ref = false;
  /** Set while the queue is full: the events that lead from the end of the queue to the present. */
  #recover: (() => Event[]) | undefined;
  #lost = 0;
  #closed: Promise<void> | undefined;
  #failure: Error | undefined;
  #settleReady: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  /** @internal */
  constructor(
    open: (sink: EventSink<Event>) => EventSource<Event>,
    { signal, queue = QUEUE }: EventStreamOptions,
  ) {
    super();
    this.#most = queue;
    this.ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    this.ready.catch(() => undefined); // a failure is also emitted as `error`
    this.#source = open({
      ready: () => this.#begun(),
      deliver: (events) => this.#deliver(events),
      fail: (error) => this.#fail(error),
    });
    this.#source.ref(); // the process lives until `ready` settles
    const abort = (): void => {
      if (signal) this.#fail(new AbortError(signal, false));
    };
    signal?.addEventListener('abort', abort, { once: true });
    (this as EventEmitter).once('close', () => signal?.removeEventListener('abort', abort));
    (this as EventEmitter).on('newListener', (name) => {
      if (this.#iterating || name === 'error' || name === 'close') return;
      this.#queueing = false;
      this.#queue.length = 0;
    });
  }

  /** The next event; rejects once where the stream has failed, and is `done` after that. */
  next(): Promise<IteratorResult<Event, undefined>> {
    this.#iterating = this.#queueing = true;
    const event = this.#queue.shift();
    if (event) {
      if (this.#queue.length === 0) this.#catchUp();
      return Promise.resolve({ value: event, done: false });
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) return Promise.reject(failure);
    if (this.#closed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Ends the loop and closes the stream. */
  async return(): Promise<IteratorResult<Event, undefined>> {
    await this.close();
    return { value: undefined, done: true };
  }

  /** The stream itself: it serves one loop. */
  [Symbol.asyncIterator](): this {
    this.#iterating = this.#queueing = true;
    return this;
  }

  /** From now on it keeps the process alive. */
  ref(): this {
    this.#ref = true;
    this.#source.ref();
    return this;
  }

  /** It does not keep the process alive, as by default. */
  unref(): this {
    this.#ref = false;
    this.#source.unref();
    return this;
  }

  /** Ends the stream; a loop still gets the events that wait for it. */
  close(): Promise<void> {
    if (this.#closed) return this.#closed;
    this.#closed = this.#source.close();
    this.#settleReady?.reject(closedError());
    for (const { resolve } of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
    (this as EventEmitter).emit('close');
    return this.#closed;
  }

  /** As close(). */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #begun(): void {
    if (!this.#ref) this.#source.unref();
    this.#settleReady?.resolve();
  }

  #deliver(events: Event[]): void {
    if (this.#closed) return;
    this.#enqueue(events);
    for (const event of events) {
      this.#emit(event.type, event);
      this.#emit('event', event);
    }
  }

  /**
   * What a listener throws is an uncaught exception, and does not keep the event from the others.
   */
  #emit(name: string, event: Event): void {
    try {
      (this as EventEmitter).emit(name, event);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  #enqueue(events: Event[]): void {
    if (!this.#queueing) return;
    if (this.#recover) {
      this.#lost += events.length;
      return;
    }
    for (const event of events) {
      const waiting = this.#waiting.shift();
      if (waiting) waiting.resolve({ value: event, done: false });
      else this.#queue.push(event);
    }
    if (this.#queue.length >= this.#most) this.#recover = this.#source.remember();
  }

  #catchUp(): void {
    const recover = this.#recover;
    const lost = this.#lost;
    this.#recover = undefined;
    this.#lost = 0;
    if (!recover || lost === 0) return;
    const overrun: OverrunEvent = { type: 'overrun', lost };
    this.#queue.push(overrun as unknown as Event, ...recover());
  }

  #fail(reason: unknown): void {
    if (this.#closed) return;
    const error = reason instanceof Error ? reason : new Error(String(reason));
    this.#settleReady?.reject(error);
    const waiting = this.#waiting.shift();
    if (waiting) waiting.reject(error);
    else this.#failure = error;
    this.close().catch(() => undefined); // the first error is the one to report
    // A loop throws the failure. Without one it is emitted, which throws where nobody listens.
    if ((this as EventEmitter).listenerCount('error') > 0 || !this.#queueing)
      (this as EventEmitter).emit('error', error);
  }
}

const closedError = (): MptcpError =>
  new MptcpError('ERR_MPTCP_CLOSED', 'The stream was closed before it was ready');
