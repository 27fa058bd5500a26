/** What the engine knows: the view that policies are given, and what paces their actions. */
import { isAddress, subflowKey } from '../../base/addresses';
import type { AnnouncedAddress } from '../../connection/paths';
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
import type { AddressPair, Ends } from '../view-queries';
import type { Holds } from './holds';
import type { Bucket } from './pacing';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface EnginePath extends Mutable<PathView> {
  /** Failures in a row before it was established. */
  attempts: number;
  /** Since when data wait for an acknowledgement, as far as polling shows. */
  waitingSince?: number;
}

export interface EngineConnection extends Mutable<ConnectionView> {
  paths: EnginePath[];
  opening: OpeningView[];
  failures: FailureView[];
  lost: LostView[];
  announced: Map<number, AnnouncedAddress>;
  announcing: AnnouncedAddress[];
  /**
   * Attempts that were abandoned and whose `subflowClosed` is outstanding. No other attempt between
   * their addresses is admitted before that event, or before `until`.
   */
  abandoned: (OpeningView & { until: number })[];
  /** Where subflows that this side opened, the first one included, were established; at most 64. */
  worked: AddressPair[];
  holds: Holds;
  /** Paces the creation of subflows. */
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

export const newState = (limits: PolicyLimits): EngineState => ({
  now: 0,
  limits,
  interfaces: [],
  leaving: new Set(),
  connections: new Map(),
  usage: new Map(),
});

export const findPath = (connection: EngineConnection, ends: Ends): EnginePath | undefined =>
  connection.paths.find((path) => subflowKey(path) === subflowKey(ends));

export const isSameAnnouncement = (one: AnnouncedAddress, other: AnnouncedAddress): boolean =>
  isAddress(one.address, other.address) && one.port === other.port;

/** Removes the first item that matches from a list, and returns it. */
export function removeFirst<T>(list: T[], match: (item: T) => boolean): T | undefined {
  const index = list.findIndex(match);
  return index < 0 ? undefined : list.splice(index, 1)[0];
}

/**
 * The most announced addresses of a peer that are remembered, the latest ones: each adds a pair for
 * every local address, and so work to every event.
 */
export const MOST_ANNOUNCED = 32;

const REMEMBERED = 64;

/** Appends to a list, and drops its oldest item beyond `most` (64). */
export function remember<T>(list: T[], item: T, most = REMEMBERED): void {
  list.push(item);
  if (list.length > most) list.shift();
}
