/** What has to be done before a socket's descriptor is closed. */
import type net from 'node:net';
import { leaveUnsettled } from './connected';
import { unwatchFallback } from './fallback-watch';
import { keepUntilPeerIsDone } from './lingering';
import type { Knowing } from '../base/tagged';
import { offerOf } from './offer';
import type { TcpHandle } from './node/handle';

const BEFORE_CLOSE = Symbol('mptcp.beforeClose');
type Handle = Knowing<TcpHandle, typeof BEFORE_CLOSE, (() => void)[]>;

/** Calls `last` while the descriptor can still be read. */
export function onBeforeClose(handle: Handle, last: () => void): void {
  handle[BEFORE_CLOSE] = [...(handle[BEFORE_CLOSE] ?? []), last];
}

export function closing(handle: Handle, socket: net.Socket | undefined): void {
  const offer = offerOf(handle);
  if (offer) leaveUnsettled(offer);
  unwatchFallback(handle);
  handle[BEFORE_CLOSE]?.forEach((last) => last());
  if (!socket || socket.readableEnded) return; // the peer is done already
  if (offer?.connected && handle.fd >= 0) keepUntilPeerIsDone(handle.fd);
}
