/**
 * The TCP handle of libuv under a net.Socket or net.Server. This folder alone touches Node's internals.
 *
 * libuv keeps a file descriptor that a handle already has. So a socket becomes an MPTCP socket when its
 * handle gets an MPTCP descriptor just before Node binds or connects it; the rest of Node's and libuv's
 * logic stays as it is. Six methods of the handle's prototype are wrapped, and the methods above them
 * that know the socket, the server and the process that it is sent to. Every wrapper passes all its
 * arguments on, because newer releases of Node have added some.
 */
import { ChildProcess } from 'node:child_process';
import cluster from 'node:cluster';
import net from 'node:net';
import type { Tagged } from '../../base/tagged';
import { shared } from './shared';
import type { ConnectRequest, TcpHandle } from './types';

interface TcpHandleClass {
  new (type: number): TcpHandle;
  prototype: TcpHandle;
}

interface Internals {
  _handle: (TcpHandle & { _parent?: TcpHandle }) | null;
  _listen2(...args: unknown[]): void;
  /** What remoteAddress, remotePort and remoteFamily give while the socket is connecting. */
  _peername?: object | null;
}

/** The symbol under which a socket keeps its Client: see sockets/client.ts. */
export const kClient = Symbol.for('mptcp.client.1');

const SOCKET_TYPE = 0; // TCPConstants.SOCKET

/** Returns a socket or server typed by the members that Node does not document. */
export function internals(object: net.Socket | net.Server): Internals {
  return object as unknown as Internals;
}

/**
 * Makes a TCP handle and its socket by what Node exports for its own cluster: it is bound to any port
 * and closed, and passes neither connect(), which others may have replaced, nor a diagnostics channel.
 */
function makeHandle(): { socket: net.Socket; handle: TcpHandle | undefined } {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle?: (address: string, port: number, family: 4) => TcpHandle | number;
  };
  let handle: TcpHandle | number | undefined;
  try {
    handle = create?.('0.0.0.0', 0, 4);
  } catch {
    // Since Node 26 --permission without --allow-net keeps it from being called.
  }
  if (typeof handle !== 'object') return connectHandle(); // such as in a sandbox that forbids bind()
  return { handle, socket: new net.Socket({ handle, manualStart: true } as object) };
}

/** Makes a TCP handle by a socket that is destroyed before it connects. */
function connectHandle(): { socket: net.Socket; handle: TcpHandle | undefined } {
  const socket = new net.Socket();
  // Node connects in a later tick, which finds that the socket was destroyed. Not to a name: Node 20
  // takes 4 ms to compile its pattern of IPv6 addresses, which only names meet.
  socket.connect({ host: '127.0.0.1', port: 1 });
  const handle = internals(socket)._handle ?? undefined;
  return { socket, handle };
}

const METHODS = [
  ...(['open', 'close', 'reset', 'bind', 'bind6', 'connect', 'connect6'] as const),
  ...(['getpeername', 'getsockname'] as const),
];

/** Names the members that this folder uses and this Node.js lacks: it may rename what it does not document. */
function missingMembers(prototype: TcpHandle): string[] {
  const holds: [name: string, object: unknown, member: string][] = [
    ...METHODS.map((name): [string, unknown, string] => [`TCP.prototype.${name}`, prototype, name]),
    ['net.Server.prototype._listen2', net.Server.prototype, '_listen2'],
    ['ChildProcess.prototype.spawn', ChildProcess.prototype, 'spawn'],
    ...(cluster.isWorker
      ? [['cluster._getServer', cluster, '_getServer'] as [string, unknown, string]]
      : []),
  ];
  const missing = holds
    .filter(([, object, name]) => typeof (object as Record<string, unknown>)[name] !== 'function')
    .map(([name]) => name);
  if (!('fd' in prototype)) missing.push('TCP.prototype.fd');
  if (!Object.getOwnPropertyDescriptor(net.Socket.prototype, '_handle')?.set)
    missing.push('the accessor net.Socket.prototype._handle');
  return missing;
}

/** Stands for the class of TCP handles where it was not found: it has no instances. */
class NoHandle {
  readonly isMissing = true;
}

/**
 * Finds the class of TCP handles, and the symbol under which a handle keeps its socket. What this
 * Node.js lacks is `missing`: then nothing is wrapped.
 */
function discover() {
  const { socket, handle } = makeHandle();
  // Each further shape of a socket makes Node's own code slower.
  (socket as Tagged<net.Socket, typeof kClient, unknown>)[kClient] = undefined;
  const ownerSymbol = Object.getOwnPropertySymbols(handle ?? {}).find(
    ({ description }) => description === 'owner_symbol',
  );
  socket.destroy();
  const TcpHandleClass = (handle?.constructor ?? NoHandle) as TcpHandleClass;
  const missing = handle
    ? missingMembers(TcpHandleClass.prototype)
    : ['the handle of a net.Socket'];
  if (handle && ownerSymbol === undefined) missing.push("a TCP handle's owner_symbol");
  // eslint-disable-next-line @typescript-eslint/unbound-method -- they are always called on a handle
  const { bind, bind6, connect, connect6, close, reset } = TcpHandleClass.prototype;
  const methods = { bind, bind6, connect, connect6, close, reset };
  return { TcpHandleClass, ownerSymbol: ownerSymbol ?? Symbol('owner_symbol'), methods, missing };
}

const discovered = shared('node.1', discover);
const { ownerSymbol } = discovered;

/** The members of Node that this folder needs and this release lacks; connections stay TCP then. */
export const missingInternals: readonly string[] = discovered.missing;

/** The class of Node's TCP handles. */
export const { TcpHandleClass } = discovered;

/** The methods of the class as Node made them, before install() wraps them. */
export const { bind, bind6, connect, connect6, close, reset } = discovered.methods;

const kSocket = Symbol.for('mptcp.socket.1');

/** Marks a handle that another process has too: this process must not end its connection. */
export const kShared = Symbol.for('mptcp.sharedHandle.1');
/** A TCP handle with what this file keeps on it. */
export type Handle = Tagged<Tagged<TcpHandle, typeof kSocket, net.Socket>, typeof kShared, boolean>;

/**
 * Returns the TCP handle of a socket, also below TLS; undefined for pipes, JavaScript streams and
 * closed sockets.
 */
export function handleOf(socket: net.Socket | net.Server): Handle | undefined {
  const handle = internals(socket)._handle;
  const raw = handle?._parent ?? handle;
  return raw instanceof TcpHandleClass ? raw : undefined;
}

/**
 * Returns the socket of a handle: the innermost one, or the TLSSocket where TLS made the handle
 * itself.
 */
export function socketOf(handle: Handle): net.Socket | undefined {
  return (
    handle[kSocket] ?? (handle as unknown as Record<symbol, net.Socket | undefined>)[ownerSymbol]
  );
}

/** Makes the socket of a connected handle know its peer, which Node lets it know only after `connecting`. */
export function notePeer(socket: net.Socket, handle: TcpHandle): void {
  const peer = {};
  if (handle.getpeername(peer) === 0) internals(socket)._peername = peer;
}

/**
 * The accessor `_handle` that calls remember(): one for all sockets, so that they keep a common
 * shape.
 */
const followingAccessor = ((): PropertyDescriptor | undefined => {
  const accessor = Object.getOwnPropertyDescriptor(net.Socket.prototype, '_handle');
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is always called on a socket
  const { set } = accessor ?? {};
  return (
    set && {
      ...accessor,
      configurable: true,
      set(this: net.Socket, handle: unknown) {
        set.call(this, handle);
        remember(this);
      },
    }
  );
})();

/**
 * Lets {@link socketOf} find `socket` by every handle that it has from now on. Happy Eyeballs makes a
 * new handle for each attempt, and below TLS Node does not tie it to a socket.
 */
export function followHandles(socket: net.Socket): void {
  if (!('encrypted' in socket)) return;
  remember(socket);
  if (followingAccessor) Object.defineProperty(socket, '_handle', followingAccessor);
}

function remember(socket: net.Socket): void {
  const handle = handleOf(socket);
  if (handle) handle[kSocket] = socket;
}

/**
 * Connects a new TCP handle without any hook, and returns it; undefined where it fails at once. `like`
 * is a request of Node's, whose class the new request has.
 */
export function connectPlain(
  like: ConnectRequest,
  family: 4 | 6,
  local: { address: string; port: number } | undefined,
  remote: { address: string; port: number },
  oncomplete: (status: number) => void,
): TcpHandle | undefined {
  const handle = new TcpHandleClass(SOCKET_TYPE);
  const request = new (like.constructor as new () => ConnectRequest)();
  request.oncomplete = oncomplete;
  const [toBind, toConnect] = family === 4 ? [bind, connect] : [bind6, connect6];
  let status = local ? toBind.call(handle, local.address, local.port, 0) : 0;
  if (status === 0) status = toConnect.call(handle, request, remote.address, remote.port);
  if (status === 0) return handle;
  close.call(handle);
  return undefined;
}
