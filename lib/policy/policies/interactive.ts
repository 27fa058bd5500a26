/** The policy interactive(). */
import { subflowKey } from '../../base/addresses';
import { checkIfGiven, checkInteger, checkKeys } from '../../base/arguments';
import { isAlive, isDark, isLocallyUp } from '../darkness';
import type {
  ConnectionView,
  PathAction,
  PathPolicy,
  PathView,
  PolicyView,
  SetBackupAction,
} from '../policy';
import { isOpen } from '../view-queries';
import {
  announcements,
  concerned,
  creation,
  mesh,
  missing,
  priority,
  vacate,
} from './building-blocks';

const POLL_INTERVAL = 100; // ms
const LOSSY = 0.05; // share of packets
const SLOWER_RATIO = 1.5;
const SLOWER_BY = 10; // ms

/** The options of interactive(). */
export interface InteractiveOptions {
  /** Milliseconds that a path stays in use once chosen, unless it fails or is to be left (2000). */
  hold?: number;
}

/**
 * Uses one path, that of the lowest latency, and keeps the others as backups. Another path takes over
 * at once where the path in use is dark or goes; and after `hold` where it loses more than 5 % of its
 * packets and more than twice as many as the other, or has 1.5 times the other's latency and 10 ms
 * more. It needs the userspace path manager: it has no endpoints.
 */
export function interactive(options: InteractiveOptions = {}): PathPolicy {
  checkKeys<InteractiveOptions>('options', options, { hold: true });
  checkIfGiven(checkInteger, 'options.hold', options.hold, 0, 0x7fff_ffff);
  const { hold = 2000 } = options;
  const name = 'interactive';
  return {
    name,
    perConnection: true,
    progress: POLL_INTERVAL,
    decide: (view, event) =>
      concerned(view, event).flatMap((connection) => [
        ...standbys(view, connection, name),
        ...vacate(view, connection, name),
        ...prefer(connection, choose(view, connection, hold)),
      ]),
    // Other policies may make any path a backup, and only the chosen one regular.
    permits: (view, action) =>
      action.type !== 'setBackup' || action.backup || isChosen(view, action, hold),
  };
}

/** Opens paths on every interface as backups, so that one can take over at once. */
function standbys(view: PolicyView, connection: ConnectionView, reason: string): PathAction[] {
  if (connection.serverSide) return announcements(view, connection, reason);
  return missing(view, connection, mesh(view, connection)).map((pair) =>
    creation(connection, pair, reason, { backup: true }),
  );
}

/** The latency in milliseconds, a present silence included. Unknown latency counts as infinite. */
const latency = ({ progress, silentSince, polledAt = 0 }: PathView): number =>
  Math.max(
    progress ? progress.rtt / 1000 : Infinity,
    silentSince === undefined ? 0 : polledAt - silentSince,
  );

const isFaster = (one: PathView, other: PathView): boolean =>
  latency(other) > Math.max(latency(one) * SLOWER_RATIO, latency(one) + SLOWER_BY);

/** Chooses the path to use. */
function choose(view: PolicyView, connection: ConnectionView, hold: number): PathView | undefined {
  const isUsable = (path: PathView): boolean =>
    !(path.interface !== undefined && view.leaving.has(path.interface)) &&
    isLocallyUp(view, path) &&
    !isDark(path) &&
    (view.permits?.(regular(connection, path)) ?? true);
  const open = connection.paths.filter(isOpen);
  const used = open.filter(({ backup }) => !backup);
  const current = used.find(isUsable) ?? used[0];
  const [best] = open
    .filter((path) => path !== current && isUsable(path) && isAlive(view, path))
    .sort((one, other) => latency(one) - latency(other));
  if (!current || !best) return current ?? best;
  if (!isUsable(current)) return best;
  return view.now - current.backupSince >= hold && isWorse(current, best) ? best : current;
}

const regular = (connection: ConnectionView, path: PathView): SetBackupAction =>
  priority(connection, path, false, 'interactive: the path in use');

const isWorse = (used: PathView, other: PathView): boolean =>
  isFaster(other, used) || ((used.loss ?? 0) > LOSSY && (other.loss ?? 0) < (used.loss ?? 0) / 2);

/** Makes the chosen path regular before the others become backups, so that one always is. */
function prefer(connection: ConnectionView, chosen: PathView | undefined): PathAction[] {
  if (!chosen) return [];
  return [
    regular(connection, chosen),
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
