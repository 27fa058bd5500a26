import { subflowKey } from '../../base/addresses';
import { checkIfGiven, checkInteger, checkObject } from '../../base/arguments';
import { isAlive, isDark, isLocallyUp } from '../darkness';
import type {
  ConnectionView,
  PathAction,
  PathPolicy,
  PathView,
  PolicyView,
  SetBackupAction,
} from '../policy';
import { isOpen } from '../reading';
import { announcements, concerned, creation, mesh, missing, priority, vacate } from './paths';

const PROGRESS = 100; // ms
const LOSS = 0.05;
const SLOWER = 1.5; // times
const LATER = 10; // ms

export interface InteractiveOptions {
  /** Milliseconds that the path stays in use once chosen, unless it goes dark (2000). */
  hold?: number;
}

/**
 * One path in use, that of the lowest latency; the others are there as backups. Another one takes
 * its place where it suffers: dark, a loss of more than 5 %, or clearly slower than that one.
 */
export function interactive(options: InteractiveOptions = {}): PathPolicy {
  checkObject('options', options);
  checkIfGiven(checkInteger, 'options.hold', options.hold, 0, 0x7fff_ffff);
  const { hold = 2000 } = options;
  const name = 'interactive';
  return {
    name,
    progress: PROGRESS,
    decide: (view, event) =>
      concerned(view, event).flatMap((connection) => [
        ...standbys(view, connection, name),
        ...vacate(view, connection, name),
        ...prefer(connection, choose(view, connection, hold)),
      ]),
    // Others may take a path out of use, and put none into it.
    permits: (view, action) =>
      action.type !== 'setBackup' || action.backup || isChosen(view, action, hold),
  };
}

/** A path on every interface, to take over at once. */
function standbys(view: PolicyView, connection: ConnectionView, reason: string): PathAction[] {
  if (connection.serverSide) return announcements(view, connection, reason);
  return missing(connection, mesh(view, connection)).map((pair) =>
    creation(connection, pair, reason, { backup: true }),
  );
}

/** In milliseconds; a path that nothing is known of may be the slowest. */
const latency = ({ progress, silentSince, lookedAt = 0 }: PathView): number =>
  Math.max(
    progress ? progress.rtt / 1000 : Infinity,
    silentSince === undefined ? 0 : lookedAt - silentSince,
  );

const isFaster = (one: PathView, other: PathView): boolean =>
  latency(other) > Math.max(latency(one) * SLOWER, latency(one) + LATER);

/** The path that is to be in use. */
function choose(view: PolicyView, connection: ConnectionView, hold: number): PathView | undefined {
  const stays = (path: PathView): boolean =>
    !(path.interface !== undefined && view.leaving.has(path.interface)) &&
    isLocallyUp(view, path) &&
    !isDark(path) &&
    (view.permits?.(inUse(connection, path)) ?? true);
  const open = connection.paths.filter(isOpen);
  const used = open.filter(({ backup }) => !backup);
  const current = used.find(stays) ?? used[0];
  const [best] = open
    .filter((path) => path !== current && stays(path) && isAlive(view, path))
    .sort((one, other) => latency(one) - latency(other));
  if (!current || !best) return current ?? best;
  if (!stays(current)) return best;
  return view.now - current.backupSince >= hold && suffers(current, best) ? best : current;
}

const inUse = (connection: ConnectionView, path: PathView): SetBackupAction =>
  priority(connection, path, false, 'interactive: the path in use');

const suffers = (used: PathView, other: PathView): boolean =>
  isFaster(other, used) || ((used.loss ?? 0) > LOSS && (other.loss ?? 0) < (used.loss ?? 0) / 2);

/** The new one first, so that there is always one. */
function prefer(connection: ConnectionView, chosen: PathView | undefined): PathAction[] {
  if (!chosen) return [];
  return [
    inUse(connection, chosen),
    ...connection.paths
      .filter((path) => isOpen(path) && path !== chosen)
      .map((path) => priority(connection, path, true, 'interactive: a path in reserve')),
  ];
}

function isChosen(
  view: PolicyView,
  action: Extract<PathAction, { type: 'setBackup' }>,
  hold: number,
): boolean {
  const connection = view.connections.get(action.token);
  const chosen = connection && choose(view, connection, hold);
  return chosen === undefined || subflowKey(chosen) === subflowKey(action);
}
