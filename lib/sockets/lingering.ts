/**
 * Keeps closed MPTCP sockets until their peers are done. After close() the kernel still receives the
 * peer's data for net.mptcp.close_timeout (60 s), where TCP answers data with a reset: a peer in
 * mid-transfer would not notice that this side is gone. So a destroyed socket sends DATA_FIN, with which
 * the peer's 'end' stays a clean one, and an unreferenced duplicate is kept until the peer has sent its
 * own. Data that still arrives resets it.
 */
import net from 'node:net';
import { loadNative } from '../kernel/addon';

const LONGEST = 60_000; // ms: the default of net.mptcp.close_timeout
/** Beyond this many the oldest is left to the kernel, because the app needs descriptors too. */
const MOST = 256;

const kept = new Set<net.Socket>();

function keep(fd: number): void {
  const socket = new net.Socket({ fd, readable: true, writable: false });
  const [oldest] = kept;
  if (kept.size >= MOST) oldest?.destroy();
  kept.add(socket);
  socket
    .unref()
    .setTimeout(LONGEST, () => socket.destroy())
    .on('error', () => undefined) // a reset by the peer ends it too
    .on('data', () => socket.resetAndDestroy())
    .on('end', () => socket.destroy())
    .on('close', () => kept.delete(socket));
}

/** Keeps a connection until its peer is done; to be called before its descriptor is closed. */
export function keepUntilPeerIsDone(fd: number): void {
  try {
    const duplicate = loadNative()?.keepAfterClose(fd) ?? -1;
    if (duplicate >= 0) keep(duplicate);
  } catch {
    // No descriptor to spare, or the connection is gone: the plain close() that follows is right.
  }
}
