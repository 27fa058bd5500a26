/** Connection events without privilege, found by comparing one dump with the next. */
import type { EventSink, EventSource } from '../base/event-stream';
import { AsyncPoller } from '../base/poller';
import type { EventsOptions, PathManagerEvent } from './events';
import { snapshot } from './snapshot';
import { adopt, type Connections, copy, difference } from './table';

const INTERVAL = 1000; // ms

/** Dumps the connections of a network namespace at an interval, and emits what has changed. */
export class DumpedEvents implements EventSource<PathManagerEvent> {
  readonly #netns: string | undefined;
  readonly #sink: EventSink<PathManagerEvent>;
  readonly #initial: boolean;
  readonly #poller: AsyncPoller;
  readonly #abort = new AbortController();
  #connections: Connections = new Map();
  #ready = false;

  constructor(
    netns: string | undefined,
    { interval = INTERVAL, initial = false }: EventsOptions,
    sink: EventSink<PathManagerEvent>,
  ) {
    this.#netns = netns;
    this.#sink = sink;
    this.#initial = initial;
    this.#poller = new AsyncPoller(() => this.#dump(), { interval });
    this.#poller.start();
  }

  remember(): () => PathManagerEvent[] {
    const before = copy(this.#connections);
    return () => difference(before, this.#connections);
  }

  ref(): void {
    this.#poller.ref();
  }

  unref(): void {
    this.#poller.unref();
  }

  close(): Promise<void> {
    this.#abort.abort();
    this.#poller.stop();
    return Promise.resolve();
  }

  async #dump(): Promise<void> {
    try {
      const found = await snapshot(this.#netns, this.#abort.signal);
      const before = this.#connections;
      this.#connections = adopt(before, found);
      const events = this.#ready || this.#initial ? difference(before, this.#connections) : [];
      if (events.length > 0) this.#sink.deliver(events);
      if (this.#ready) return;
      this.#ready = true;
      this.#sink.ready();
    } catch (error) {
      this.#poller.stop();
      if (!this.#abort.signal.aborted) this.#sink.fail(error);
    }
  }
}
