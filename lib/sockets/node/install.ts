/** Wraps Node's methods around sockets, servers and TCP handles with hooks(). */
/* eslint-disable @typescript-eslint/unbound-method -- wrapped methods are always called on a handle */
import net from 'node:net';
import { installInChildProcesses } from './child-processes';
import {
  bind,
  bind6,
  close,
  connect,
  connect6,
  type Handle,
  handleOf,
  internals,
  kShared,
  missingInternals,
  reset,
  socketOf,
  TcpHandleClass,
} from './handle';
import { wrapOnce } from './shared';
import type { ConnectTarget, HandleHooks, TcpHandle } from './types';

/** Wraps Node's methods once: at each use they call the hooks that `load` returns. */
export function install(load: () => HandleHooks): void {
  wrapOnce('hooks.1', load, wrap);
}

function wrap(hooks: () => HandleHooks): void {
  wrapConnect(hooks);
  if (missingInternals.length === 0) wrapInternals(hooks);
  else wrapListenAlone(hooks);
}

/** Wraps what Node documents: it fails sockets that require MPTCP, also where MPTCP cannot work. */
function wrapConnect(hooks: () => HandleHooks): void {
  const socketConnect = net.Socket.prototype.connect as (...args: unknown[]) => net.Socket;
  net.Socket.prototype.connect = function connect(this: net.Socket, ...args: unknown[]) {
    // Callers within Node pass one array of normalized arguments.
    hooks().socketConnect(this, toTarget(Array.isArray(args[0]) ? (args[0] as unknown[]) : args));
    return socketConnect.apply(this, args);
  };
}

/** Wraps listen() where this Node.js lacks internals: servers that require MPTCP fail. */
function wrapListenAlone(hooks: () => HandleHooks): void {
  const listen = net.Server.prototype.listen as (...args: unknown[]) => net.Server;
  net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]) {
    const { path, port, host } = toTarget(args);
    const at = path
      ? undefined
      : { address: host && net.isIP(host) ? host : null, port: port ?? 0 };
    const error = hooks().serverListen(this, at, () => void listen.apply(this, args));
    if (error) process.nextTick(() => this.emit('error', error));
    return this;
  };
}

function wrapInternals(hooks: () => HandleHooks): void {
  const wrapBind = (family: 4 | 6, original: TcpHandle['bind']): TcpHandle['bind'] =>
    function (this: TcpHandle, address, port, ...rest) {
      const refused = hooks().bind(this, family, address, port);
      return refused === 0 ? original.call(this, address, port, ...rest) : refused;
    };
  const wrapConnecting = (family: 4 | 6, original: TcpHandle['connect']): TcpHandle['connect'] =>
    function (this: TcpHandle, request, address, port, ...rest: []) {
      const refused = hooks().connect(this, family, request, address, port);
      return refused === 0 ? original.call(this, request, address, port, ...rest) : refused;
    };
  Object.assign(TcpHandleClass.prototype, {
    bind: wrapBind(4, bind),
    bind6: wrapBind(6, bind6),
    connect: wrapConnecting(4, connect),
    connect6: wrapConnecting(6, connect6),
    close(this: Handle, ...args: [callback?: () => void]) {
      const socket = socketOf(this);
      const isOwn = socket instanceof net.Socket && handleOf(socket) === this && !this[kShared];
      hooks().close(this, isOwn ? socket : undefined);
      close.apply(this, args);
    },
    reset(this: TcpHandle, ...args: [callback?: () => void]) {
      hooks().close(this, undefined);
      return reset.apply(this, args);
    },
  });

  installInChildProcesses();

  const serverListen = net.Server.prototype.listen as (...args: unknown[]) => net.Server;
  net.Server.prototype.listen = function listen(this: net.Server, ...args: unknown[]) {
    hooks().serverListens(this);
    return serverListen.apply(this, args);
  };

  const serverPrototype = internals(net.Server.prototype);
  const listen2 = serverPrototype._listen2;
  serverPrototype._listen2 = function (this: net.Server, ...args) {
    const [address, port, , , fd] = args as [string | null, number | null, ...unknown[]];
    const isIp = typeof port === 'number' && port >= 0 && typeof fd !== 'number';
    const error = hooks().serverListen(this, isIp ? { address, port } : undefined, () =>
      listen2.apply(this, args),
    );
    if (!error) return;
    internals(this)._handle?.close();
    internals(this)._handle = null;
    process.nextTick(() => this.emit('error', error));
  };
}

/**
 * Calls `accept` with each connection of a listening server before the server handles it; false refuses
 * it. Calls `accepted` after 'connection' was emitted.
 */
export function onConnection(
  server: net.Server,
  accept: (client: TcpHandle) => boolean,
  accepted: (client: TcpHandle, socket: net.Socket) => void,
): void {
  const handle = internals(server)._handle;
  const { onconnection } = handle ?? {};
  if (!handle || !onconnection) return;
  handle.onconnection = function (this: TcpHandle, error, client) {
    if (client && !accept(client)) return;
    onconnection.call(this, error, client);
    const socket = client && socketOf(client);
    if (socket) accepted(client, socket);
  };
}

/** Parses the arguments of Socket.connect(): (options), (path) or (port, host). */
export function toTarget(args: readonly unknown[]): ConnectTarget {
  const first = args[0];
  if (typeof first === 'object' && first !== null) return first;
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { path: first };
  const second = args[1];
  return { port: Number(first), ...(typeof second === 'string' ? { host: second } : {}) };
}
