/**
 * Polling, for what no event reports, with a bounded share of the time: {@link poll} for many items
 * that are read on the event loop, all by one timer, and {@link AsyncPoller} for one poll that runs
 * elsewhere, such as a dump on another thread.
 */
const SLICE = 1; // ms that a sweep may take of one turn of the event loop

/** A sweep or a poll is followed by a pause of this many times its own length. */
export const PAUSE = 20;

/** An item that is polled on the event loop, at intervals that it chooses itself. */
export interface Polled {
  /** Polls the item now. Returns the milliseconds until the next poll; undefined: there is none. */
  poll(): number | undefined;
}

interface Entry {
  due: number;
  /** Whether the item keeps the process alive. */
  ref: boolean;
}

const entries = new Map<Polled, Entry>();
let timer: NodeJS.Timeout | undefined;
let timerDue = Infinity;
let sweeping = false;
let pausedUntil = 0;
let refs = 0;

/** Polls an item in `delay` milliseconds; one that is polled already is rescheduled. */
export function poll(item: Polled, delay: number): void {
  const due = performance.now() + delay;
  const entry = entries.get(item);
  if (entry) entry.due = due;
  else entries.set(item, { due, ref: false });
  if (!sweeping && Math.max(due, pausedUntil) < timerDue) schedule(due);
}

/** Ends the polling of an item; also from within its own poll(), or another item's. */
export function stopPolling(item: Polled): void {
  setRef(item, false);
  entries.delete(item);
  if (entries.size > 0 || sweeping) return;
  clearTimeout(timer);
  timerDue = Infinity;
}

/** Sets whether an item that is polled keeps the process alive. By default it does not. */
export function setRef(item: Polled, ref: boolean): void {
  const entry = entries.get(item);
  if (!entry || entry.ref === ref) return;
  entry.ref = ref;
  refs += ref ? 1 : -1;
  refTimer();
}

function refTimer(): void {
  if (refs > 0) timer?.ref();
  else timer?.unref();
}

function schedule(due: number): void {
  clearTimeout(timer);
  timerDue = Math.max(due, pausedUntil);
  timer = setTimeout(
    () => {
      sweeping = true;
      sweep(entries.entries(), 0);
    },
    Math.max(1, timerDue - performance.now()),
  );
  refTimer();
}

function sweep(rest: IterableIterator<[Polled, Entry]>, before: number): void {
  const start = performance.now();
  for (let next = rest.next(); !next.done; next = rest.next()) {
    const [item, entry] = next.value;
    if (entry.due <= start) pollNow(item, entry);
    const spent = performance.now() - start;
    if (spent < SLICE) continue;
    timer = setTimeout(sweep, 0, rest, before + spent); // setImmediate() wakes no idle loop
    refTimer();
    return;
  }
  sweeping = false;
  const now = performance.now();
  pausedUntil = now + PAUSE * (before + now - start);
  let due = Infinity;
  for (const entry of entries.values()) due = Math.min(due, entry.due);
  timerDue = Infinity;
  if (entries.size > 0) schedule(due);
}

function pollNow(item: Polled, entry: Entry): void {
  try {
    const delay = item.poll();
    if (delay === undefined) stopPolling(item);
    else entry.due = performance.now() + delay;
  } catch (error) {
    stopPolling(item);
    process.nextTick(() => {
      throw error; // an uncaught exception, which leaves the other items alone
    });
  }
}

/** How often an {@link AsyncPoller} polls. */
export interface AsyncPollerOptions {
  /** Milliseconds from the end of a poll to the beginning of the next. */
  interval: number;
  /** The pause after a poll is at least this many times the poll's own length (0). */
  pause?: number;
}

/**
 * Repeats one asynchronous poll, which handles its own errors. No two polls overlap, and polls on
 * request share the timer. It does not keep the process alive unless ref() is called.
 */
export class AsyncPoller {
  readonly #poll: () => Promise<void>;
  readonly #interval: number;
  readonly #pause: number;
  #current = Promise.resolve();
  #next: Promise<void> | undefined;
  #repeating = false;
  #timer: NodeJS.Timeout | undefined;
  #ref = false;

  constructor(poll: () => Promise<void>, { interval, pause = 0 }: AsyncPollerOptions) {
    this.#poll = poll;
    this.#interval = interval;
    this.#pause = pause;
  }

  /** Polls at the interval from now on, for the first time at once, or in `delay` milliseconds. */
  start(delay = 0): void {
    this.#repeating = true;
    if (delay > 0) this.#schedule(delay);
    else void this.poll();
  }

  /** Ends the repetition. A poll that has begun runs to its end. */
  stop(): void {
    this.#repeating = false;
    clearTimeout(this.#timer);
  }

  /** Resolves at the end of a poll that begins after this call: concurrent callers share one. */
  poll(): Promise<void> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      this.#current = this.#run();
      return this.#current;
    });
    return this.#next;
  }

  /** While it repeats, it keeps the process alive. */
  ref(): void {
    this.#ref = true;
    this.#timer?.ref();
  }

  /** It does not keep the process alive. */
  unref(): void {
    this.#ref = false;
    this.#timer?.unref();
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    const start = performance.now();
    await this.#poll();
    if (!this.#repeating) return;
    this.#schedule(Math.max(this.#interval, this.#pause * (performance.now() - start)));
  }

  #schedule(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.poll(), delay);
    if (!this.#ref) this.#timer.unref();
  }
}
