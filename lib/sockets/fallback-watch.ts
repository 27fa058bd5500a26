/**
 * Polls connections for a fallback to TCP, which can happen while they live (RFC 8684 section 3.7:
 * infinite mapping) and of which the kernel emits no event.
 */
import { poll, type Polled, stopPolling } from '../base/poller';
import type { Tagged } from '../base/tagged';
import { loadNative } from '../kernel/addon';
import type { TcpHandle } from './node/types';

const INTERVAL = 250; // ms
/** The first interval of a connection that must not speak TCP; the next ones are twice as long. */
const SHORTEST = 5; // ms

const kFallbackWatch = Symbol.for('mptcp.fallbackWatch.1');
type Handle = Tagged<TcpHandle, typeof kFallbackWatch, Polled>;

/**
 * Calls `onFallback` once when the connection falls back to TCP; replaces an earlier watch. `soon`: it
 * is polled often at first, because most fallbacks happen with the first data.
 */
export function watchFallback(handle: Handle, onFallback: () => void, soon = false): void {
  unwatchFallback(handle);
  let interval = soon ? SHORTEST : INTERVAL;
  const polled = {
    poll: () => {
      interval = Math.min(2 * interval, INTERVAL);
      if (handle.fd < 0 || loadNative()?.isMptcp(handle.fd) !== false) return interval;
      unwatchFallback(handle);
      onFallback();
      return undefined;
    },
  };
  handle[kFallbackWatch] = polled;
  poll(polled, interval);
}

/** Ends the watch of a connection, if there is one. */
export function unwatchFallback(handle: Handle): void {
  const polled = handle[kFallbackWatch];
  if (!polled) return;
  stopPolling(polled);
  handle[kFallbackWatch] = undefined;
}
