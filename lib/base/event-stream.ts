import { EventEmitter } from 'node:events';
import { checkBoolean, checkIfGiven, checkInteger, checkObject, checkSignal } from './arguments';
import { AbortError, MptcpError } from './errors';

export interface EventStreamOptions {
  /** Aborting closes the stream: its iterator throws the AbortError. */
  signal?: AbortSignal;
  /** Events that wait for the iterator at most (16384): beyond, it gets `overrun`. */
  queue?: number;
  /**
   * Bytes of the socket's receive buffer, for what waits for the library (4 MiB). More than
   * net.core.rmem_max needs CAP_NET_ADMIN.
   */
  receiveBuffer?: number;
  /** Tells first what exists already, as if it came now. */
  initial?: boolean;
}

export const QUEUE = 16_384;
export const RECEIVE_BUFFER = 4 << 20;

export function checkStreamOptions(options: unknown): asserts options is EventStreamOptions {
  checkObject('options', options);
  const { signal, queue, receiveBuffer, initial } = options as EventStreamOptions;
  checkSignal('options.signal', signal);
  checkIfGiven(checkInteger, 'options.queue', queue, 1, 1 << 20);
  checkIfGiven(checkInteger, 'options.receiveBuffer', receiveBuffer, 0, 1 << 30);
  checkIfGiven(checkBoolean, 'options.initial', initial);
}

/** Where events come from: begins at once, and says all it has to say to its `sink`. */
export interface EventSource<Event> {
  /** Remembers the state as of now; the result then gives the way from there to the state of then. */
  remember(): () => Event[];
  close(): Promise<void>;
  ref(): void;
  unref(): void;
}

export interface EventSink<Event> {
  /** What the source watches by; nothing that happens after this is missed without a word. */
  ready(): void;
  /** Events that belong together: the state has changed by all of them. */
  deliver(events: Event[]): void;
  fail(error: unknown): void;
}

/** Events by their type; `event` is every one of them. */
export type EventMapOf<Event extends { type: string }> = {
  [Type in Event['type']]: [event: Extract<Event, { type: Type }>];
} & { event: [event: Event]; error: [error: unknown]; close: [] };

/** How many events were lost before this one; absent: the kernel does not say. */
export interface OverrunEvent {
  type: 'overrun';
  lost?: number;
}

interface Waiting<Event> {
  resolve: (result: IteratorResult<Event, undefined>) => void;
  reject: (error: unknown) => void;
}

/**
 * Events in order, for listeners and for one `for await` loop, which also gets those that came
 * before it. A loop that is too slow gets `overrun`, then what brings its picture up to date.
 * Once it is ready, it keeps the process alive after ref() alone.
 */
export class EventStream<Event extends { type: string }>
  extends EventEmitter<EventMapOf<Event>>
  implements AsyncIterableIterator<Event, undefined>, AsyncDisposable
{
  /** Nothing that happens after this is missed without a word. Rejects where watching failed. */
  readonly ready: Promise<void>;
  readonly #source: EventSource<Event>;
  readonly #most: number;
  readonly #queue: Event[] = [];
  readonly #waiting: Waiting<Event>[] = [];
  /** False where there are listeners alone. */
  #queueing = true;
  #iterating = false;
  #ref = false;
  /** Since the queue is full: what brings somebody up to date who has read it all. */
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
    this.ready.catch(() => undefined); // told to who asks, and by `error`
    this.#source = open({
      ready: () => this.#begun(),
      deliver: (events) => this.#deliver(events),
      fail: (error) => this.#fail(error),
    });
    this.#source.ref(); // who awaits `ready` is to see it
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

  /** Ends the loop, and closes the stream. */
  async return(): Promise<IteratorResult<Event, undefined>> {
    await this.close();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    this.#iterating = this.#queueing = true;
    return this;
  }

  ref(): this {
    this.#ref = true;
    this.#source.ref();
    return this;
  }

  unref(): this {
    this.#ref = false;
    this.#source.unref();
    return this;
  }

  /** A loop still gets what waits for it. */
  close(): Promise<void> {
    if (this.#closed) return this.#closed;
    this.#closed = this.#source.close();
    this.#settleReady?.reject(closedError());
    for (const { resolve } of this.#waiting.splice(0)) resolve({ value: undefined, done: true });
    (this as EventEmitter).emit('close');
    return this.#closed;
  }

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
      this.#tell(event.type, event);
      this.#tell('event', event);
    }
  }

  /** A listener that throws is an uncaught exception, and takes no event from anybody else. */
  #tell(name: string, event: Event): void {
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
    this.close().catch(() => undefined); // the first error is the one to tell
    // Who loops is told there; a failure that nobody could hear of is thrown, as Node does.
    if ((this as EventEmitter).listenerCount('error') > 0 || !this.#queueing)
      (this as EventEmitter).emit('error', error);
  }
}

const closedError = (): MptcpError => new MptcpError('ERR_MPTCP_CLOSED', 'The stream is closed');
