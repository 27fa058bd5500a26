/** What the engine knows: the view that policies get, and what paces their actions. */
import { subflowKey } from '../../base/addresses';
import type { NetworkInterface } from '../../interfaces/interface';
import type {
  ConnectionView,
  FailureView,
  LostView,
  OpeningView,
  PathView,
  PolicyLimits,
  PolicyView,
} from '../policy';
import type { Ends } from '../reading';
import { type Bucket, type Hold } from './pacing';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface EnginePath extends Mutable<PathView> {
  /** Failures in a row before it was established. */
  attempts: number;
  /** Since when something is on its way, as far as the looks tell. */
  waitingSince?: number;
}

export interface EngineConnection extends Mutable<ConnectionView> {
  paths: EnginePath[];
  opening: OpeningView[];
  failures: FailureView[];
  lost: LostView[];
  announced: Map<number, { address: string; port?: number }>;
  announcing: { address: string; port?: number }[];
  /** Whose end is on its way; no other one between the addresses before that, or `until`. */
  abandoned: (OpeningView & { until: number })[];
  /** By what is held off. */
  holds: Map<string, Hold>;
  creations: Bucket;
}

export interface EngineState extends PolicyView {
  now: number;
  readonly limits: PolicyLimits;
  interfaces: NetworkInterface[];
  leaving: Set<string>;
  connections: Map<number, EngineConnection>;
  usage: Map<string, number>;
}

export const findPath = (connection: EngineConnection, ends: Ends): EnginePath | undefined =>
  connection.paths.find((path) => subflowKey(path) === subflowKey(ends));

/** Takes the first that matches out of a list. */
export function take<T>(list: T[], match: (item: T) => boolean): T | undefined {
  const index = list.findIndex(match);
  return index < 0 ? undefined : list.splice(index, 1)[0];
}

const REMEMBERED = 64;

/** Appends, and forgets what is older than the last 64. */
export function remember<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > REMEMBERED) list.shift();
}
