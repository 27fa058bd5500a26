/** A connection has been made: what it speaks, and what follows from that. */
import type net from 'node:net';
import { DelayQueue } from '../base/delay-queue';
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
import { cannotTell } from './availability';
import { channels } from './channels';
import { watchFallback } from './fallback-watch';
import { socketOf } from './node/handle';
import { type TcpHandle } from './node/types';
import { type Offer, offerOf } from './offer';
import { hintPathsOf } from './path-hinter';

export type SpokenProtocol = 'mptcp' | 'fallback' | 'unknown';

function spoken(handle: TcpHandle): SpokenProtocol {
  const native = loadNative();
  if (!native) return 'fallback';
  const speaks = native.isMptcp(handle.fd);
  if (speaks === undefined) return 'unknown';
  return speaks ? 'mptcp' : 'fallback';
}

function fallbackError(when: string): MptcpError {
  return new MptcpError(
    'ERR_MPTCP_FALLBACK',
    `This connection requires MPTCP, and ${when}: the peer does not speak it, or the path takes its options away`,
  );
}

function whyNot(protocol: SpokenProtocol): MptcpError | undefined {
  if (protocol === 'mptcp') return undefined;
  return protocol === 'unknown' ? cannotTell() : fallbackError('speaks TCP');
}

/** What follows for a connection that may go on, over MPTCP or TCP. */
function goOn(handle: TcpHandle, offer: Offer): void {
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
  offer.hints.forEach((result) => tell(handle, result));
  if (offer.auto) offer.hints = [...forestalled(), ...offer.hints];
  if (offer.auto || offer.side === 'server') unsettled.add(offer);
  if (mode === 'require') follow(handle, offer);
  if (intent ?? paths) void hintAtCreation(handle, offer);
}

async function hintAtCreation(handle: TcpHandle, { settings }: Offer): Promise<void> {
  try {
    await Promise.resolve(); // a connection that a server takes has its socket after this turn
    (await hintPathsOf(handle, settings)).forEach((result) => tell(handle, result));
  } catch {
    // the connection has closed meanwhile
  }
}

/**
 * Some things are seen to a while after a connection was made: most have ended by then, and a
 * neighbour's first round trip may be a long one, because an address was looked up or the machine was
 * busy.
 */
const unsettled = new DelayQueue<Offer>(50, settle); // ms

/** The connection ends. */
export function leaveUnsettled(offer: Offer): void {
  unsettled.withdraw(offer);
}

function settle(offer: Offer): void {
  if (offer.side === 'server') sendHeldBack(offer.handle);
  if (offer.auto === 'forestalled') settleAuto(offer);
}

function settleAuto(offer: Offer): void {
  const { handle } = offer;
  const chosen = settleCollapse(handle.fd);
  offer.auto = chosen.some(({ applied }) => applied) && 'settled';
  offer.hints = [...chosen, ...offer.hints.filter(({ by }) => by !== 'TCP_CONGESTION')];
  chosen.forEach((result) => tell(handle, result, true));
  if (offer.auto) follow(handle, offer);
}

function follow(handle: TcpHandle, offer: Offer): void {
  watchFallback(handle, () => fellBack(handle, offer));
}

function choose(fd: number, congestionControl: string): ReturnType<typeof applyAuto> {
  if (congestionControl === 'auto') return applyAuto(fd);
  const chosen =
    congestionControl === 'system'
      ? restoreSystem(fd)
      : applyCongestionControl(fd, congestionControl);
  return { results: chosen, replaced: false };
}

/** Hints for a connection that lives already. */
export function hint(handle: TcpHandle, hints: SchedulingHints): HintResult[] {
  const offer = offerOf(handle);
  const results = applyOptions(handle.fd, optionHints(hints));
  const { congestionControl } = hints;
  if (congestionControl !== undefined) {
    const { results: chosen, replaced } = choose(handle.fd, congestionControl);
    results.push(...chosen);
    if (offer) {
      offer.auto = replaced && 'settled';
      if (replaced) follow(handle, offer);
    }
  }
  if (offer) offer.hints = mergeResults(offer.hints, results);
  return results;
}

const warned = new Set<string>();

function tell(handle: TcpHandle, result: HintResult, auto = false): void {
  const { congestionControl } = channels;
  if (auto && congestionControl.hasSubscribers) {
    queueMicrotask(() => congestionControl.publish({ socket: socketOf(handle), ...result }));
  }
  const key = `${result.by} ${String(result.wanted)}`;
  if (result.applied || !result.reason || warned.has(key)) return;
  warned.add(key);
  process.emitWarning(result.reason.message, { type: 'MptcpWarning', code: 'MPTCP_HINT' });
}

function fellBack(handle: TcpHandle, offer: Offer): void {
  const socket = socketOf(handle);
  if (offer.auto) {
    offer.auto = false;
    const undone = undoAuto(handle.fd);
    offer.hints = mergeResults(offer.hints, undone);
    undone.forEach((result) => tell(handle, result, true));
  }
  const error = fallbackError('fell back to TCP while it lived');
  channels.fallback.publish({ socket, error });
  if (offer.settings.mode === 'require') socket?.destroy(error);
}

/** A client's connection, before 'connect'. One that requires MPTCP and has none is destroyed. */
export function connected(socket: net.Socket, handle: TcpHandle, offer: Offer): void {
  const required = offer.settings.mode === 'require';
  const told = channels.connect.hasSubscribers || channels.fallback.hasSubscribers;
  if (!required && !told) {
    // Nobody wants to know, and asking the kernel is not free.
    goOn(handle, offer);
    return;
  }
  const protocol = spoken(handle);
  const error = whyNot(protocol);
  if (required && error) socket.destroy(error);
  else goOn(handle, offer);
  if (protocol === 'fallback') channels.fallback.publish({ socket, error });
  channels.connect.publish({ socket, status: protocol });
}

/** A server's new connection, before 'connection'. False: it was reset. */
export function acceptClient(server: net.Server, handle: TcpHandle, offer: Offer): boolean {
  const error = offer.settings.mode === 'require' ? whyNot(spoken(handle)) : undefined;
  if (!error) {
    goOn(handle, offer);
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

/** Tells of a server's connection, once it has a socket. */
export function publishAccepted(handle: TcpHandle, socket: net.Socket): void {
  if (!channels.accept.hasSubscribers || handle.fd < 0) return;
  channels.accept.publish({ socket, status: spoken(handle) });
}

/** Taking a cork away, also where there is none, sends what waits (kernel: net/mptcp/sockopt.c). */
export function sendHeldBack({ fd }: TcpHandle): void {
  try {
    loadNative()?.setOption(fd, 'TCP_CORK', 0);
  } catch {
    // not of MPTCP sockets before Linux 5.17
  }
}
