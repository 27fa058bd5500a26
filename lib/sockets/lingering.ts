/**
 * Keeps closed MPTCP sockets until their peers are done. After close() the kernel still receives the
 * peer's data for net.mptcp.close_timeout (60 s), where TCP answers data with a reset: a peer in
 * mid-transfer would not notice that this side is gone. So a destroyed socket sends DATA_FIN, with which
 * the peer's 'end' stays a clean one, and the addon keeps a duplicate until the peer has sent its own.
 * Data that still arrives resets it. The process has one thread and one bound for this, whichever of its
 * threads close sockets: see native/binding/lingering_sockets.h.
 */
import { loadNative } from '../kernel/addon';

/** Keeps a connection until its peer is done; to be called before its descriptor is closed. */
export function keepUntilPeerIsDone(fd: number): void {
  try {
    loadNative()?.keepAfterClose(fd);
  } catch {
    // No descriptor or thread to spare, or the connection is gone: the plain close() that follows is right.
  }
}

/** Gives up the oldest of them where they would keep the next connection from being accepted. */
export function makeRoom(): void {
  loadNative()?.makeRoom();
}
