/** One connection as a source of streams. */
import type { ConnectionEvent } from '../connection/events';
import type { EventSink, EventSource } from '../base/event-stream';
import type { ConnectionWatch, Tell } from '../connection/watch';

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
