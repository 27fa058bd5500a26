import type net from 'node:net';
import type { Handle } from './before-close';
import { kBeforeClose } from './before-close';
import { unwatch } from './connected';
import { keepUntilPeerIsDone } from './lingering';
import { offerOf } from './offer';

/** Does what has to be done before a handle closes; `socket` is given where it closes its own. */
export function prepareClose(handle: Handle, socket: net.Socket | undefined): void {
  const offer = offerOf(handle);
  if (offer) unwatch(offer);
  handle[kBeforeClose]?.forEach((callback) => callback());
  if (!socket || socket.readableEnded) return; // the peer has sent everything
  if (offer?.seen?.lostAt !== undefined) return; // nothing more can come from it
  if (offer?.connected && handle.fd >= 0) keepUntilPeerIsDone(handle.fd);
}
