/**
 * Offers of MPTCP. An offer is a handle whose connection is requested to be MPTCP by this side, whether
 * or not this machine could open an MPTCP socket for it.
 */
import type { Queued } from '../base/delay-queue';
import { MptcpError, negativeErrno } from '../base/errors';
import type { Tagged } from '../base/tagged';
import { applyEarly } from '../hints/apply';
import { forestallCollapse, forestallConnecting } from '../hints/congestion-control';
import type { HintResult } from '../hints/hints';
import { earlyPathHints } from '../hints/path-selector';
import { loadNative } from '../kernel/addon';
import { openMptcpSocket, warnUnavailable } from './availability';
import type { Client } from './client';
import type { ConnectRequest, TcpHandle } from './node/types';
import type { Settings } from './options';

const NONE: readonly HintResult[] = [];
const UNAVAILABLE = -92; // UV_ENOPROTOOPT, where there is no addon and so no errno

/** What was seen of a connection when it was last polled. */
export interface PathsSeen {
  /** The bytes that were received and sent. */
  received: number;
  sent: number;
  /** When it had a path that answered, as of performance.now(). */
  aliveAt: number;
  /** Whether the peer had not answered lately. */
  silent: boolean;
  /** When it was first found without a path; undefined while it has one. */
  lostAt: number | undefined;
}

/** The state of a handle's connection, and its own entry of the queues of socket-watch.ts. */
export class Offer implements Queued {
  due = 0;
  before: Queued | undefined;
  after: Queued | undefined;
  /** Whether the connection is established and may proceed. */
  connected = false;
  /** The client that may try TCP as well: see tcp-retry.ts. */
  retried: Client | undefined;
  /** The callback of Node's that the hook `connect` has replaced. */
  oncomplete: ConnectRequest['oncomplete'];
  /** The results of all hints so far: see Connection.hints. */
  hints: readonly HintResult[] = NONE;
  /**
   * Whether `congestionControl: 'auto'` has replaced the system's: `forestalled` before the connection
   * was made, `settled` once that was found to be right.
   */
  auto: false | 'forestalled' | 'settled' = false;
  /** What socket-watch.ts has seen of the connection; undefined until it is 50 ms old. */
  seen: PathsSeen | undefined;
  /** The index of its queue there. */
  level = 0;
  /** Awaits the fallback of the connection to TCP; undefined where nobody needs to know of it. */
  onFallback: (() => void) | undefined;

  constructor(
    readonly handle: TcpHandle,
    /** They may come to require MPTCP when a request does. */
    public settings: Settings,
    readonly side: 'client' | 'server',
    /** Whether the handle has an MPTCP descriptor that this package opened. */
    readonly opened: boolean,
  ) {}
}

const kOffer = Symbol.for('mptcp.offer.1');
type Handle = Tagged<TcpHandle, typeof kOffer, Offer>;

/** Returns the offer of a handle; undefined where MPTCP was not requested for it. */
export function offerOf(handle: Handle): Offer | undefined {
  return handle[kOffer];
}

/** Notes that MPTCP was requested for `handle`, or for the server that accepted it. */
export function noteOffer(
  handle: Handle,
  side: Offer['side'],
  settings: Settings,
  opened = false,
): Offer {
  const offer = new Offer(handle, settings, side, opened);
  handle[kOffer] = offer;
  return offer;
}

/**
 * Opens an MPTCP descriptor for `handle`, which has none, where `settings` request it. Returns 0, or
 * the negative errno with which a socket that requires MPTCP fails.
 */
export function offer(
  handle: TcpHandle,
  side: Offer['side'],
  settings: Settings,
  family: 4 | 6,
  address: string,
  port: number,
): number {
  if (settings.mode === 'off' || settings.excludes?.(address, port)) return 0;
  try {
    const fd = openMptcpSocket(family);
    const status = handle.open(fd);
    if (status !== 0) loadNative()?.closeSocket(fd);
    else {
      const made = noteOffer(handle, side, settings, true);
      const { congestionControl, optionHints, paths } = settings;
      const forestall = side === 'client' ? forestallConnecting : forestallCollapse;
      made.auto = congestionControl === 'auto' && forestall(fd) && 'forestalled';
      const early = paths ? [...optionHints, ...earlyPathHints(paths, family)] : optionHints;
      if (early.length > 0) made.hints = applyEarly(fd, early, side);
    }
    return status;
  } catch (error) {
    noteOffer(handle, side, settings);
    if (settings.mode === 'require') return negativeErrno(error) ?? UNAVAILABLE;
    if (error instanceof MptcpError && error.code === 'ERR_MPTCP_UNAVAILABLE')
      warnUnavailable(error);
    return 0;
  }
}
