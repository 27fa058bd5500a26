/** node:http2 with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import http2 from 'node:http2';
import { promisify } from 'node:util';
import { openDoor } from './drop-in/door';
import {
  connecting,
  type CreateServer,
  requireOf,
  serverFactory,
  settingsFrom,
} from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';

export * from 'node:http2';
/** The module itself, for default imports that are compiled to CommonJS. */
export * as default from './http2';

type ConnectListener = Parameters<typeof http2.connect>[2];
type RequestListener = (
  request: http2.Http2ServerRequest,
  response: http2.Http2ServerResponse,
) => void;

/** Connects as Node does; the socket of `createConnection` must speak MPTCP where that is required. */
function connectOver(
  authority: string | URL,
  ...[options, listener]: [options?: object | ConnectListener, listener?: ConnectListener]
): http2.ClientHttp2Session {
  const given = options as http2.ClientSessionOptions | undefined;
  const create = given?.createConnection;
  if (!create || settingsFrom([given]).mode !== 'require')
    return http2.connect(authority, given, listener);
  const createConnection: typeof create = (...args) => {
    const socket = create(...args);
    requireOf(socket, (error) => socket.destroy(error));
    return socket;
  };
  return http2.connect(authority, { ...given, createConnection }, listener);
}

interface Connect {
  /** Connects to an authority with default options. */
  (authority: string | URL, listener?: ConnectListener): http2.ClientHttp2Session;
  /** Connects to an authority by Node's options and `mptcp`. */
  (
    authority: string | URL,
    options?: (http2.ClientSessionOptions | http2.SecureClientSessionOptions) & WithMptcpOptions,
    listener?: ConnectListener,
  ): http2.ClientHttp2Session;
}

/**
 * http2.connect() with the option `mptcp`; util.promisify() makes it return a promise of the
 * session.
 */
export const connect: Connect = connecting(connectOver);
Object.defineProperty(connect, promisify.custom, {
  value: (...args: [authority: string | URL, options?: Parameters<Connect>[1]]) =>
    new Promise<http2.ClientHttp2Session>((resolve, reject) => {
      const session = connect(args[0], args[1], () => {
        session.off('error', reject);
        resolve(session);
      }).once('error', reject);
    }),
});

/** http2.createServer() with the option `mptcp`: HTTP/2 without TLS. */
export const createServer: CreateServer<http2.Http2Server, http2.ServerOptions, RequestListener> =
  serverFactory(http2.createServer);

/** http2.createSecureServer() with the option `mptcp`: HTTP/2 over TLS. */
export const createSecureServer: CreateServer<
  http2.Http2SecureServer,
  http2.SecureServerOptions,
  RequestListener
> = serverFactory(http2.createSecureServer);

openDoor(module, http2, {
  connect,
  createServer,
  createSecureServer,
});
