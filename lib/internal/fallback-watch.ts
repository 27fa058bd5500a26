/**
 * A connection can fall back to TCP while it lives (RFC 8684 section 3.7: infinite mapping), and
 * no event tells: the connections that have a reason to know are looked at.
 */
import { loadNative } from './native';
import { lookAt, type Looked, stopLooking } from './sweep';
import { Slot } from './slot';
import type { TcpHandle } from './tcp-handle';

const INTERVAL = 250; // ms

const watched = new Slot<TcpHandle, Looked | undefined>('fallbackWatch');

export function watchFallback(handle: TcpHandle, onFallback: () => void): void {
  unwatchFallback(handle);
  const looked = {
    look: () => {
      if (handle.fd < 0 || loadNative()?.isMptcp(handle.fd) !== false) return INTERVAL;
      unwatchFallback(handle);
      onFallback();
      return undefined;
    },
  };
  watched.set(handle, looked);
  lookAt(looked, INTERVAL);
}

export function unwatchFallback(handle: TcpHandle): void {
  const looked = watched.get(handle);
  if (!looked) return;
  stopLooking(looked);
  watched.set(handle, undefined);
}
