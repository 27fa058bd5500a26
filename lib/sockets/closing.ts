/** What has to be done before a socket's descriptor is closed. */
import type net from 'node:net';
import type { Handle } from './before-close';
import { BEFORE_CLOSE } from './before-close';
import { leaveUnsettled } from './connected';
import { unwatchFallback } from './fallback-watch';
import { keepUntilPeerIsDone } from './lingering';
import { offerOf } from './offer';

export function closing(handle: Handle, socket: net.Socket | undefined): void {
  const offer = offerOf(handle);
  if (offer) leaveUnsettled(offer);
  unwatchFallback(handle);
  handle[BEFORE_CLOSE]?.forEach((last) => last());
  if (!socket || socket.readableEnded) return; // the peer is done already
  if (offer?.connected && handle.fd >= 0) keepUntilPeerIsDone(handle.fd);
}
