/**
 * What each socket, server and handle asked for. An offer is a handle whose connection this side
 * wants to be MPTCP, whether or not this machine could open an MPTCP socket for it.
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
const UNAVAILABLE = -92; // UV_ENOPROTOOPT, for want of an errno: there is no addon

export class Offer implements Queued {
  due = 0;
  before: Queued | undefined;
  after: Queued | undefined;
  connected = false;
  /** It may be tried over TCP too. */
  retried: Client | undefined;
  /** Node's own. */
  oncomplete: ConnectRequest['oncomplete'];
  /** What became of the hints. */
  hints: readonly HintResult[] = NONE;
  /** `congestionControl: 'auto'` has put another in the place of the system's. */
  auto: false | 'forestalled' | 'settled' = false;

  constructor(
    readonly handle: TcpHandle,
    readonly settings: Settings,
    readonly side: 'client' | 'server',
    /** The handle has an MPTCP descriptor of ours. */
    readonly opened: boolean,
  ) {}
}

const OFFER = Symbol.for('mptcp.offer.1');
type Handle = Tagged<TcpHandle, typeof OFFER, Offer>;

export function offerOf(handle: Handle): Offer | undefined {
  return handle[OFFER];
}

/** `handle` wanted MPTCP, or its server did. */
export function noteOffer(
  handle: Handle,
  side: Offer['side'],
  settings: Settings,
  opened = false,
): Offer {
  const offer = new Offer(handle, settings, side, opened);
  handle[OFFER] = offer;
  return offer;
}

/**
 * Gives `handle`, which has no descriptor, one of MPTCP where `settings` want it. 0, or the negative
 * errno for which a socket that requires MPTCP must not go on.
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
    if (error instanceof MptcpError) warnUnavailable(error);
    return 0;
  }
}
