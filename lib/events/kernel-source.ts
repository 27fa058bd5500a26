/** Connection events from the kernel's multicast group, kept right by dumps. */
import type { NativeEvent, NativeWatcher } from '../../types/native';
import { type EventSink, type EventSource, QUEUE, RECEIVE_BUFFER } from '../base/event-stream';
import { requireNative } from '../kernel/addon';
import { commandError, constructed } from '../kernel/command-errors';
import { decodeEvent } from './decode';
import type { EventsOptions, PathManagerEvent } from './events';
import { snapshot } from './snapshot';
import { adopt, apply, type Connections, copy, difference } from './table';

/** The sources of this environment: a new one asks the others for what no dump shows. */
const sources = new Set<KernelEvents>();

/**
 * Whether the peer allows no more subflows to its first address, as an event has reported to a
 * source of this environment; undefined: no event has.
 */
export function reportedDenyJoinId0(token: number, netns?: string): boolean | undefined {
  return Array.from(sources)
    .filter((each) => each.netns === netns)
    .map((each) => each.denyJoinId0(token))
    .find((each) => each !== undefined);
}

/**
 * The events of the kernel's multicast group. The source begins with a dump, so that it knows the
 * connections that events are about, and dumps again when events were lost. Events that arrive
 * during a dump wait, and are then compared with what the dump found.
 */
export class KernelEvents implements EventSource<PathManagerEvent> {
  readonly netns: string | undefined;
  readonly #sink: EventSink<PathManagerEvent>;
  readonly #watcher: NativeWatcher;
  readonly #abort = new AbortController();
  readonly #initial: boolean;
  #connections: Connections = new Map();
  /** The events that arrive during a dump; undefined: there is none. */
  #waiting: PathManagerEvent[] | undefined = [];
  #overruns = 0;
  #ready = false;

  /** `refused` is called in place of `sink.fail` where the watcher could not begin. */
  constructor(
    netns: string | undefined,
    { queue = QUEUE, receiveBuffer = RECEIVE_BUFFER, initial = false }: EventsOptions,
    sink: EventSink<PathManagerEvent>,
    refused: (error: unknown) => void,
  ) {
    this.netns = netns;
    this.#sink = sink;
    this.#initial = initial;
    let begun = false;
    this.#watcher = constructed(
      () =>
        new (requireNative().EventWatcher)(
          netns,
          { receiveBuffer, queue: Math.max(queue, QUEUE) },
          (error, events, overrun) => {
            if (error) {
              const failure = commandError(error);
              if (begun) sink.fail(failure);
              else refused(failure);
            } else if (begun) {
              this.#receive(events, overrun);
            } else {
              begun = true;
              void this.#dump();
            }
          },
        ),
    );
    sources.add(this);
  }

  /** What an event has reported of a connection; undefined: nothing. */
  denyJoinId0(token: number): boolean | undefined {
    return this.#connections.get(token)?.denyJoinId0;
  }

  /** The thread that receives the messages (gettid(2)). */
  get threadId(): number {
    return this.#watcher.threadId;
  }

  remember(): () => PathManagerEvent[] {
    const before = copy(this.#connections);
    return () => difference(before, this.#connections);
  }

  ref(): void {
    this.#watcher.ref();
  }

  unref(): void {
    this.#watcher.unref();
  }

  close(): Promise<void> {
    sources.delete(this);
    this.#abort.abort();
    return new Promise((resolve) => this.#watcher.close(resolve));
  }

  #receive(events: NativeEvent[], overrun: number): void {
    if (overrun !== 0) {
      this.#sink.deliver([{ type: 'overrun', ...(overrun > 0 && { lost: overrun }) }]);
      this.#overruns++; // a dump in progress is repeated
      if (!this.#waiting) void this.#dump();
    }
    for (const event of events) {
      const decoded = decodeEvent(event);
      if (this.#waiting) this.#waiting.push(decoded);
      else this.#apply(decoded);
    }
  }

  #apply(event: PathManagerEvent, replayed = false): void {
    const events = apply(this.#connections, event, replayed);
    if (events.length > 0) this.#sink.deliver(events);
  }

  async #dump(): Promise<void> {
    try {
      let found: Connections;
      let overruns: number;
      do {
        overruns = this.#overruns;
        this.#waiting = []; // those that wait are older than the dump that begins now
        found = await snapshot(this.netns, this.#abort.signal);
      } while (overruns !== this.#overruns);
      this.#adopt(found);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#sink.fail(error);
    }
  }

  #adopt(found: Connections): void {
    for (const [token, connection] of found) {
      const denies = reportedDenyJoinId0(token, this.netns);
      if (denies !== undefined) connection.denyJoinId0 ??= denies;
    }
    const before = this.#connections;
    const emits = this.#ready || this.#initial;
    this.#connections = adopt(before, found);
    if (emits) this.#sink.deliver(difference(before, this.#connections));
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const event of waiting) this.#apply(event, emits);
    if (this.#ready) return;
    this.#ready = true;
    this.#sink.ready();
  }
}
