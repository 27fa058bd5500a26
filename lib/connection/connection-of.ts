/** The one Connection of each socket, found by the socket or by what stands on it. */
import type http from 'node:http';
import type http2 from 'node:http2';
import net from 'node:net';
import { invalidArgType } from '../base/arguments';
import { Connection } from './connection';

/**
 * What {@link connectionOf} accepts: a socket, TLS sockets included; an HTTP request or response; a
 * stream of HTTP/2; or any object with a `socket`, such as an HTTP/2 session.
 */
export type SocketLike =
  | net.Socket
  | http.IncomingMessage
  | http.ServerResponse
  | http2.Http2Stream
  | {
      /** The socket underneath; it may be missing before and after the object's life. */
      readonly socket: net.Socket | null | undefined;
    };

/** By socket, and by each object that was asked about: it may lose its socket, as a stream does. */
const connections = new WeakMap<object, Connection>();

/**
 * The socket itself; HTTP/2 hands out a proxy of it, but methods called there return the socket.
 */
function bare(socket: unknown): net.Socket | undefined {
  return socket instanceof net.Socket ? socket.off('mptcp', () => undefined) : undefined;
}

function socketUnder(socketLike: unknown): net.Socket | undefined {
  if (typeof socketLike !== 'object' || socketLike === null) return undefined;
  if (socketLike instanceof net.Socket) return bare(socketLike);
  const { socket, session, req } = socketLike as Record<'socket' | 'session' | 'req', unknown>;
  // A response that has ended has no socket, but its request or its session has.
  return bare(socket) ?? socketUnder(session ?? req);
}

/**
 * The Connection of a socket: always the same object. Throws TypeError (ERR_INVALID_ARG_TYPE) for
 * an object without a socket, unless its Connection is known from an earlier call.
 */
export function connectionOf(socketLike: SocketLike): Connection {
  const socket = socketUnder(socketLike);
  const connection = connections.get(socket ?? socketLike) ?? (socket && new Connection(socket));
  if (!connection) {
    throw invalidArgType(
      'socketLike',
      'a net.Socket, a TLSSocket, an HTTP message or an HTTP/2 session with its socket',
      socketLike,
    );
  }
  connections.set(socket ?? socketLike, connection).set(socketLike, connection);
  return connection;
}
