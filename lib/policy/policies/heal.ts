/** The policy heal(). */
import { socketKey } from '../../base/addresses';
import { checkBoolean, checkIfGiven, checkInteger, checkKeys } from '../../base/arguments';
import { isAlive, isDark, isLocallyUp } from '../darkness';
import { hasAddress } from '../local-addresses';
import type {
  ConnectionView,
  CreateSubflowAction,
  LostView,
  PathAction,
  PathPolicy,
  PathView,
  PolicyView,
} from '../policy';
import { isOpen, isReplacementFor, isSamePair, pairOf } from '../view-queries';
import { concerned, creation, destruction, locals, remotes } from './building-blocks';

const POLL_INTERVAL = 50; // ms

/** The options of heal(). */
export interface HealOptions {
  /** Whether a server reopens subflows too, to addresses that its client announced with a port (false). */
  server?: boolean;
  /** Milliseconds between two polls of the paths, 10 to 60 000 (50); a path is dark after two at least. */
  interval?: number;
}

/** Why it destroys a path. A path that was lost for one of these reasons is reopened. */
const REASONS = {
  dark: 'heal: the path is dark',
  link: 'heal: the link is down',
  address: 'heal: the address is gone',
  replaced: 'heal: the path is dark and its replacement is there',
  spare: 'heal: the path that it replaces works again',
} as const;

/**
 * Destroys paths that are dark, or that lost their link or address, so that the kernel at once
 * retransmits over another path what they carried; and reopens lost paths as soon as that is
 * possible. Join it by all() with a policy that opens paths. It needs the userspace path manager (it
 * has no endpoints; pm.manage() has the option `healing` for the in-kernel one), and finds dark paths
 * of this process's connections only.
 */
export function heal(options: HealOptions = {}): PathPolicy {
  checkKeys<HealOptions>('options', options, { server: true, interval: true });
  checkIfGiven(checkBoolean, 'options.server', options.server);
  checkIfGiven(checkInteger, 'options.interval', options.interval, 10, 60_000);
  const { server = false, interval = POLL_INTERVAL } = options;
  return {
    name: 'heal',
    perConnection: true,
    progress: interval,
    decide: (view, event) =>
      concerned(view, event).flatMap((connection) => [
        ...removeDead(view, connection),
        ...(connection.serverSide && !server ? [] : reopenLost(view, connection)),
      ]),
  };
}

/** Where no path is alive, none is destroyed, except a dark one that has its replacement. */
function removeDead(view: PolicyView, connection: ConnectionView): PathAction[] {
  const open = connection.paths.filter(isOpen);
  const alive = open.some((path) => isAlive(view, path));
  return open.flatMap((path) => {
    const reason = whyDead(view, path, open);
    return reason !== undefined && (alive || reason === REASONS.replaced)
      ? [destruction(connection, path, reason)]
      : [];
  });
}

function whyDead(view: PolicyView, path: PathView, open: readonly PathView[]): string | undefined {
  if (path.addressGone) return REASONS.address;
  if (!isLocallyUp(view, path)) return REASONS.link;
  if (open.some((each) => isReplacementFor(path, each) && isAlive(view, each)))
    return REASONS.spare;
  if (!isDark(path)) return undefined;
  return open.some((each) => isReplacementFor(each, path)) ? REASONS.replaced : REASONS.dark;
}

type LostPath = Pick<LostView, 'local' | 'remote' | 'backup' | 'opened'>;

function reopenLost(view: PolicyView, connection: ConnectionView): CreateSubflowAction[] {
  const lost = connection.lost.filter(isToBeReopened);
  const count = (pair: LostPath): number =>
    connection.paths.filter((each) => isSamePair(pairOf(each), pair)).length +
    lost.filter((each) => isSamePair(each, pair)).length;
  const reopen = (
    gone: LostPath,
    more: Pick<CreateSubflowAction, 'max' | 'insteadOf'>,
  ): CreateSubflowAction[] =>
    isReachable(view, connection, gone)
      ? [creation(connection, gone, 'heal: a lost path', { backup: gone.backup, ...more })]
      : [];
  return [
    ...lost.flatMap((gone) => reopen(gone, { max: count(gone) })),
    ...darkPathsToReplace(view, connection).flatMap((path) => {
      const gone = { ...pairOf(path), backup: path.backup, opened: path.opened };
      return reopen(gone, { max: count(gone) + 1, insteadOf: path.local.port });
    }),
  ];
}

/** A path that the app or another policy destroyed stays closed. */
const isToBeReopened = ({ reason }: LostView): boolean =>
  reason === undefined || Object.values<string>(REASONS).includes(reason);

/**
 * Where no path is alive, dark paths get a replacement beside them: it is established before the
 * kernel, whose retransmissions back off, sends on the old path again.
 */
function darkPathsToReplace(view: PolicyView, { paths }: ConnectionView): PathView[] {
  const open = paths.filter(isOpen);
  if (open.some((path) => isAlive(view, path))) return [];
  return open.filter((path) => isDark(path) && !open.some((each) => isReplacementFor(each, path)));
}

function isReachable(view: PolicyView, connection: ConnectionView, gone: LostPath): boolean {
  if (!hasAddress(locals(view, connection), gone.local)) return false;
  const key = socketKey(gone.remote);
  if (remotes(view, connection).some((each) => socketKey(each) === key)) return true;
  const { denyJoinId0, remote } = connection;
  return gone.opened && !(denyJoinId0 && socketKey(remote) === key);
}
