/** How soon a failed action may be tried again, and how many subflows a connection may request. */
import type { PolicyLimits } from '../policy';

const FIRST_BACK_OFF = 250; // ms
const LONGEST_BACK_OFF = 3500; // ms

/** Milliseconds to wait after so many failures in a row (1 or more). */
export const backOff = (count: number): number =>
  Math.min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** Math.min(count - 1, 10));

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
