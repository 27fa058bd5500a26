import { throwIfAborted } from '../base/abort';
import { checkIfGiven, checkInteger } from '../base/arguments';
import { checkStreamOptions, EventStream, STREAM_KEYS } from '../base/event-stream';
import type { EventsOptions, PathManagerEvent } from './events';
import { WatchedEvents } from './source';

/** The events of the connections of a network namespace; see {@link EventStream}. */
export class PathManagerEvents extends EventStream<PathManagerEvent> {
  readonly #watched: WatchedEvents;

  /** @internal */
  constructor(netns: string | undefined, options: EventsOptions) {
    checkStreamOptions<EventsOptions>(options, { ...STREAM_KEYS, interval: true });
    checkIfGiven(checkInteger, 'options.interval', options.interval, 10, 0x7fff_ffff);
    throwIfAborted(options.signal, false);
    let watched: WatchedEvents | undefined;
    super((sink) => (watched = new WatchedEvents(netns, options, sink)), options);
    this.#watched = watched as unknown as WatchedEvents;
  }

  /**
   * `dump` where CAP_NET_ADMIN is missing: the library then polls at `interval`, and reports
   * connections and subflows alone, without those that came and went between two polls. undefined:
   * not `ready` yet.
   */
  get source(): 'kernel' | 'dump' | undefined {
    return this.#watched.name;
  }

  /** The thread that receives the kernel's messages (gettid(2)). */
  get threadId(): number {
    return this.#watched.threadId;
  }
}
