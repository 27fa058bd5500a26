/** How soon a failed action may be tried again, and how many subflows a connection may request. */
import type { PolicyLimits } from '../policy';

const FIRST_BACK_OFF = 250; // ms
const LONGEST_BACK_OFF = 3500; // ms
const LONGEST_UNPROVEN = 600_000; // ms
const FIRST_REFUSED = 30_000; // ms
const LONGEST_REFUSED = 600_000; // ms
/** Milliseconds that an attempt at an untried remote address has before the next local address tries. */
export const PROBE = 1000;
/** Refusals in a row after which even addresses that worked before are not expected to any more. */
const LOST_AFTER = 5;

const doubled = (first: number, count: number, longest: number): number =>
  Math.min(longest, first * 2 ** Math.min(Math.max(0, count - 1), 20));

/** Milliseconds to wait after so many failures in a row (1 or more). */
export const backOff = (count: number): number => doubled(FIRST_BACK_OFF, count, LONGEST_BACK_OFF);

/** What is known of the two addresses of an attempt that failed. */
export interface Prospects {
  /** The peer answered that nothing accepts the subflow there. */
  readonly refused: boolean;
  /** A subflow between the two addresses was established before. */
  readonly pairWorked: boolean;
  /** A subflow to the remote address and port was established before, from any local address. */
  readonly remoteWorked: boolean;
}

/**
 * Milliseconds to wait after so many failed attempts in a row (of refusals where nothing ever came
 * from the remote address: from all local addresses): each attempt disturbs what the connection
 * carries, so that one without prospects is hardly ever repeated.
 */
export function attemptBackOff(count: number, prospects: Prospects): number {
  const { refused, pairWorked, remoteWorked } = prospects;
  const certain = pairWorked ? LOST_AFTER : 0;
  if (refused && count > certain) {
    return doubled(FIRST_REFUSED, count - certain, LONGEST_REFUSED);
  }
  return remoteWorked ? backOff(count) : doubled(FIRST_BACK_OFF, count, LONGEST_UNPROVEN);
}

/** A token bucket: each creation takes one of `level`, which fills by `rate` a second to `capacity`. */
export interface Bucket {
  readonly capacity: number;
  readonly rate: number;
  level: number;
  /** When `level` was brought up to date. */
  at: number;
}

/**
 * In any t seconds, a connection requests at most 16 + 2 t subflows; with limits above 8, 2 + t / 4
 * times as many as the limit.
 */
export function newBucket({ subflows }: PolicyLimits, at: number): Bucket {
  const capacity = 2 * Math.max(8, subflows);
  return { capacity, rate: capacity / 8, level: capacity, at };
}

/** Fills the bucket, and returns when the next creation is possible: now or later. */
export function nextCreationAt(bucket: Bucket, now: number): number {
  const { capacity, rate, at } = bucket;
  bucket.level = Math.min(capacity, bucket.level + ((now - at) * rate) / 1000);
  bucket.at = now;
  return bucket.level >= 1 ? now : now + ((1 - bucket.level) * 1000) / rate;
}
