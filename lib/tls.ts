/** node:tls with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import tls from 'node:tls';
import { openDoor } from './drop-in/door';
import {
  connecting,
  type CreateServer,
  type ServerClass,
  serverClass,
  serverFactory,
} from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';

export * from 'node:tls';
/** The module itself, for default imports that are compiled to CommonJS. */
export * as default from './tls';

type Options = tls.ConnectionOptions & WithMptcpOptions;
type SecureConnectListener = () => void;
type SecureConnectionListener = (socket: tls.TLSSocket) => void;

interface Connect {
  /** Connects by Node's options and `mptcp`. */
  (options: Options, secureConnectListener?: SecureConnectListener): tls.TLSSocket;
  /** Connects to a TCP port of `host`. */
  (
    port: number,
    host?: string,
    options?: Options,
    secureConnectListener?: SecureConnectListener,
  ): tls.TLSSocket;
  /** Connects to a TCP port of this host. */
  (port: number, options?: Options, secureConnectListener?: SecureConnectListener): tls.TLSSocket;
}

/** Node's tls.Server. */
export type Server = tls.Server;
/** Node's tls.Server with the option `mptcp`. */
export const Server: ServerClass<tls.Server, tls.TlsOptions, SecureConnectionListener> =
  serverClass(tls.Server);

/** tls.connect() with the option `mptcp`. */
export const connect: Connect = connecting(tls.connect);

/** tls.createServer() with the option `mptcp`. */
export const createServer: CreateServer<tls.Server, tls.TlsOptions, SecureConnectionListener> =
  serverFactory(tls.createServer);

openDoor(module, tls, { Server, connect, createServer });
