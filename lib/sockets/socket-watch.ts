/**
 * Polls connections for what the kernel reports to nobody without CAP_NET_ADMIN: the loss of every path,
 * and a fallback to TCP, which can happen while they live (RFC 8684 section 3.7: infinite mapping) and
 * for which there is no event at all. One system call answers both.
 */
import { DelayQueue } from '../base/delay-queue';
import { loadNative } from '../kernel/addon';
import { socketOf } from './node/handle';
import type { Offer, PathsSeen } from './offer';
import { whyOver } from './path-loss';

/** The results of the addon's pathHealth(). */
const LOST = 0;
const UNREAD = 1;
const SILENT = 2;

/** The times between two polls, in milliseconds. */
const DELAYS = [5, 10, 20, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600];
const SOON = 0;
const SETTLED = DELAYS.indexOf(50);
const SHORTEST = DELAYS.indexOf(100);
/** The longest time of a connection whose fallback is awaited. */
const FALLBACK = DELAYS.indexOf(200);
const RECEIVING = DELAYS.indexOf(400);
const IDLE = DELAYS.indexOf(800);

/**
 * Watches each connection from its beginning until it closes or is TCP. The connections wait in a queue
 * for each of the times, because most have ended before they are polled.
 */
export class SocketWatch {
  readonly #settle: (offer: Offer) => void;
  readonly #queues = DELAYS.map(
    (delay) => new DelayQueue<Offer>(delay, (offer) => this.#poll(offer)),
  );
  /**
   * The longest time between two polls. It rises while there are so many connections that they are
   * polled too often, so that their cost does not grow with their number.
   */
  #idle = IDLE;
  #polls = 0;
  #countedAt = 0;
  #raiseAt = 0;

  /**
   * `settle` is called for each connection that is 50 ms old: the first round trip to a neighbour may
   * be a long one, because its link-layer address was looked up, or the machine was busy.
   */
  constructor(settle: (offer: Offer) => void) {
    this.#settle = settle;
  }

  /** Begins the watch. `soon`: the connection is polled for a fallback before it is 50 ms old. */
  begin(offer: Offer, soon: boolean): void {
    this.#wait(offer, soon ? SOON : SETTLED);
  }

  /** Calls `onFallback` once when the connection falls back to TCP; replaces an earlier one. */
  awaitFallback(offer: Offer, onFallback: () => void): void {
    offer.onFallback = onFallback;
    if (offer.seen) this.#wait(offer, FALLBACK);
  }

  end(offer: Offer): void {
    this.#queues[0]?.withdraw(offer); // whichever queue it waits in
  }

  #wait(offer: Offer, level: number): void {
    this.end(offer);
    offer.level = level;
    this.#queues[level]?.add(offer);
  }

  #poll(offer: Offer): void {
    const { handle, level, seen } = offer;
    if (handle.fd < 0) return;
    if (level < SETTLED) {
      if (!this.#hasFallenBack(offer)) this.#wait(offer, level + 1);
    } else if (!seen) {
      const { bytesRead: received, bytesWritten: sent } = handle;
      const aliveAt = performance.now();
      offer.seen = { received, sent, aliveAt, silent: false, lostAt: undefined };
      this.#settle(offer);
      this.#wait(offer, SHORTEST);
    } else {
      this.#count();
      this.#pollPaths(offer, seen);
    }
  }

  #pollPaths(offer: Offer, seen: PathsSeen): void {
    const { handle, level } = offer;
    const { bytesRead, bytesWritten } = handle;
    const hasSent = bytesWritten !== seen.sent;
    seen.sent = bytesWritten;
    if (bytesRead !== seen.received) {
      seen.received = bytesRead;
      noteAlive(seen);
      if (!offer.onFallback) this.#wait(offer, RECEIVING);
      else if (!this.#hasFallenBack(offer)) this.#wait(offer, this.#longest(offer));
      return;
    }
    const health = loadNative()?.pathHealth(handle.fd);
    if (health === undefined) {
      this.#hasFallenBack(offer); // TCP reports its end itself
      return;
    }
    if (health === LOST) {
      const error = whyOver(offer, seen);
      if (error) socketOf(handle)?.destroy(error);
      else this.#wait(offer, SHORTEST);
      return;
    }
    if (health === SILENT) seen.silent = true;
    else if (health !== UNREAD) noteAlive(seen);
    // What was sent may be answered by a reset.
    this.#wait(offer, hasSent ? SHORTEST : Math.min(level + 1, this.#longest(offer)));
  }

  /** Whether the connection is TCP, which is reported to what awaits that. */
  #hasFallenBack(offer: Offer): boolean {
    const { handle, onFallback } = offer;
    if (!onFallback || loadNative()?.isMptcp(handle.fd) !== false) return false;
    offer.onFallback = undefined;
    onFallback();
    return true;
  }

  #longest({ onFallback }: Offer): number {
    return onFallback && this.#idle === IDLE ? FALLBACK : this.#idle;
  }

  #count(): void {
    if (++this.#polls < COUNTED) return;
    const now = performance.now();
    const took = now - this.#countedAt;
    this.#polls = 0;
    this.#countedAt = now;
    if (took > 4 * LEAST) {
      this.#idle = Math.max(this.#idle - 1, IDLE);
    } else if (took < LEAST && now >= this.#raiseAt) {
      // The longer time has an effect once all have waited for it: connections come in crowds.
      this.#idle = Math.min(this.#idle + 1, DELAYS.length - 1);
      this.#raiseAt = now + (DELAYS[this.#idle] ?? 0);
    }
  }
}

/** So many polls take so many milliseconds at least. */
const COUNTED = 250;
const LEAST = 100;

function noteAlive(seen: PathsSeen): void {
  seen.aliveAt = performance.now();
  seen.silent = false;
  seen.lostAt = undefined;
}
