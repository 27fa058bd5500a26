/** How fast things may be tried again. */
import type { PolicyLimits } from '../policy';

const FIRST = 250; // ms
const LONGEST = 3500;

export const backOff = (count: number): number =>
  Math.min(LONGEST, FIRST * 2 ** Math.min(count - 1, 10));

/** Not again before `until`; `count`: how often it was refused in a row. */
export interface Hold {
  count: number;
  until: number;
}

/** Room for creations: it fills by `rate` a second, up to `capacity`. */
export interface Bucket {
  readonly capacity: number;
  readonly rate: number;
  level: number;
  at: number;
}

/**
 * In any time of t seconds a connection asks for at most 16 + 2 t subflows; with limits above 8, for
 * 2 + t / 4 times as many as the limit is.
 */
export function newBucket({ subflows }: PolicyLimits, at: number): Bucket {
  const capacity = 2 * Math.max(8, subflows);
  return { capacity, rate: capacity / 8, level: capacity, at };
}

/** When there is room for one more: now or later. */
export function roomAt(bucket: Bucket, now: number): number {
  const { capacity, rate, at } = bucket;
  bucket.level = Math.min(capacity, bucket.level + ((now - at) * rate) / 1000);
  bucket.at = now;
  return bucket.level >= 1 ? now : now + ((1 - bucket.level) * 1000) / rate;
}
