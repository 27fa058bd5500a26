/** node:net with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import net from 'node:net';
import { withWholeOptions } from './drop-in/whole-options';
import { connecting, serverClass, serverFactory, socketClass } from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';

export * from 'node:net';

type Listener = () => void;

/* eslint-disable @typescript-eslint/unified-signatures -- the overloads are Node's own */
interface Connect {
  (options: net.NetConnectOpts & WithMptcpOptions, connectionListener?: Listener): net.Socket;
  (port: number, host?: string, connectionListener?: Listener): net.Socket;
  (port: number, connectionListener?: Listener): net.Socket;
  (path: string, connectionListener?: Listener): net.Socket;
}

interface CreateServer {
  (connectionListener?: (socket: net.Socket) => void): net.Server;
  (
    options?: net.ServerOpts & WithMptcpOptions,
    connectionListener?: (socket: net.Socket) => void,
  ): net.Server;
}

export type Socket = net.Socket;
export const Socket: {
  new (options?: net.SocketConstructorOpts & WithMptcpOptions): net.Socket;
  prototype: net.Socket;
} = socketClass(net.Socket);
export type Stream = net.Socket;
export const Stream = Socket;

export type Server = net.Server;
export const Server: {
  new (connectionListener?: (socket: net.Socket) => void): net.Server;
  new (
    options?: net.ServerOpts & WithMptcpOptions,
    connectionListener?: (socket: net.Socket) => void,
  ): net.Server;
  prototype: net.Server;
} = serverClass(net.Server);

export const connect: Connect = connecting(withWholeOptions(net.connect));
export const createConnection: Connect = connect;
export const createServer: CreateServer = serverFactory(net.createServer);
