/** node:tls with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import net from 'node:net';
import tls from 'node:tls';
import { openDoor } from './drop-in/door';
import {
  connecting,
  type CreateServer,
  type ServerClass,
  serverClass,
  requireOf,
  serverFactory,
  settingsFrom,
} from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';

export * from 'node:tls';
/** The module itself, for default imports that are compiled to CommonJS. */
export * as default from './tls';

type Options = tls.ConnectionOptions & WithMptcpOptions;
type SecureConnectListener = () => void;
type SecureConnectionListener = (socket: tls.TLSSocket) => void;

type ConnectArguments = (number | string | Options | SecureConnectListener | undefined)[];

/** Connects as Node does; a socket that is given must speak MPTCP where that is required. */
function connectOver(...args: ConnectArguments): tls.TLSSocket {
  const node = tls.connect as (...args: ConnectArguments) => tls.TLSSocket;
  const index = args.findIndex((each) => typeof each === 'object');
  const options = args[index] as Options | undefined;
  const socket = options?.socket;
  if (!socket || settingsFrom([options]).mode !== 'require') return node(...args);
  let secured: tls.TLSSocket | undefined = undefined as tls.TLSSocket | undefined;
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure = error;
    socket.destroy();
    secured?.destroy(error);
  };
  requireOf(socket, fail);
  // Nothing is written over a socket that never connects.
  if (failure) args[index] = { ...options, socket: new net.Socket() };
  secured = node(...args);
  if (failure) secured.destroy(failure);
  return secured;
}

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

/** tls.connect() with the option `mptcp`, which also concerns a socket that is given. */
export const connect: Connect = connecting(connectOver);

/** tls.createServer() with the option `mptcp`. */
export const createServer: CreateServer<tls.Server, tls.TlsOptions, SecureConnectionListener> =
  serverFactory(tls.createServer);

openDoor(module, tls, { Server, connect, createServer });
