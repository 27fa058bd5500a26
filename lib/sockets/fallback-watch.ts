/**
 * A connection can fall back to TCP while it lives (RFC 8684 section 3.7: infinite mapping), and
 * no event reports it: the connections that have a reason to know are polled.
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
  const polled = {
    poll: () => {
      if (handle.fd < 0 || loadNative()?.isMptcp(handle.fd) !== false) return INTERVAL;
      unwatchFallback(handle);
      onFallback();
      return undefined;
    },
  };
  handle[WATCHED] = polled;
  poll(polled, INTERVAL);
}

export function unwatchFallback(handle: Handle): void {
  const polled = handle[WATCHED];
  if (!polled) return;
  stopPolling(polled);
  handle[WATCHED] = undefined;
}
