/**
 * A connection can fall back to TCP while it lives (RFC 8684 section 3.7: infinite mapping), and
 * no event tells: the connections that have a reason to know are looked at.
 */
import type { Knowing } from '../base/tagged';
import { loadNative } from '../kernel/addon';
import { lookAt, type Looked, stopLooking } from '../base/poller';
import type { TcpHandle } from './node/handle';

const INTERVAL = 250; // ms

const WATCHED = Symbol('mptcp.fallbackWatch');
type Handle = Knowing<TcpHandle, typeof WATCHED, Looked>;

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
  lookAt(looked, INTERVAL);
}

export function unwatchFallback(handle: Handle): void {
  const looked = handle[WATCHED];
  if (!looked) return;
  stopLooking(looked);
  handle[WATCHED] = undefined;
}
