/** What has to be done before a socket's descriptor is closed. */
import type net from 'node:net';
import { leaveUnsettled } from './deciding';
import { unwatchFallback } from './fallback-watch';
import { keepUntilPeerIsDone } from './kept-sockets';
import { offerOf } from './offers';
import { Slot } from './slot';
import type { TcpHandle } from './tcp-handle';

const beforeClose = new Slot<TcpHandle, (() => void)[]>('beforeClose');

/** Calls `last` while the descriptor can still be read. */
export function onBeforeClose(handle: TcpHandle, last: () => void): void {
  beforeClose.set(handle, [...(beforeClose.get(handle) ?? []), last]);
}

export function closing(handle: TcpHandle, socket: net.Socket | undefined): void {
  const offer = offerOf(handle);
  if (offer) leaveUnsettled(offer);
  unwatchFallback(handle);
  beforeClose.get(handle)?.forEach((last) => last());
  if (!socket || socket.readableEnded) return; // the peer is done already
  if (offer?.connected && handle.fd >= 0) keepUntilPeerIsDone(handle.fd);
}
