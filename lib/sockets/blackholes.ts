/**
 * Remembers the addresses that lately only TCP has reached: SYNs with MPTCP options were lost on the way
 * to them. All of that is forgotten when the network has changed, because the paths are others then.
 */
import { lazily } from '../base/lazy';

const LIFETIME = 600_000; // ms
const MOST = 1000;

/** The addresses, and until when (ms) they are left to TCP. */
const blackholes = new Map<string, number>();

const networkState = lazily(
  () =>
    (require('../interfaces/network-state') as typeof import('../interfaces/network-state'))
      .networkState,
);
/** The state of the network in which the addresses were reached. */
let state = '';

function forgetIfNetworkChanged(): void {
  const now = networkState();
  if (now === state) return;
  state = now;
  blackholes.clear();
}

/** Whether an address is left to TCP because SYNs with MPTCP options were lost on the way to it. */
export function isBlackhole(address: string): boolean {
  if (!blackholes.has(address)) return false;
  forgetIfNetworkChanged();
  const until = blackholes.get(address);
  if (until === undefined) return false;
  if (until > Date.now()) return true;
  blackholes.delete(address);
  return false;
}

/** Remembers that TCP has reached an address and MPTCP, in its full time, has not. */
export function rememberBlackhole(address: string): void {
  forgetIfNetworkChanged();
  const [oldest] = blackholes.keys();
  if (blackholes.size >= MOST && oldest !== undefined) blackholes.delete(oldest);
  blackholes.set(address, Date.now() + LIFETIME);
}
