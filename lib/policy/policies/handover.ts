/** The policy handover(). */
import {
  checkIfGiven,
  checkInteger,
  checkKeys,
  checkOneOf,
  invalidArgType,
  type Keys,
  outOfRange,
} from '../../base/arguments';
import { isDark, isLocallyUp, isQuiet, lastActiveAt } from '../darkness';
import type { ConnectionView, PathPolicy, PathView, PolicyAction, PolicyView } from '../policy';
import { interfaceOf, isOpen, isSamePair } from '../view-queries';
import {
  announcements,
  concerned,
  creation,
  destruction,
  type LocalPair,
  mesh,
  missing,
  priority,
} from './building-blocks';
import { checkMatch, type InterfaceMatch, matcher } from './interface-match';

const POLL_INTERVAL = 100; // ms
const OPENING_TIMEOUT = 1000; // ms, after which the next path is tried too
const MAX_DRAINS = 5; // times `drain`, for a path on which something still moves

/** The options of handover(). */
export interface HandoverOptions {
  /**
   * `make-before-break`: one path is used; the next one is established before it is left.
   * `break-before-make`: one path is used; it is destroyed, then the next one is opened: for
   * interfaces that cannot work at the same time. `simultaneous`: a path on every interface is used
   * until its interface goes.
   */
  mode: 'make-before-break' | 'break-before-make' | 'simultaneous';
  /** The interfaces in the order of preference; all others follow (no preference). */
  prefer?: readonly InterfaceMatch[];
  /** The share of retransmitted packets, 0 to 1, beyond which a path is left (never). */
  loss?: number;
  /** The round-trip time in milliseconds beyond which a path is left (never). */
  rtt?: number;
  /**
   * Milliseconds without any movement after which a path that is left is destroyed, so that data in
   * flight arrive (1000). It is destroyed after five times as many at the latest.
   */
  drain?: number;
  /** Milliseconds before an interface that was left as dark, lossy or slow is used again (10 000). */
  hold?: number;
}

const DEGRADED = 'handover: the path is dark, lossy or slow';

/**
 * Moves a connection from interface to interface: it uses the most preferred one that works, and
 * leaves a path that is dark, exceeds `loss` or `rtt`, or whose interface goes or will be lost. A
 * server does not choose between working paths, which its client does. It needs the userspace path
 * manager: it has no endpoints.
 */
export function handover(options: HandoverOptions): PathPolicy {
  check(options);
  const { prefer = [], drain = 1000, hold = 10_000 } = options;
  const rules: Rules = { ...options, prefer, drain, hold };
  return {
    name: 'handover',
    perConnection: true,
    progress: POLL_INTERVAL,
    decide: (view, event) =>
      concerned(view, event).flatMap((connection) =>
        new Handover(rules, view, connection).actions(),
      ),
    permits(view, action) {
      const connection = view.connections.get(action.token);
      if (action.type !== 'createSubflow' || !connection) return true;
      return !new Handover(rules, view, connection).works;
    },
  };
}

const KEYS: Keys<HandoverOptions> = {
  mode: true,
  prefer: true,
  loss: true,
  rtt: true,
  drain: true,
  hold: true,
};

function check(options: unknown): asserts options is HandoverOptions {
  checkKeys<HandoverOptions>('options', options, KEYS);
  const given = options as HandoverOptions;
  checkOneOf('options.mode', given.mode, [
    'make-before-break',
    'break-before-make',
    'simultaneous',
  ]);
  if (given.prefer !== undefined && !Array.isArray(given.prefer)) {
    throw invalidArgType('options.prefer', 'an array', given.prefer);
  }
  checkIfGiven(checkMatch, 'options.prefer', given.prefer);
  const { loss } = given;
  checkIfGiven(checkShare, 'options.loss', loss);
  for (const name of ['rtt', 'drain', 'hold'] as const) {
    checkIfGiven(checkInteger, `options.${name}`, given[name], 0, 0x7fff_ffff);
  }
}

function checkShare(name: string, value: unknown): void {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  if (!(value >= 0 && value <= 1)) throw outOfRange(name, '>= 0 && <= 1', value);
}

type Rules = HandoverOptions & Required<Pick<HandoverOptions, 'prefer' | 'drain' | 'hold'>>;

/** The decision for one connection at one time. */
class Handover {
  readonly #rules: Rules;
  readonly #view: PolicyView;
  readonly #connection: ConnectionView;
  readonly #open: readonly PathView[];
  readonly #good: readonly PathView[];
  readonly #order: readonly ((name: string | undefined) => boolean)[];

  constructor(rules: Rules, view: PolicyView, connection: ConnectionView) {
    this.#rules = rules;
    this.#view = view;
    this.#connection = connection;
    this.#order = rules.prefer.map((match) => matcher(view, match));
    this.#open = connection.paths.filter(isOpen);
    this.#good = this.#open
      .filter((path) => this.#whyLeave(path) === undefined)
      .sort((one, other) => this.#rank(one.interface) - this.#rank(other.interface));
  }

  /** Whether a path exists that need not be left. */
  get works(): boolean {
    return this.#good.length > 0;
  }

  actions(): PolicyAction[] {
    const { mode } = this.#rules;
    const surplus = this.#surplus();
    const kept = this.#good.filter((path) => !surplus.has(path));
    return [
      ...kept.map((path) => this.#priority(path, false, 'handover: a path in use')),
      ...(mode === 'break-before-make' && this.#candidates().length > 0
        ? this.#destroyAtOnce(kept)
        : this.#leave(surplus)),
      ...this.#create(),
    ];
  }

  /** The rank of an interface; 0 is the best. */
  #rank(name: string | undefined): number {
    const index = this.#order.findIndex((matches) => matches(name));
    return index < 0 ? this.#order.length : index;
  }

  #whyLeave(path: PathView): string | undefined {
    const { loss = Infinity, rtt = Infinity } = this.#rules;
    if (path.interface !== undefined && this.#view.leaving.has(path.interface)) {
      return 'handover: the interface will be lost';
    }
    if (!isLocallyUp(this.#view, path)) return 'handover: the link or the address is gone';
    const degraded =
      isDark(path) || (path.loss ?? 0) > loss || (path.progress?.rtt ?? 0) / 1000 > rtt;
    return degraded ? DEGRADED : undefined;
  }

  /** The paths that work beside a better one. A server leaves the choice to its client. */
  #surplus(): Set<PathView> {
    const { serverSide } = this.#connection;
    if (serverSide || this.#rules.mode === 'simultaneous') return new Set();
    return new Set(this.#good.slice(1));
  }

  /** Makes the paths to leave backups, and destroys them later, so that data in flight arrive. */
  #leave(surplus: ReadonlySet<PathView>): PolicyAction[] {
    if (!this.works) return [];
    const { now } = this.#view;
    return this.#open.flatMap((path): PolicyAction[] => {
      const why = this.#whyLeave(path) ?? (surplus.has(path) ? 'handover: to a better path' : '');
      if (why === '') return [];
      if (!path.backup && isLocallyUp(this.#view, path)) {
        return [this.#priority(path, true, why), this.#wake(now + this.#rules.drain)];
      }
      return this.#drain(path, why);
    });
  }

  /** Destroys a path that is left once it is idle, and where that disturbs no other path. */
  #drain(path: PathView, why: string): PolicyAction[] {
    const { now } = this.#view;
    const { drain } = this.#rules;
    const isDead = isDark(path) || !isLocallyUp(this.#view, path);
    const idleAt = Math.max(path.backupSince, lastActiveAt(path) ?? 0) + drain;
    const due = Math.min(idleAt, path.backupSince + MAX_DRAINS * drain);
    if (!isDead && due > now) return [this.#wake(due)];
    const isEmpty = path.progress?.unacked === 0 && (isDead || idleAt <= now);
    return isEmpty && !isQuiet(this.#connection)
      ? [] // closing it would make the kernel retransmit what other paths carry
      : [destruction(this.#connection, path, why)];
  }

  /** Destroys all paths that are not worth keeping; the next one is opened when they have closed. */
  #destroyAtOnce(kept: readonly PathView[]): PolicyAction[] {
    const staying = kept.filter((path) => !this.#isWorthABreak(path));
    return this.#open
      .filter((path) => !staying.includes(path))
      .map((path) =>
        destruction(this.#connection, path, this.#whyLeave(path) ?? 'handover: to a better path', {
          last: true,
        }),
      );
  }

  /** Whether a better candidate exists that has not failed within `hold`. */
  #isWorthABreak({ interface: name }: PathView): boolean {
    const { hold } = this.#rules;
    const { failures } = this.#connection;
    return this.#candidates().some(
      (pair) =>
        this.#rank(pair.interface) < this.#rank(name) &&
        !failures.some((each) => isSamePair(each, pair) && each.at + hold > this.#view.now),
    );
  }

  /** The pairs of addresses for the next path, the best first. */
  #candidates(): LocalPair[] {
    const { failures } = this.#connection;
    const { now } = this.#view;
    const leaving = new Set(this.#open.filter((path) => this.#whyLeave(path)).map(interfaceName));
    const isHeld = (pair: LocalPair): boolean =>
      failures.some((each) => each.retryAt > now && isSamePair(each, pair));
    const free = mesh(this.#view, this.#connection).filter(
      (pair) => !leaving.has(pair.interface) && !this.#isResting(pair),
    );
    return missing(this.#view, this.#connection, free).sort(
      (one, other) =>
        Number(isHeld(one)) - Number(isHeld(other)) ||
        this.#rank(one.interface) - this.#rank(other.interface),
    );
  }

  /** Whether a path on the same interface was left as degraded within `hold`. */
  #isResting({ interface: name }: LocalPair): boolean {
    const { interfaces, now } = this.#view;
    return this.#connection.lost.some(
      ({ local, reason, at }) =>
        reason === DEGRADED &&
        at + this.#rules.hold > now &&
        interfaceOf(interfaces, local) === name,
    );
  }

  #create(): PolicyAction[] {
    const connection = this.#connection;
    if (connection.serverSide) {
      return this.works ? [] : announcements(this.#view, connection, 'handover: no path works');
    }
    return this.#rules.mode === 'simultaneous' ? this.#onEach() : this.#next();
  }

  /** Opens one path on every interface. */
  #onEach(): PolicyAction[] {
    const { opening } = this.#connection;
    const { interfaces } = this.#view;
    const used = new Set([
      ...this.#open.map(interfaceName),
      ...opening.map(({ local }) => interfaceOf(interfaces, local)),
    ]);
    return this.#candidates().flatMap((pair) => {
      if (used.has(pair.interface)) return [];
      used.add(pair.interface);
      return [creation(this.#connection, pair, 'handover: a path on each interface')];
    });
  }

  /** Opens a path where none works, or where a better one is possible. */
  #next(): PolicyAction[] {
    const { opening, paths } = this.#connection;
    const { now } = this.#view;
    const [best] = this.#good;
    if (this.#rules.mode === 'break-before-make' && paths.length > 0) return [];
    const newest = opening.at(-1);
    if (newest && newest.since + OPENING_TIMEOUT > now) {
      return [this.#wake(newest.since + OPENING_TIMEOUT)];
    }
    const [next] = this.#candidates();
    if (!next || (best && this.#rank(next.interface) >= this.#rank(best.interface))) return [];
    return [creation(this.#connection, next, 'handover: the next path')];
  }

  #wake(at: number): PolicyAction {
    return { type: 'wake', at, token: this.#connection.token };
  }

  #priority(path: PathView, backup: boolean, reason: string): PolicyAction {
    return priority(this.#connection, path, backup, reason);
  }
}

const interfaceName = ({ interface: name }: PathView): string | undefined => name;
