/**
 * Holds connections to `require` that were made elsewhere: by an agent, a function or a server that
 * knows nothing of this package. They are checked before the first data flows.
 */
import type { ClientRequest } from 'node:http';
import net from 'node:net';
import { types } from 'node:util';
import type { MptcpError } from '../base/errors';
import { channels } from './channels';
import { requireMptcp } from './connected';

/**
 * Checks a socket once it is connected, before whatever waits for 'connect', and calls `fail` where it
 * does not speak MPTCP. Sockets without a TCP handle, such as Unix sockets, pass.
 */
export function requireOf(socket: unknown, fail: (error: MptcpError) => void): void {
  if (!(socket instanceof net.Socket)) return;
  const check = (): void => {
    const error = requireMptcp(socket);
    if (error) fail(error);
  };
  if (socket.pending) socket.prependOnceListener('connect', check);
  else check();
}

/** Checks the socket that a request gets, whoever made it, before the request is written to it. */
export function requireOfRequest(request: ClientRequest): void {
  request.prependOnceListener('socket', (socket) =>
    requireOf(socket, (error) => request.destroy(error)),
  );
}

/** The events in which TLS and HTTP servers pass on what they have read from the handle themselves. */
const PASSED_ON = [
  ...['secureConnection', 'request', 'checkContinue', 'checkExpectation', 'upgrade', 'connect'],
];

/** Returns the socket that a server's event is about; undefined where that need not be checked. */
function socketOfEvent(
  server: net.Server,
  name: unknown,
  subject: unknown,
): net.Socket | undefined {
  if (name === 'connection') {
    const isOwn = (subject as { server?: unknown } | undefined)?.server === server;
    return subject instanceof net.Socket && !isOwn ? subject : undefined;
  }
  if (!PASSED_ON.includes(name as string)) return undefined;
  const { socket = subject } = subject as { socket?: unknown };
  // HTTP/2 gives a proxy of a session's socket. Its TLS socket was checked by 'secureConnection'.
  return socket instanceof net.Socket && !types.isProxy(socket) ? socket : undefined;
}

/**
 * Makes a server that requires MPTCP check the connections that it did not accept itself, those of
 * `server.emit('connection', socket)`, and each connection again before what it has read from it is
 * passed on. One that speaks TCP is reset, and the event has no listener.
 */
export function requireOfEmitted(server: net.Server, isRequired: () => boolean): void {
  const emit = server.emit.bind(server) as (...args: unknown[]) => boolean;
  server.emit = (...args: unknown[]) => {
    const [name, subject] = args;
    const socket = socketOfEvent(server, name, subject);
    if (!socket || !isRequired()) return emit(...args);
    const { remoteAddress, remotePort } = socket;
    const error = requireMptcp(socket);
    if (!error) return emit(...args);
    channels.rejected.publish({ server, remoteAddress, remotePort, error });
    if ('encrypted' in socket)
      socket.destroy(); // Node cannot reset what is below TLS
    else socket.resetAndDestroy();
    return true;
  };
}
