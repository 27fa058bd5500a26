/** node:tls with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import tls from 'node:tls';
import { connecting, serverClass, serverFactory } from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';

export * from 'node:tls';

type Listener = () => void;
type SocketListener = (socket: tls.TLSSocket) => void;

interface Connect {
  (
    options: tls.ConnectionOptions & WithMptcpOptions,
    secureConnectListener?: Listener,
  ): tls.TLSSocket;
  (
    port: number,
    host?: string,
    options?: tls.ConnectionOptions & WithMptcpOptions,
    secureConnectListener?: Listener,
  ): tls.TLSSocket;
  (
    port: number,
    options?: tls.ConnectionOptions & WithMptcpOptions,
    secureConnectListener?: Listener,
  ): tls.TLSSocket;
}

interface CreateServer {
  (secureConnectionListener?: SocketListener): tls.Server;
  (
    options: tls.TlsOptions & WithMptcpOptions,
    secureConnectionListener?: SocketListener,
  ): tls.Server;
}

export type Server = tls.Server;
export const Server: {
  new (secureConnectionListener?: SocketListener): tls.Server;
  new (
    options: tls.TlsOptions & WithMptcpOptions,
    secureConnectionListener?: SocketListener,
  ): tls.Server;
  prototype: tls.Server;
} = serverClass(tls.Server);

export const connect: Connect = connecting(tls.connect);
export const createServer: CreateServer = serverFactory(tls.createServer);
