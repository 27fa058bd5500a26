import type { NativeEvent, NativeWatcher } from '../../types/native';
import { type EventSink, type EventSource, QUEUE, RECEIVE_BUFFER } from '../base/event-stream';
import { requireNative } from '../kernel/addon';
import { commandError } from '../kernel/command-errors';
import { decodeEvent } from './decode';
import type { EventsOptions, PathManagerEvent } from './events';
import { snapshot } from './snapshot';
import { adopt, apply, type Connections, copy, difference } from './table';

/** Of this environment: what one has heard, and no dump tells, another that begins later can ask. */
const listening = new Set<KernelEvents>();

/** Whether the peer allows no more subflows to its first address; undefined: nobody has heard. */
export function heardDenyJoinId0(token: number, netns?: string): boolean | undefined {
  return Array.from(listening)
    .filter((each) => each.netns === netns)
    .map((each) => each.denyJoinId0(token))
    .find((each) => each !== undefined);
}

/**
 * The kernel's multicast group. Begins with a dump, so that it knows whose events it gets, and dumps
 * anew when events were lost: what comes meanwhile waits and is compared with what the dump found.
 */
export class KernelEvents implements EventSource<PathManagerEvent> {
  readonly netns: string | undefined;
  readonly #sink: EventSink<PathManagerEvent>;
  readonly #watcher: NativeWatcher;
  readonly #abort = new AbortController();
  readonly #initial: boolean;
  #connections: Connections = new Map();
  /** Events that came during a dump. */
  #waiting: PathManagerEvent[] | undefined = [];
  #overruns = 0;
  #ready = false;

  /** `refused`: the first thing that the watcher says is an error. */
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
    listening.add(this);
    this.#watcher = new (requireNative().EventWatcher)(
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
    );
  }

  denyJoinId0(token: number): boolean | undefined {
    return this.#connections.get(token)?.denyJoinId0;
  }

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
    listening.delete(this);
    this.#abort.abort();
    return new Promise((resolve) => this.#watcher.close(resolve));
  }

  #receive(events: NativeEvent[], overrun: number): void {
    if (overrun !== 0) {
      this.#sink.deliver([{ type: 'overrun', ...(overrun > 0 && { lost: overrun }) }]);
      this.#overruns++; // a dump that goes on begins anew
      if (!this.#waiting) void this.#dump();
    }
    for (const event of events) {
      const decoded = decodeEvent(event);
      if (this.#waiting) this.#waiting.push(decoded);
      else this.#apply(decoded);
    }
  }

  #apply(event: PathManagerEvent, replayed = false): void {
    const told = apply(this.#connections, event, replayed);
    if (told.length > 0) this.#sink.deliver(told);
  }

  async #dump(): Promise<void> {
    try {
      let found: Connections;
      let overruns: number;
      do {
        overruns = this.#overruns;
        this.#waiting = []; // older than the dump that begins now
        found = await snapshot(this.netns, this.#abort.signal);
      } while (overruns !== this.#overruns);
      this.#adopt(found);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#sink.fail(error);
    }
  }

  #adopt(found: Connections): void {
    for (const [token, connection] of found) {
      const denies = heardDenyJoinId0(token, this.netns);
      if (denies !== undefined) connection.denyJoinId0 ??= denies;
    }
    const before = this.#connections;
    const tell = this.#ready || this.#initial;
    this.#connections = adopt(before, found);
    if (tell) this.#sink.deliver(difference(before, this.#connections));
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const event of waiting) this.#apply(event, tell);
    if (this.#ready) return;
    this.#ready = true;
    this.#sink.ready();
  }
}
