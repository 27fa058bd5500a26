/** A connection has been made: what it speaks, and what follows from that. */
import type net from 'node:net';
import { MptcpError } from '../errors';
import type { HintResult, SchedulingHints } from '../hints';
import { channels } from './channels';
import { DelayQueue } from './delay-queue';
import { watchFallback } from './fallback-watch';
import {
  applyCongestionControl,
  applyOptions,
  avoidCollapse,
  isOfPaths,
  mergeResults,
  restoreSystem,
  undoAuto,
} from './hinting';
import { hintIntent } from './intent-policies';
import { cannotTell } from './machine';
import { loadNative } from './native';
import { type Offer, offerOf } from './offers';
import { optionHints } from './option-hints';
import { socketOf, type TcpHandle } from './tcp-handle';

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
  if (congestionControl === 'auto' && !decide(offer)) distant.add(offer);
  if (mode === 'require') follow(handle, offer);
  if (intent ?? paths) void hintAtCreation(handle, offer);
}

async function hintAtCreation(handle: TcpHandle, { settings }: Offer): Promise<void> {
  try {
    await Promise.resolve(); // a connection that a server takes has its socket after this turn
    (await hintIntent(handle, settings)).forEach((result) => tell(handle, result));
  } catch {
    // the connection has closed meanwhile
  }
}

/**
 * The first round trip of a neighbour may be a long one: an address was looked up, or the machine
 * was busy. So it is judged once more.
 */
const distant = new DelayQueue<Offer>(50, decide); // ms

/** What `auto` would choose for a connection is not chosen any more. */
export function leaveUndecided(offer: Offer): void {
  distant.withdraw(offer);
}

/** The rule of `auto`; at once, because what has collapsed stays so. False: not yet known. */
function decide(offer: Offer): boolean {
  const { handle } = offer;
  const chosen = avoidCollapse(handle.fd);
  if (!chosen) return false;
  if (chosen.length === 0) return true;
  chosen.forEach((result) => tell(handle, result, true));
  offer.hints = [...chosen, ...offer.hints];
  offer.auto = true;
  follow(handle, offer);
  return true;
}

function follow(handle: TcpHandle, offer: Offer): void {
  watchFallback(handle, () => fellBack(handle, offer));
}

/** Hints for a connection that lives already. */
export function hint(handle: TcpHandle, hints: SchedulingHints): HintResult[] {
  const offer = offerOf(handle);
  const results = applyOptions(handle.fd, optionHints(hints));
  const { congestionControl } = hints;
  if (congestionControl !== undefined) {
    if (offer) leaveUndecided(offer);
    const auto = congestionControl === 'auto';
    const system = auto || congestionControl === 'system' ? restoreSystem(handle.fd) : [];
    const chosen = auto
      ? (avoidCollapse(handle.fd) ?? [])
      : applyCongestionControl(handle.fd, congestionControl);
    results.push(...(chosen.length > 0 ? chosen : system));
    if (offer) offer.auto = auto && chosen.length > 0;
    if (offer?.auto) follow(handle, offer);
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
