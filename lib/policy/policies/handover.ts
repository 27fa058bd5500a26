import {
  checkIfGiven,
  checkInteger,
  checkObject,
  checkOneOf,
  invalidArgType,
  outOfRange,
} from '../../base/arguments';
import { isDark, isLocallyUp, isQuiet, movedAt } from '../darkness';
import type { ConnectionView, PathPolicy, PathView, PolicyAction, PolicyView } from '../policy';
import { interfaceOf, isOpen, isPair } from '../reading';
import { checkMatch, type InterfaceMatch, matcher } from './interface-match';
import {
  announcements,
  concerned,
  creation,
  destruction,
  type LocalPair,
  mesh,
  missing,
  priority,
} from './paths';

const PROGRESS = 100; // ms
const PATIENCE = 1000; // ms that a path may take to open before the next one is tried
const LONGEST = 5; // times `drain`, for a path on which something still moves

export interface HandoverOptions {
  /**
   * `make-before-break`: one path; the next one is there before it goes. `break-before-make`: one
   * path; it goes, and then the next one is made: for interfaces that do not work at once.
   * `simultaneous`: a path on every interface, all used, until its interface goes.
   */
  mode: 'make-before-break' | 'break-before-make' | 'simultaneous';
  /** The best one first; any other comes after these. */
  prefer?: readonly InterfaceMatch[];
  /** The share of packets sent again, 0 to 1, beyond which a path is left (never). */
  loss?: number;
  /** The round-trip time in milliseconds beyond which a path is left (never). */
  rtt?: number;
  /**
   * Milliseconds for what is on its way: between the last time that something moved on a path that is
   * left and its end (1000). The end comes after five times as many at the latest.
   */
  drain?: number;
  /** Milliseconds before an interface that was left for loss or rtt is used again (10 000). */
  hold?: number;
}

const SUFFERS = 'handover: it suffers';

/** Moves a connection from interface to interface: of those that work, to the preferred one. */
export function handover(options: HandoverOptions): PathPolicy {
  check(options);
  const { prefer = [], drain = 1000, hold = 10_000 } = options;
  const rules: Rules = { ...options, prefer, drain, hold };
  return {
    name: 'handover',
    progress: PROGRESS,
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

function check(options: unknown): asserts options is HandoverOptions {
  checkObject('options', options);
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

/** One connection at one time. */
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

  /** There is a path that need not be left. */
  get works(): boolean {
    return this.#good.length > 0;
  }

  actions(): PolicyAction[] {
    const { mode } = this.#rules;
    const surplus = this.#surplus();
    const kept = this.#good.filter((path) => !surplus.has(path));
    return [
      ...kept.map((path) => this.#priority(path, false, 'handover: to this path')),
      ...(mode === 'break-before-make' && this.#candidates().length > 0
        ? this.#break(kept)
        : this.#leave(surplus)),
      ...this.#make(),
    ];
  }

  /** 0 is the best. */
  #rank(name: string | undefined): number {
    const index = this.#order.findIndex((matches) => matches(name));
    return index < 0 ? this.#order.length : index;
  }

  #whyLeave(path: PathView): string | undefined {
    const { loss = Infinity, rtt = Infinity } = this.#rules;
    if (path.interface !== undefined && this.#view.leaving.has(path.interface)) {
      return 'handover: its interface is left';
    }
    if (!isLocallyUp(this.#view, path)) return 'handover: its interface is gone';
    const suffers =
      isDark(path) || (path.loss ?? 0) > loss || (path.progress?.rtt ?? 0) / 1000 > rtt;
    return suffers ? SUFFERS : undefined;
  }

  /** Paths that work and are not wanted, by a better one. A server leaves that to its client. */
  #surplus(): Set<PathView> {
    const { serverSide } = this.#connection;
    if (serverSide || this.#rules.mode === 'simultaneous') return new Set();
    return new Set(this.#good.slice(1));
  }

  /** Gently: what is on its way arrives. */
  #leave(surplus: ReadonlySet<PathView>): PolicyAction[] {
    if (!this.works) return [];
    const { now } = this.#view;
    return this.#open.flatMap((path): PolicyAction[] => {
      const why = this.#whyLeave(path) ?? (surplus.has(path) ? 'handover: to a better path' : '');
      if (why === '') return [];
      if (!path.backup && isLocallyUp(this.#view, path)) {
        return [this.#priority(path, true, why), { type: 'wake', at: now + this.#rules.drain }];
      }
      return this.#end(path, why);
    });
  }

  /** Of a path that is left: when it has had its time, and where that disturbs no other one. */
  #end(path: PathView, why: string): PolicyAction[] {
    const { now } = this.#view;
    const { drain } = this.#rules;
    const isLost = isDark(path) || !isLocallyUp(this.#view, path);
    const idleAt = Math.max(path.backupSince, movedAt(path) ?? 0) + drain;
    const due = Math.min(idleAt, path.backupSince + LONGEST * drain);
    if (!isLost && due > now) return [{ type: 'wake', at: due }];
    const isEmpty = path.progress?.unacked === 0 && (isLost || idleAt <= now);
    return isEmpty && !isQuiet(this.#connection)
      ? [] // until it is: its end would make the kernel send all again
      : [destruction(this.#connection, path, why)];
  }

  /** At once, and all: the next one is made when the last one is gone. */
  #break(kept: readonly PathView[]): PolicyAction[] {
    const stays = kept.filter((path) => !this.#isWorthABreak(path));
    return this.#open
      .filter((path) => !stays.includes(path))
      .map((path) =>
        destruction(this.#connection, path, this.#whyLeave(path) ?? 'handover: to a better path', {
          last: true,
        }),
      );
  }

  /** A path that works is not given up for one that failed a while ago. */
  #isWorthABreak({ interface: name }: PathView): boolean {
    const { hold } = this.#rules;
    const { failures } = this.#connection;
    return this.#candidates().some(
      (pair) =>
        this.#rank(pair.interface) < this.#rank(name) &&
        !failures.some((each) => isPair(each, pair) && each.at + hold > this.#view.now),
    );
  }

  /** Pairs of addresses for the next path, the best first. */
  #candidates(): LocalPair[] {
    const { failures } = this.#connection;
    const { now } = this.#view;
    const left = new Set(this.#open.filter((path) => this.#whyLeave(path)).map(onInterface));
    const isHeld = (pair: LocalPair): boolean =>
      failures.some((each) => each.retryAt > now && isPair(each, pair));
    const free = mesh(this.#view, this.#connection).filter(
      (pair) => !left.has(pair.interface) && !this.#isResting(pair),
    );
    return missing(this.#connection, free).sort(
      (one, other) =>
        Number(isHeld(one)) - Number(isHeld(other)) ||
        this.#rank(one.interface) - this.#rank(other.interface),
    );
  }

  /** It was left a short time ago because it was bad. */
  #isResting({ interface: name }: LocalPair): boolean {
    const { interfaces, now } = this.#view;
    return this.#connection.lost.some(
      ({ local, reason, at }) =>
        reason === SUFFERS &&
        at + this.#rules.hold > now &&
        interfaceOf(interfaces, local) === name,
    );
  }

  #make(): PolicyAction[] {
    const connection = this.#connection;
    if (connection.serverSide) {
      return this.works ? [] : announcements(this.#view, connection, 'handover: elsewhere');
    }
    return this.#rules.mode === 'simultaneous' ? this.#onEach() : this.#next();
  }

  /** One path on every interface. */
  #onEach(): PolicyAction[] {
    const { opening } = this.#connection;
    const { interfaces } = this.#view;
    const used = new Set([
      ...this.#open.map(onInterface),
      ...opening.map(({ local }) => interfaceOf(interfaces, local)),
    ]);
    return this.#candidates().flatMap((pair) => {
      if (used.has(pair.interface)) return [];
      used.add(pair.interface);
      return [creation(this.#connection, pair, 'handover: a path on each interface')];
    });
  }

  /** A path where none works, or where a better one can be had. */
  #next(): PolicyAction[] {
    const { opening, paths } = this.#connection;
    const { now } = this.#view;
    const [best] = this.#good;
    if (this.#rules.mode === 'break-before-make' && paths.length > 0) return [];
    const newest = opening.at(-1);
    if (newest && newest.since + PATIENCE > now) {
      return [{ type: 'wake', at: newest.since + PATIENCE }];
    }
    const [next] = this.#candidates();
    if (!next || (best && this.#rank(next.interface) >= this.#rank(best.interface))) return [];
    return [creation(this.#connection, next, 'handover: the next path')];
  }

  #priority(path: PathView, backup: boolean, reason: string): PolicyAction {
    return priority(this.#connection, path, backup, reason);
  }
}

const onInterface = ({ interface: name }: PathView): string | undefined => name;
