/** node:http2 with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import http2 from 'node:http2';
import { promisify } from 'node:util';
import { connecting, serverFactory } from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';

export * from 'node:http2';

type ConnectListener = Parameters<typeof http2.connect>[2];
type RequestListener = (
  request: http2.Http2ServerRequest,
  response: http2.Http2ServerResponse,
) => void;

interface Connect {
  (authority: string | URL, listener?: ConnectListener): http2.ClientHttp2Session;
  (
    authority: string | URL,
    options?: (http2.ClientSessionOptions | http2.SecureClientSessionOptions) & WithMptcpOptions,
    listener?: ConnectListener,
  ): http2.ClientHttp2Session;
}

interface CreateServer {
  (requestListener?: RequestListener): http2.Http2Server;
  (
    options: http2.ServerOptions & WithMptcpOptions,
    requestListener?: RequestListener,
  ): http2.Http2Server;
}

interface CreateSecureServer {
  (requestListener?: RequestListener): http2.Http2SecureServer;
  (
    options: http2.SecureServerOptions & WithMptcpOptions,
    requestListener?: RequestListener,
  ): http2.Http2SecureServer;
}

export const connect: Connect = connecting(http2.connect);
Object.defineProperty(connect, promisify.custom, {
  value: (...args: [authority: string | URL, options?: Parameters<Connect>[1]]) =>
    new Promise<http2.ClientHttp2Session>((resolve, reject) => {
      const session = connect(args[0], args[1], () => {
        session.off('error', reject);
        resolve(session);
      }).once('error', reject);
    }),
});

export const createServer: CreateServer = serverFactory(http2.createServer);
export const createSecureServer: CreateSecureServer = serverFactory(http2.createSecureServer);
