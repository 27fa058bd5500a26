/**
 * The kernel's events of the connections of this environment that somebody watches: one listener
 * serves all of them, and there is none without connections or without CAP_NET_ADMIN.
 */
import { SharedResource } from '../base/shared-resource';
import type { PathManagerEvent } from './events';
import { KernelEvents } from './kernel-source';

/** Milliseconds that it waits for the next connection: opening dumps the whole namespace. */
const LINGER = 1000;

/** Receives the events of one connection. */
export type TokenListener = (event: PathManagerEvent) => void;

/** The kernel's events of this environment's network namespace. */
class KernelListener {
  state: 'opening' | 'live' | 'off' = 'opening';
  /** Resolves when the state is no longer `opening`. */
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
      this.close(); // the watcher could not be opened, for lack of a thread or a descriptor
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

const listeners = new Map<number, Set<TokenListener>>();
const shared = new SharedResource(
  () => new KernelListener(),
  (kernel) => kernel.close(),
  LINGER,
);

function dispatch(event: PathManagerEvent): void {
  if (!('token' in event)) return;
  for (const listener of listeners.get(event.token) ?? []) listener(event);
}

/** Passes the kernel's events of one connection to a listener until it is closed. */
export class TokenEvents {
  readonly #kernel: KernelListener;
  readonly #release: () => void;
  readonly #token: number;
  readonly #listener: TokenListener;

  constructor(token: number, listener: TokenListener) {
    ({ resource: this.#kernel, release: this.#release } = shared.use());
    this.#token = token;
    this.#listener = (event) => listener(event); // one function may listen more than once
    const others = listeners.get(token);
    if (others) others.add(this.#listener);
    else listeners.set(token, new Set([this.#listener]));
  }

  /** Whether every event of the connection is received from now on. */
  get live(): boolean {
    return this.#kernel.state === 'live';
  }

  /** Whether no event is received, now or later: CAP_NET_ADMIN is missing, or listening failed. */
  get off(): boolean {
    return this.#kernel.state === 'off';
  }

  /** Resolves when this is either `live` or `off`. */
  get settled(): Promise<void> {
    return this.#kernel.settled;
  }

  close(): void {
    const all = listeners.get(this.#token);
    all?.delete(this.#listener);
    if (all?.size === 0) listeners.delete(this.#token);
    this.#release();
  }
}
