/** The choice between the kernel's events and dumps, by whether CAP_NET_ADMIN is there. */
import { MptcpError } from '../base/errors';
import type { EventSink, EventSource } from '../base/event-stream';
import { DumpedEvents } from './dump-source';
import type { EventsOptions, PathManagerEvent } from './events';
import { KernelEvents } from './kernel-source';

/** The kernel's events, or what dumps show where the kernel demands a capability for its events. */
export class WatchedEvents implements EventSource<PathManagerEvent> {
  /** The thread that receives the kernel's messages (gettid(2)). */
  readonly threadId: number;
  #source: EventSource<PathManagerEvent>;
  #name: 'kernel' | 'dump' | undefined;
  #ref = false;
  #closed = false;

  constructor(
    netns: string | undefined,
    options: EventsOptions,
    sink: EventSink<PathManagerEvent>,
  ) {
    const named: EventSink<PathManagerEvent> = {
      ...sink,
      ready: () => {
        this.#name ??= 'kernel';
        sink.ready();
      },
    };
    const kernel = new KernelEvents(netns, options, named, (error) => {
      if (this.#closed) return;
      if (!(error instanceof MptcpError) || error.code !== 'ERR_MPTCP_PERMISSION') {
        sink.fail(error);
        return;
      }
      void kernel.close();
      this.#name = 'dump';
      this.#source = new DumpedEvents(netns, options, named);
      if (this.#ref) this.#source.ref();
    });
    this.#source = kernel;
    this.threadId = kernel.threadId;
  }

  /** Which of the two it is; undefined: not known yet. */
  get name(): 'kernel' | 'dump' | undefined {
    return this.#name;
  }

  remember(): () => PathManagerEvent[] {
    return this.#source.remember();
  }

  ref(): void {
    this.#ref = true;
    this.#source.ref();
  }

  unref(): void {
    this.#ref = false;
    this.#source.unref();
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#source.close();
  }
}
