/** Handles new connections: reports what they speak, and applies what their settings say. */
import type net from 'node:net';
import { MptcpError } from '../base/errors';
import { applyOptions, isOfPaths, mergeResults } from '../hints/apply';
import {
  applyAuto,
  applyCongestionControl,
  forestalled,
  restoreSystem,
  settleCollapse,
  undoAuto,
} from '../hints/congestion-control';
import type { HintResult, SchedulingHints } from '../hints/hints';
import { optionHints } from '../hints/socket-options';
import { loadNative } from '../kernel/addon';
import { isMptcpSocket, statusUnknown, whyUnavailable } from './availability';
import { isBlackhole } from './blackholes';
import { channels } from './channels';
import { handleOf, notePeer, socketOf } from './node/handle';
import { type TcpHandle } from './node/types';
import { noteOffer, type Offer, offerOf } from './offer';
import { checkMptcpOptions } from './options';
import { hintPathsOf } from './path-hinter';
import { guardReads } from './read-guard';
import { SocketWatch } from './socket-watch';

type Protocol = 'mptcp' | 'fallback' | 'unknown';

/** Asks the kernel what a connection speaks. */
function protocolOf(handle: TcpHandle): Protocol {
  const native = loadNative();
  if (!native) return 'fallback';
  const speaks = native.isMptcp(handle.fd);
  if (speaks === undefined) return 'unknown';
  return speaks ? 'mptcp' : 'fallback';
}

/** Says why a connection speaks TCP, as far as this side can know it. */
function causeOf(handle: TcpHandle, offer: Offer | undefined): string {
  if (offer?.side === 'server' || offer?.retried || isMptcpSocket(handle)) return PEER_OR_PATH;
  const unavailable = whyUnavailable();
  if (unavailable) return `this machine cannot speak MPTCP. ${unavailable.message}`;
  const { address = '' } = peerOf(handle);
  if (isBlackhole(address))
    return `only TCP has reached ${address} lately, because the path drops SYNs with MPTCP options`;
  return 'its socket was made as a TCP socket. Connect it by this package, or turn MPTCP on by enable() before';
}

const PEER_OR_PATH = 'the peer does not speak MPTCP, or the path removes its options';

function fallbackError(what: string, handle: TcpHandle, offer?: Offer): MptcpError {
  const { mode } = offer?.settings ?? {};
  const required = mode === 'require' ? ", which its mode 'require' forbids" : '';
  return new MptcpError(
    'ERR_MPTCP_FALLBACK',
    `This connection ${what}${required}: ${causeOf(handle, offer)}`,
  );
}

/** Returns why a connection is not MPTCP; undefined where it is. */
function whyNot(protocol: Protocol, handle: TcpHandle, offer?: Offer): MptcpError | undefined {
  if (protocol === 'mptcp') return undefined;
  return protocol === 'unknown' ? statusUnknown() : fallbackError('speaks TCP', handle, offer);
}

/** Applies the settings of a connection that may proceed, over MPTCP or TCP. */
function proceed(handle: TcpHandle, offer: Offer): void {
  offer.connected = true;
  const { mode, congestionControl, optionHints, intent, paths } = offer.settings;
  if (optionHints.length > 0) {
    const early = offer.hints;
    offer.hints = [...applyOptions(handle.fd, optionHints, early), ...early.filter(isOfPaths)];
  }
  if (congestionControl !== 'auto') {
    const chosen = applyCongestionControl(handle.fd, congestionControl);
    offer.hints = [...chosen, ...offer.hints];
  }
  offer.hints.forEach((result) => report(handle, result));
  if (offer.auto) offer.hints = [...forestalled(), ...offer.hints];
  if (mode === 'require') awaitFallback(handle, offer);
  watch.begin(offer, mode === 'require');
  const socket = socketOf(handle); // an accepted connection has none yet: see publishAccepted()
  if (mode === 'require' && socket) guard(socket, handle, offer);
  if (intent ?? paths) void hintAtCreation(handle, offer);
}

async function hintAtCreation(handle: TcpHandle, { settings }: Offer): Promise<void> {
  try {
    await Promise.resolve(); // Node gives an accepted connection its socket in this turn
    (await hintPathsOf(handle, settings)).forEach((result) => report(handle, result));
  } catch {
    // The connection has closed meanwhile.
  }
}

const watch = new SocketWatch(settle);

/** Ends the watch of a connection that ends. */
export function unwatch(offer: Offer): void {
  watch.end(offer);
}

function settle(offer: Offer): void {
  if (offer.side === 'server') sendHeldBack(offer.handle);
  if (offer.auto === 'forestalled') settleAuto(offer);
}

/** Decides whether the congestion control that `auto` has replaced stays replaced. */
function settleAuto(offer: Offer): void {
  const { handle } = offer;
  const chosen = settleCollapse(handle.fd);
  offer.auto = chosen.some(({ applied }) => applied) && 'settled';
  offer.hints = [...chosen, ...offer.hints.filter(({ by }) => by !== 'TCP_CONGESTION')];
  chosen.forEach((result) => report(handle, result, true));
  if (offer.auto) awaitFallback(handle, offer);
}

/** Awaits the fallback of a connection that has a reason to know of it. */
function awaitFallback(handle: TcpHandle, offer: Offer): void {
  watch.awaitFallback(offer, () => fellBack(handle, offer));
}

/** Keeps what a connection receives after its fallback from an app that requires MPTCP. */
function guard(socket: net.Socket, handle: TcpHandle, offer: Offer): void {
  guardReads(
    socket,
    () => handle.fd >= 0 && loadNative()?.isMptcp(handle.fd) === false,
    () => {
      offer.onFallback = undefined;
      fellBack(handle, offer);
      if (!socket.destroyed) socket.destroy(); // a TLS socket over that of the handle
    },
  );
}

/** Sets the congestion control of a live connection: 'auto', 'system', or a name. */
function setCongestionControl(fd: number, congestionControl: string): ReturnType<typeof applyAuto> {
  if (congestionControl === 'auto') return applyAuto(fd);
  const chosen =
    congestionControl === 'system'
      ? restoreSystem(fd)
      : applyCongestionControl(fd, congestionControl);
  return { results: chosen, replaced: false };
}

/** Applies hints to a live connection, and returns their results: see Connection.hint(). */
export function hint(handle: TcpHandle, hints: SchedulingHints): HintResult[] {
  const offer = offerOf(handle);
  const results = applyOptions(handle.fd, optionHints(hints));
  const { congestionControl } = hints;
  if (congestionControl !== undefined) {
    const { results: chosen, replaced } = setCongestionControl(handle.fd, congestionControl);
    results.push(...chosen);
    if (offer) {
      offer.auto = replaced && 'settled';
      if (replaced) awaitFallback(handle, offer);
    }
  }
  if (offer) offer.hints = mergeResults(offer.hints, results);
  return results;
}

const warned = new Set<string>();

function report(handle: TcpHandle, result: HintResult, auto = false): void {
  const { congestionControl } = channels;
  if (auto && congestionControl.hasSubscribers) {
    queueMicrotask(() => congestionControl.publish({ socket: socketOf(handle), ...result }));
  }
  const key = `${result.by} ${String(result.requested)}`;
  if (result.applied || !result.reason || warned.has(key)) return;
  if (result.reason.code === 'ERR_MPTCP_FALLBACK') return; // a peer without MPTCP is normal
  warned.add(key);
  process.emitWarning(result.reason.message, { type: 'MptcpWarning', code: 'MPTCP_HINT' });
}

function fellBack(handle: TcpHandle, offer: Offer): void {
  const socket = socketOf(handle);
  if (offer.auto) {
    offer.auto = false;
    const undone = undoAuto(handle.fd);
    offer.hints = mergeResults(offer.hints, undone);
    undone.forEach((result) => report(handle, result, true));
  }
  const error = fallbackError('fell back to TCP while it lived', handle, offer);
  channels.fallback.publish({ socket, error });
  if (offer.settings.mode === 'require') socket?.destroy(error);
}

/**
 * Handles a client's connection before 'connect': one that requires MPTCP and has none is
 * destroyed.
 */
export function connected(socket: net.Socket, handle: TcpHandle, offer: Offer): void {
  const required = offer.settings.mode === 'require';
  const observed = channels.connect.hasSubscribers || channels.fallback.hasSubscribers;
  if (!required && !observed) {
    // The protocol is not asked for where nothing depends on it: that is a system call.
    proceed(handle, offer);
    return;
  }
  const protocol = protocolOf(handle);
  const error = whyNot(protocol, handle, offer);
  if (required && error) socket.destroy(error);
  else proceed(handle, offer);
  if (!socket.destroyed) notePeer(socket, handle);
  if (protocol === 'fallback') channels.fallback.publish({ socket, error });
  channels.connect.publish({ socket, status: protocol });
}

/**
 * Makes a connection require MPTCP from now on, and returns the error of one that does not speak it.
 * Only TCP handles can be asked: what has none, such as a Unix socket, is not concerned.
 */
export function requireMptcp(socket: net.Socket): MptcpError | undefined {
  const handle = handleOf(socket);
  if (!handle || handle.fd < 0) return undefined;
  const error = whyNot(protocolOf(handle), handle, offerOf(handle));
  if (error) return error;
  const offer = offerOf(handle) ?? noteOffer(handle, 'client', checkMptcpOptions());
  if (offer.settings.mode !== 'require') {
    offer.settings = { ...offer.settings, mode: 'require' };
    awaitFallback(handle, offer);
    if (!offer.connected) watch.begin(offer, true); // its socket was made elsewhere
  }
  guard(socket, handle, offer);
  return undefined;
}

/** Handles a server's new connection before 'connection'; false where it was reset. */
export function acceptClient(server: net.Server, handle: TcpHandle, offer: Offer): boolean {
  const error =
    offer.settings.mode === 'require' ? whyNot(protocolOf(handle), handle, offer) : undefined;
  if (!error) {
    proceed(handle, offer);
    return true;
  }
  const { address, port } = peerOf(handle);
  channels.rejected.publish({ server, remoteAddress: address, remotePort: port, error });
  handle.reset();
  return false;
}

function peerOf(handle: TcpHandle): { address?: string; port?: number } {
  const peer = {};
  handle.getpeername(peer);
  return peer;
}

/** Publishes a server's connection on the channel mptcp:accept, once it has a socket. */
export function publishAccepted(handle: TcpHandle, socket: net.Socket): void {
  const offer = offerOf(handle);
  if (offer?.settings.mode === 'require') guard(socket, handle, offer);
  if (!channels.accept.hasSubscribers || handle.fd < 0) return;
  channels.accept.publish({ socket, status: protocolOf(handle) });
}

/**
 * Sends what the kernel holds back. A server may write so soon that its new connection's subflow cannot
 * send yet. The kernel (6.18) then keeps what was written until more is written, and has no timer for
 * it: a protocol in which the server speaks first would wait for ever, once in 50,000 to 150,000
 * connections over loopback. Clearing TCP_CORK, also where it is not set, sends what waits
 * (net/mptcp/sockopt.c).
 */
function sendHeldBack({ fd }: TcpHandle): void {
  try {
    loadNative()?.setOption(fd, 'TCP_CORK', 0);
  } catch {
    // MPTCP sockets have no TCP_CORK before Linux 5.17.
  }
}
