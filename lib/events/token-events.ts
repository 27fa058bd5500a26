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

/** The most events that are kept for connections whose tokens are not known yet. */
const MOST_KEPT = 4096;

const listeners = new Map<number, Set<TokenListener>>();
const shared = new SharedResource(
  () => new KernelListener(),
  (kernel) => kernel.close(),
  LINGER,
);

/** How many listen for a connection that is yet to be made. */
let awaiting = 0;
/** The latest events of connections without a listener; none while nobody awaits a connection. */
let kept: (PathManagerEvent & { token: number })[] = [];

function dispatch(event: PathManagerEvent): void {
  if (!('token' in event)) return;
  const receivers = listeners.get(event.token);
  for (const listener of receivers ?? []) listener(event);
  if (receivers || awaiting === 0) return;
  kept.push(event);
  if (kept.length > 2 * MOST_KEPT) kept = kept.slice(-MOST_KEPT);
}

/** Counts one that awaits a connection, and returns the function that ends that. */
function awaitConnection(): () => void {
  awaiting++;
  return () => {
    if (--awaiting === 0) kept = [];
  };
}

/** Ends what the sockets have begun that became garbage before they connected. */
const abandoned = new FinalizationRegistry<() => void>((end) => end());

/**
 * Passes the kernel's events of one connection to a listener until it is closed. Without a token it
 * awaits a connection that is yet to be made: connected() then passes what has happened to it so far.
 */
export class TokenEvents {
  readonly #kernel: KernelListener;
  readonly #release: () => void;
  readonly #listener: TokenListener;
  #token: number | undefined;
  #endAwaiting: (() => void) | undefined;

  constructor(listener: TokenListener, token?: number) {
    const { resource, release } = shared.use();
    this.#kernel = resource;
    this.#release = release;
    this.#listener = (event) => listener(event); // one function may listen more than once
    if (token !== undefined) {
      this.#listen(token);
      return;
    }
    const end = (this.#endAwaiting = awaitConnection());
    abandoned.register(
      this,
      () => {
        end();
        release();
      },
      this,
    );
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

  /** The awaited connection has this token: passes its events, those of the past at once. */
  connected(token: number): void {
    const past = kept.filter((event) => event.token === token);
    this.#stopAwaiting();
    this.#listen(token);
    past.forEach(this.#listener);
  }

  close(): void {
    this.#stopAwaiting();
    if (this.#token !== undefined) {
      const all = listeners.get(this.#token);
      all?.delete(this.#listener);
      if (all?.size === 0) listeners.delete(this.#token);
    }
    this.#release();
  }

  #listen(token: number): void {
    this.#token = token;
    const others = listeners.get(token);
    if (others) others.add(this.#listener);
    else listeners.set(token, new Set([this.#listener]));
  }

  #stopAwaiting(): void {
    abandoned.unregister(this);
    this.#endAwaiting?.();
    this.#endAwaiting = undefined;
  }
}
