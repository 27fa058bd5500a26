import { socketKey } from '../../base/addresses';
import { checkBoolean, checkIfGiven, checkInteger, checkObject } from '../../base/arguments';
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
import { isInsteadOf, isOpen, isPair, pairOf } from '../reading';
import { concerned, creation, destruction, locals, remotes } from './paths';

const PROGRESS = 50; // ms

export interface HealOptions {
  /** A server makes subflows anew too, where its client can be reached (false). */
  server?: boolean;
  /** Milliseconds between two looks at what paths carry: two at least find a path dark (50). */
  interval?: number;
}

/** Why it destroys a path: what goes for these reasons is made anew, but for one of two in one place. */
const GOES = {
  dark: 'heal: dark',
  link: 'heal: its link is down',
  address: 'heal: its address is gone',
  replaced: 'heal: dark, and another one is in its place',
  spare: 'heal: the one whose place it was to take works again',
} as const;

/**
 * Destroys paths that went dark, or that lost their link or address, so that the kernel sends what
 * is on them over another one at once; and makes what was lost anew, as soon as that goes.
 */
export function heal(options: HealOptions = {}): PathPolicy {
  checkObject('options', options);
  checkIfGiven(checkBoolean, 'options.server', options.server);
  checkIfGiven(checkInteger, 'options.interval', options.interval, 10, 60_000);
  const { server = false, interval = PROGRESS } = options;
  return {
    name: 'heal',
    progress: interval,
    decide: (view, event) =>
      concerned(view, event).flatMap((connection) => [
        ...takeOut(view, connection),
        ...(connection.serverSide && !server ? [] : makeAnew(view, connection)),
      ]),
  };
}

/** Where no path is alive the last resort stays. */
function takeOut(view: PolicyView, connection: ConnectionView): PathAction[] {
  const open = connection.paths.filter(isOpen);
  const alive = open.some((path) => isAlive(view, path));
  return open.flatMap((path) => {
    const reason = whyDead(view, path, open);
    return reason !== undefined && (alive || reason === GOES.replaced)
      ? [destruction(connection, path, reason)]
      : [];
  });
}

function whyDead(view: PolicyView, path: PathView, open: readonly PathView[]): string | undefined {
  if (path.addressGone) return GOES.address;
  if (!isLocallyUp(view, path)) return GOES.link;
  if (open.some((each) => isInsteadOf(path, each) && isAlive(view, each))) return GOES.spare;
  if (!isDark(path)) return undefined;
  return open.some((each) => isInsteadOf(each, path)) ? GOES.replaced : GOES.dark;
}

type Gone = Pick<LostView, 'local' | 'remote' | 'backup' | 'opened'>;

function makeAnew(view: PolicyView, connection: ConnectionView): CreateSubflowAction[] {
  const lost = connection.lost.filter(isToBeMade);
  const count = (pair: Gone): number =>
    connection.paths.filter((each) => isPair(pairOf(each), pair)).length +
    lost.filter((each) => isPair(each, pair)).length;
  const anew = (
    gone: Gone,
    more: Pick<CreateSubflowAction, 'most' | 'insteadOf'>,
  ): CreateSubflowAction[] =>
    isReachable(view, connection, gone)
      ? [creation(connection, gone, 'heal: what was lost', { backup: gone.backup, ...more })]
      : [];
  return [
    ...lost.flatMap((gone) => anew(gone, { most: count(gone) })),
    ...darkOnes(view, connection).flatMap((path) => {
      const gone = { ...pairOf(path), backup: path.backup, opened: path.opened };
      return anew(gone, { most: count(gone) + 1, insteadOf: path.local.port });
    }),
  ];
}

/** What the app, or another policy, took out of use stays so. */
const isToBeMade = ({ reason }: LostView): boolean =>
  reason === undefined || Object.values<string>(GOES).includes(reason);

/** Where no path is alive, a new one is through before the kernel sends again on an old one. */
function darkOnes(view: PolicyView, { paths }: ConnectionView): PathView[] {
  const open = paths.filter(isOpen);
  if (open.some((path) => isAlive(view, path))) return [];
  return open.filter((path) => isDark(path) && !open.some((each) => isInsteadOf(each, path)));
}

function isReachable(view: PolicyView, connection: ConnectionView, gone: Gone): boolean {
  if (!hasAddress(locals(view, connection), gone.local)) return false;
  const key = socketKey(gone.remote);
  if (remotes(connection).some((each) => socketKey(each) === key)) return true;
  const { denyJoinId0, remote } = connection;
  return gone.opened && !(denyJoinId0 && socketKey(remote) === key);
}
