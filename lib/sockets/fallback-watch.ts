/**
 * A connection can fall back to TCP while it lives (RFC 8684 section 3.7: infinite mapping), and
 * no event tells: the connections that have a reason to know are looked at.
 */
import { poll, type Polled, stopPolling } from '../base/poller';
import type { Tagged } from '../base/tagged';
import { loadNative } from '../kernel/addon';
import type { TcpHandle } from './node/types';

const INTERVAL = 250; // ms

const WATCHED = Symbol.for('mptcp.fallbackWatch.1');
type Handle = Tagged<TcpHandle, typeof WATCHED, Polled>;

export function watchFallback(handle: Handle, onFallback: () => void): void {
  unwatchFallback(handle);
  const looked = {
    look: () => {
      if (handle.fd < 0 || loadNative()?.isMptcp(handle.fd) !== false) return INTERVAL;
      unwatchFallback(handle);
      onFallback();
      return undefined;
    },
  };
  handle[WATCHED] = looked;
  poll(looked, INTERVAL);
}

export function unwatchFallback(handle: Handle): void {
  const looked = handle[WATCHED];
  if (!looked) return;
  stopPolling(looked);
  handle[WATCHED] = undefined;
}
