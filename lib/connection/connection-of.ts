import type http from 'node:http';
import type http2 from 'node:http2';
import net from 'node:net';

import { invalidArgType } from '../base/arguments';
import { Connection } from './connection';

export type SocketLike =
  | net.Socket
  | http.IncomingMessage
  | http.ServerResponse
  | http2.Http2Stream
  | { readonly socket: net.Socket | null | undefined };

/** Of sockets, and of what was asked about and may lose its socket, as HTTP/2's messages do. */
const connections = new WeakMap<object, Connection>();

/** A socket itself, also where HTTP/2 hands out a proxy of it: its methods still give the socket. */
function bare(socket: unknown): net.Socket | undefined {
  return socket instanceof net.Socket ? socket.off('mptcp', () => undefined) : undefined;
}

/** The socket under an HTTP message, an HTTP/2 session or stream, or a socket itself. */
function socketUnder(socketLike: unknown): net.Socket | undefined {
  if (typeof socketLike !== 'object' || socketLike === null) return undefined;
  if (socketLike instanceof net.Socket) return bare(socketLike);
  const { socket, session, req } = socketLike as Record<'socket' | 'session' | 'req', unknown>;
  // A message that has ended gives up its socket, but not the one that it belongs to.
  return bare(socket) ?? socketUnder(session ?? req);
}

/** The one Connection of a socket. TypeError for what is no socket and has none. */
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
