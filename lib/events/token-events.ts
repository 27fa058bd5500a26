/**
 * The kernel's messages for this environment's connections that somebody watches: one listener for
 * all of them, and none where there are none, or where CAP_NET_ADMIN is missing.
 */
import type { PathManagerEvent } from './events';
import { KernelEvents } from './kernel-source';

/** Milliseconds that it waits for the next connection: opening reads all of the namespace's. */
const LINGER = 1000;

export type Hear = (event: PathManagerEvent) => void;

class Listener {
  state: 'opening' | 'live' | 'off' = 'opening';
  /** Whether the kernel tells is known. */
  readonly settled: Promise<void>;
  #source: KernelEvents | undefined;
  #settle: () => void = () => undefined;

  constructor() {
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    const fail = (): void => this.close();
    try {
      this.#source = new KernelEvents(
        undefined,
        {},
        { ready: () => this.#become('live'), deliver: (events) => events.forEach(dispatch), fail },
        fail,
      );
      this.#source.unref();
    } catch {
      this.close(); // not here: no namespace, no threads, no descriptors
    }
  }

  close(): void {
    this.#become('off');
    void this.#source?.close();
    this.#source = undefined;
  }

  #become(state: 'live' | 'off'): void {
    if (this.state !== 'off') this.state = state;
    this.#settle();
  }
}

const hearing = new Map<number, Set<Hear>>();
let listener: Listener | undefined;
let lingering: NodeJS.Timeout | undefined;

function dispatch(event: PathManagerEvent): void {
  if (!('token' in event)) return;
  for (const hear of hearing.get(event.token) ?? []) hear(event);
}

/** What the kernel says of one connection, until it is closed. */
export class TokenEvents {
  readonly #listener: Listener;
  readonly #token: number;
  readonly #hear: Hear;

  constructor(token: number, hear: Hear) {
    clearTimeout(lingering);
    this.#token = token;
    this.#hear = (event) => hear(event); // the same may be given twice
    this.#listener = listener ??= new Listener();
    const others = hearing.get(token);
    if (others) others.add(this.#hear);
    else hearing.set(token, new Set([this.#hear]));
  }

  /** Nothing that happens from now on remains unsaid. */
  get live(): boolean {
    return this.#listener.state === 'live';
  }

  /** It says nothing and will not. */
  get off(): boolean {
    return this.#listener.state === 'off';
  }

  get settled(): Promise<void> {
    return this.#listener.settled;
  }

  close(): void {
    const all = hearing.get(this.#token);
    if (!all?.delete(this.#hear)) return;
    if (all.size === 0) hearing.delete(this.#token);
    if (hearing.size > 0) return;
    clearTimeout(lingering);
    lingering = setTimeout(() => {
      listener?.close();
      listener = undefined;
    }, LINGER).unref();
  }
}
