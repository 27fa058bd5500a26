import type { EventSink, EventSource } from '../base/event-stream';
import type { EventsOptions, PathManagerEvent } from './events';
import { snapshot } from './snapshot';
import { adopt, type Connections, copy, difference } from './table';

const INTERVAL = 1000;

/** Looks at what there is every now and then, and tells what has changed. Needs no privilege. */
export class DumpedEvents implements EventSource<PathManagerEvent> {
  readonly #netns: string | undefined;
  readonly #sink: EventSink<PathManagerEvent>;
  readonly #interval: number;
  readonly #abort = new AbortController();
  #connections: Connections = new Map();
  #timer: NodeJS.Timeout | undefined;
  #ref = false;
  #tell: boolean;

  constructor(
    netns: string | undefined,
    { interval = INTERVAL, initial = false }: EventsOptions,
    sink: EventSink<PathManagerEvent>,
  ) {
    this.#netns = netns;
    this.#interval = interval;
    this.#sink = sink;
    this.#tell = initial;
    void this.#look().then((done) => done && sink.ready());
  }

  remember(): () => PathManagerEvent[] {
    const before = copy(this.#connections);
    return () => difference(before, this.#connections);
  }

  ref(): void {
    this.#ref = true;
    this.#timer?.ref();
  }

  unref(): void {
    this.#ref = false;
    this.#timer?.unref();
  }

  close(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  async #look(): Promise<boolean> {
    try {
      const found = await snapshot(this.#netns, this.#abort.signal);
      const before = this.#connections;
      this.#connections = adopt(before, found);
      if (this.#tell) {
        const events = difference(before, this.#connections);
        if (events.length > 0) this.#sink.deliver(events);
      }
      this.#tell = true;
      this.#timer = setTimeout(() => void this.#look(), this.#interval);
      if (!this.#ref) this.#timer.unref();
      return true;
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#sink.fail(error);
      return false;
    }
  }
}
