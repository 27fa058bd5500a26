/**
 * Keeps from the app what a connection receives after it fell back to TCP, where it requires MPTCP. The
 * kernel has no event of a fallback, and what causes it is mostly the first data, which a poll could
 * report only after the app has received them. So the kernel is asked before each chunk of data.
 */
import type net from 'node:net';

/** The sockets that are guarded. */
const guarded = new WeakSet<net.Socket>();

/**
 * Calls `onFallback`, in place of passing data on, once `hasFallenBack`. It sees what Node reads into
 * the socket; a parser or a TLS socket that reads from the handle by itself passes it by.
 */
export function guardReads(
  socket: net.Socket,
  hasFallenBack: () => boolean,
  onFallback: () => void,
): void {
  if (guarded.has(socket)) return;
  guarded.add(socket);
  const push = socket.push.bind(socket);
  Object.defineProperty(socket, 'push', {
    value: (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null || !hasFallenBack()) return push(chunk, encoding);
      onFallback();
      return false;
    },
    configurable: true,
    writable: true,
  });
}
