/**
 * What each socket, server and handle asked for. An offer is a handle whose connection this side
 * wants to be MPTCP, whether or not this machine could open an MPTCP socket for it.
 */
import type net from 'node:net';
import { MptcpError, negativeErrno } from '../base/errors';
import type { HintResult } from '../hints/hints';
import type { Settings } from './options';
import { Client, clientOf, setClient } from './client';
import type { Queued } from '../base/delay-queue';
import { applyEarly, forestallCollapse, forestallConnecting } from '../hints/apply';
import { earlyPathHints } from '../internal/early-path-hints';
import type { Knowing } from '../base/tagged';
import { openMptcpSocket, warnUnavailable } from './availability';
import { loadNative } from '../kernel/addon';
import type { ConnectRequest, ListenAddress, TcpHandle } from './node/handle';

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

const SETTINGS = Symbol('mptcp.settings');
const OFFER = Symbol('mptcp.offer');
type Server = Knowing<net.Server, typeof SETTINGS, Settings>;
type Handle = Knowing<TcpHandle, typeof OFFER, Offer>;

let scope: Settings | undefined;
const defaults: { connect?: Settings; listen?: Settings } = {};

/** For everything that connects or listens in this environment and was not told otherwise. */
export function setDefaults(connect: Settings, listen: Settings): void {
  Object.assign(defaults, { connect, listen });
}

/** Sockets that `create` connects and servers that it binds, before it returns, have `settings`. */
export function withSettings<Args extends unknown[], T>(
  settings: Settings | undefined,
  create: (...args: Args) => T,
  ...args: Args
): T {
  const outer = scope;
  scope = settings;
  try {
    return create(...args);
  } finally {
    scope = outer;
  }
}

/** From now on, until it is called again without, as {@link withSettings}. */
export function enterSettings(settings?: Settings): void {
  scope = settings;
}

export function setSocketSettings(socket: net.Socket, settings: Settings): void {
  const client = clientOf(socket);
  if (client) client.settings = settings;
  else setClient(socket, new Client(settings));
}

export function setServerSettings(server: Server, settings: Settings): void {
  server[SETTINGS] = settings;
}

export function settingsOfSocket(socket: net.Socket): Settings | undefined {
  return clientOf(socket)?.settings ?? scope ?? defaults.connect;
}

export function settingsOfServer(server: Server): Settings | undefined {
  return server[SETTINGS] ?? scope ?? defaults.listen;
}

/** Of a handle that is bound for no server: a cluster's primary binds for workers. */
export function settingsOfListener(): Settings | undefined {
  return scope ?? defaults.listen;
}

export function excludesListener(
  { excludes }: Settings,
  { address, port }: ListenAddress,
): boolean {
  return excludes?.(address ?? '::', port) ?? false;
}

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
