/**
 * After close() an MPTCP socket goes on taking the peer's data for net.mptcp.close_timeout (60 s),
 * where TCP answers data with a reset: a peer in mid-transfer would not notice that this side is
 * gone. So a destroyed socket says goodbye (DATA_FIN: the peer's 'end' stays a clean one) and a
 * duplicate is kept, unreferenced, until the peer is done. Data that still comes resets it.
 */
import net from 'node:net';
import { loadNative } from '../kernel/addon';

const LONGEST = 60_000; // ms, the kernel's own
/** Beyond this the oldest is left to the kernel: descriptors are the app's. */
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
    .on('error', () => undefined) // a reset by the peer is as good an end as any
    .on('data', () => socket.resetAndDestroy())
    .on('end', () => socket.destroy())
    .on('close', () => kept.delete(socket));
}

/** Call before the descriptor of an MPTCP connection is closed. */
export function keepUntilPeerIsDone(fd: number): void {
  try {
    const duplicate = loadNative()?.keepAfterClose(fd) ?? -1;
    if (duplicate >= 0) keep(duplicate);
  } catch {
    // No descriptor to spare, or the connection is gone: the plain close() that follows is right.
  }
}
