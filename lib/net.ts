/** node:net with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import net from 'node:net';
import { openDoor } from './drop-in/door';
import { withWholeOptions } from './drop-in/whole-options';
import {
  connecting,
  type CreateServer,
  type ServerClass,
  serverClass,
  serverFactory,
  socketClass,
} from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';

export * from 'node:net';
/** The module itself, for default imports that are compiled to CommonJS. */
export * as default from './net';

type ConnectListener = () => void;
type ConnectionListener = (socket: net.Socket) => void;

interface SocketClass {
  /** Makes a socket with Node's options and `mptcp`; one of a given `fd` stays what that is. */
  new (options?: net.SocketConstructorOpts & WithMptcpOptions): net.Socket;
  /** The prototype of Node's class, so that `instanceof` holds both ways. */
  prototype: net.Socket;
}

/* eslint-disable @typescript-eslint/unified-signatures -- the overloads are Node's own */
interface Connect {
  /** Connects by Node's options and `mptcp`. */
  (options: net.NetConnectOpts & WithMptcpOptions, connectListener?: ConnectListener): net.Socket;
  /** Connects to a TCP port of `host`. */
  (port: number, host?: string, connectListener?: ConnectListener): net.Socket;
  /** Connects to a TCP port of this host. */
  (port: number, connectListener?: ConnectListener): net.Socket;
  /** Connects to a Unix socket, which has no MPTCP. */
  (path: string, connectListener?: ConnectListener): net.Socket;
}

/** Node's net.Socket. */
export type Socket = net.Socket;
/** Node's net.Socket with the option `mptcp`. */
export const Socket: SocketClass = socketClass(net.Socket);

/** Another name of {@link Socket}, as in node:net. */
export type Stream = net.Socket;
/** Another name of {@link Socket}, as in node:net. */
export const Stream = Socket;

/** Node's net.Server. */
export type Server = net.Server;
/** Node's net.Server with the option `mptcp`. */
export const Server: ServerClass<net.Server, net.ServerOpts | undefined, ConnectionListener> =
  serverClass(net.Server);

/** net.connect() with the option `mptcp`. */
export const connect: Connect = connecting(withWholeOptions(net.connect));

/** Another name of {@link connect}, as in node:net. */
export const createConnection: Connect = connect;

/** net.createServer() with the option `mptcp`. */
export const createServer: CreateServer<
  net.Server,
  net.ServerOpts | undefined,
  ConnectionListener
> = serverFactory(net.createServer);

openDoor(module, net, {
  Socket,
  Stream,
  Server,
  connect,
  createConnection,
  createServer,
});
