/**
 * The only file that touches Node's internals: libuv's TCP handle under a net.Socket or net.Server.
 *
 * libuv keeps a file descriptor that a handle already has. So a socket becomes an MPTCP socket by
 * giving its handle an MPTCP descriptor just before Node binds or connects it; all the rest of
 * Node's and libuv's logic stays as it is. Six methods of the handle's prototype are wrapped, and
 * the methods above them that know the socket, the server and the process that it goes to. Every wrapper passes all its arguments on (newer Nodes added some).
 */
/* eslint-disable @typescript-eslint/unbound-method -- wrapped methods are always called on a handle */
import { ChildProcess } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import net from 'node:net';
import { setClient } from '../client';
import type { Knowing } from '../../base/tagged';

export interface ConnectRequest {
  oncomplete?: ((status: number, handle: TcpHandle, ...rest: unknown[]) => void) | undefined;
}

export interface TcpHandle {
  /** -1 without a descriptor. */
  readonly fd: number;
  open(fd: number): number;
  close(callback?: () => void): void;
  reset(callback?: () => void): number;
  bind(address: string, port: number, ...rest: unknown[]): number;
  bind6(address: string, port: number, ...rest: unknown[]): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  getpeername(out: { address?: string; port?: number }): number;
  unref(): void;
  onconnection?: ((error: number, client?: TcpHandle) => void) | null;
}

/** Where a socket is about to connect to: `path` for a Unix socket. */
export interface ConnectTarget {
  host?: string;
  port?: number;
  path?: string | null;
  mptcp?: unknown;
}

/** Where a server listens: null for every address. */
export interface ListenAddress {
  address: string | null;
  port: number;
}

/** What to do at each step of a handle's life. Results are libuv's: 0, or a negative errno. */
export interface HandleHooks {
  /** Before a socket connects. */
  socketConnect(socket: net.Socket, target: ConnectTarget): void;
  /** Before a server looks up where to listen. */
  serverListens(server: net.Server): void;
  /**
   * In place of a server's listening, which is `listen`; `at` only where it is to be bound, or was by
   * a cluster's primary. An error is emitted by the server.
   */
  serverListen(
    server: net.Server,
    at: ListenAddress | undefined,
    listen: () => void,
  ): Error | undefined;
  /** Before bind(). */
  bind(handle: TcpHandle, family: 4 | 6, address: string, port: number): number;
  /** Before connect(); may replace `request.oncomplete`. */
  connect(
    handle: TcpHandle,
    family: 4 | 6,
    request: ConnectRequest,
    address: string,
    port: number,
  ): number;
  /** Before close(). `socket`: whose own close it is; none when another process has the handle too, or it is reset. */
  close(handle: TcpHandle, socket: net.Socket | undefined): void;
}

interface TcpHandleClass {
  new (type: number): TcpHandle;
  prototype: TcpHandle;
}

interface Internals {
  _handle: (TcpHandle & { _parent?: TcpHandle }) | null;
  _listen2(...args: unknown[]): void;
}

const SOCKET_TYPE = 0; // TCPConstants.SOCKET

function internals(object: net.Socket | net.Server): Internals {
  return object as unknown as Internals;
}

/** The class of TCP handles and the symbol under which a handle knows its socket. */
function discover(): { TcpHandleClass: TcpHandleClass; ownerSymbol: symbol } {
  const socket = new net.Socket();
  setClient(socket, undefined); // every shape of a socket more makes Node's own code slower
  const neverAnswers = (): void => undefined;
  socket.connect({ host: 'localhost', port: 1, lookup: neverAnswers });
  const handle = internals(socket)._handle;
  if (handle === null) throw new Error('This Node.js makes no handle when a socket connects');
  const ownerSymbol = Object.getOwnPropertySymbols(handle).find(
    ({ description }) => description === 'owner_symbol',
  );
  if (ownerSymbol === undefined) throw new Error('This Node.js handle does not know its socket');
  socket.destroy();
  return { TcpHandleClass: handle.constructor as TcpHandleClass, ownerSymbol };
}

const { TcpHandleClass, ownerSymbol } = discover();
const { bind, bind6, connect, connect6, close, reset } = TcpHandleClass.prototype;

const SOCKET = Symbol('mptcp.socket');
/** Of handles that another process has too: what it does with its own is not this one's to end. */
const SHARED = Symbol('mptcp.shared');
type Handle = Knowing<Knowing<TcpHandle, typeof SOCKET, net.Socket>, typeof SHARED, boolean>;

/** The TCP handle of a socket, also below TLS; undefined for pipes, JavaScript streams, closed ones. */
export function handleOf(socket: net.Socket | net.Server): Handle | undefined {
  const handle = internals(socket)._handle;
  const raw = handle?._parent ?? handle;
  return raw instanceof TcpHandleClass ? raw : undefined;
}

/** Whose handle this is: the innermost socket, and the TLSSocket where TLS made the handle itself. */
export function socketOf(handle: Handle): net.Socket | undefined {
  return (
    handle[SOCKET] ?? (handle as unknown as Record<symbol, net.Socket | undefined>)[ownerSymbol]
  );
}

/** One for all sockets, so that they keep a common shape. */
const followingAccessor = ((): PropertyDescriptor | undefined => {
  const accessor = Object.getOwnPropertyDescriptor(net.Socket.prototype, '_handle');
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
 * From now on every handle of `socket` is known to be its own. Happy Eyeballs takes a new one for
 * each attempt; of those, the ones below TLS know no socket by themselves.
 */
export function followHandles(socket: net.Socket): void {
  if (!('encrypted' in socket)) return;
  remember(socket);
  if (followingAccessor) Object.defineProperty(socket, '_handle', followingAccessor);
}

function remember(socket: net.Socket): void {
  const handle = handleOf(socket);
  if (handle) handle[SOCKET] = socket;
}

/** A TCP handle of the library's own, connected without any hook. */
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

function share(sent: unknown): void {
  const handle = sent instanceof net.Socket ? handleOf(sent) : undefined;
  if (handle) handle[SHARED] = true;
}

type Send = (message: unknown, sent?: unknown, ...rest: unknown[]) => boolean;

/** Notes what is sent by the channel between a process and its child. */
function watchChannel(end: { send?: Send | undefined }): void {
  const { send } = end;
  if (!send) return;
  end.send = function (this: unknown, message, sent, ...rest) {
    share(sent);
    return send.call(this, message, sent, ...rest);
  };
}

function installInChildProcesses(): void {
  watchChannel(process as { send?: Send });
  const prototype = ChildProcess.prototype as unknown as {
    spawn(options: { stdio?: unknown }, ...rest: unknown[]): number;
  };
  const { spawn } = prototype;
  prototype.spawn = function (this: ChildProcess, options, ...rest) {
    if (Array.isArray(options.stdio)) options.stdio.forEach(share);
    const status = spawn.call(this, options, ...rest);
    watchChannel(this as { send?: Send });
    return status;
  };
}

/** Wraps Node's methods: call it once. */
export function install(hooks: HandleHooks): void {
  const wrapBind = (family: 4 | 6, original: TcpHandle['bind']): TcpHandle['bind'] =>
    function (this: TcpHandle, address, port, ...rest) {
      const refused = hooks.bind(this, family, address, port);
      return refused === 0 ? original.call(this, address, port, ...rest) : refused;
    };
  const wrapConnect = (family: 4 | 6, original: TcpHandle['connect']): TcpHandle['connect'] =>
    function (this: TcpHandle, request, address, port, ...rest: []) {
      const refused = hooks.connect(this, family, request, address, port);
      return refused === 0 ? original.call(this, request, address, port, ...rest) : refused;
    };
  Object.assign(TcpHandleClass.prototype, {
    bind: wrapBind(4, bind),
    bind6: wrapBind(6, bind6),
    connect: wrapConnect(4, connect),
    connect6: wrapConnect(6, connect6),
    close(this: Handle, ...args: [callback?: () => void]) {
      const socket = socketOf(this);
      const isOwn = socket instanceof net.Socket && handleOf(socket) === this && !this[SHARED];
      hooks.close(this, isOwn ? socket : undefined);
      close.apply(this, args);
    },
    reset(this: TcpHandle, ...args: [callback?: () => void]) {
      hooks.close(this, undefined);
      return reset.apply(this, args);
    },
  });

  installInChildProcesses();

  const socketConnect = net.Socket.prototype.connect as (...args: unknown[]) => net.Socket;
  net.Socket.prototype.connect = function connect(this: net.Socket, ...args: unknown[]) {
    // Node's own callers pass one array of normalized arguments.
    hooks.socketConnect(this, toTarget(Array.isArray(args[0]) ? (args[0] as unknown[]) : args));
    return socketConnect.apply(this, args);
  };

  const serverListen = net.Server.prototype.listen as (...args: unknown[]) => net.Server;
  net.Server.prototype.listen = function listen(this: net.Server, ...args: unknown[]) {
    hooks.serverListens(this);
    return serverListen.apply(this, args);
  };

  const serverPrototype = internals(net.Server.prototype);
  const listen2 = serverPrototype._listen2;
  serverPrototype._listen2 = function (this: net.Server, ...args) {
    const [address, port, , , fd] = args as [string | null, number | null, ...unknown[]];
    const isIp = typeof port === 'number' && port >= 0 && typeof fd !== 'number';
    const error = hooks.serverListen(this, isIp ? { address, port } : undefined, () =>
      listen2.apply(this, args),
    );
    if (!error) return;
    internals(this)._handle?.close();
    internals(this)._handle = null;
    process.nextTick(() => this.emit('error', error));
  };
}

/**
 * `accept` sees each connection before the server does, and refuses it by false; `accepted` sees it
 * after 'connection' was emitted.
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

/** MPTCP with this congestion control, or not. */
type Wanted = string | false;

/** What a cluster's worker asks the primary to bind (Node's lib/internal/cluster). */
export interface ClusterQuery extends ListenAddress {
  mptcp?: { id: number; wanted: Wanted };
}

interface ClusterInternals {
  _getServer(
    server: unknown,
    query: ClusterQuery,
    callback: (error: number, handle?: TcpHandle) => void,
  ): void;
}

interface InternalMessage extends ClusterQuery {
  cmd?: string;
  act?: string;
  id?: number;
}

const ANSWER = 'NODE_MPTCP'; // the prefix keeps it from the app's 'message' events

/**
 * In a worker `wants` says whether a server wants MPTCP (undefined: nothing was said about it), and
 * `unanswered` what to do about one that a primary without this package has bound. In a primary
 * each query is handled between `asked` and `handled`.
 */
export function installInCluster(hooks: {
  wants(server: net.Server, query: ClusterQuery): Wanted | undefined;
  unanswered(server: net.Server): Error | undefined;
  asked(wanted: Wanted): void;
  handled(): void;
}): void {
  if (cluster.isWorker) installInWorker(hooks);
  else installInPrimary(hooks);
}

function installInWorker(
  hooks: Pick<Parameters<typeof installInCluster>[0], 'wants' | 'unanswered'>,
): void {
  const clusterInternals = cluster as unknown as ClusterInternals;
  const getServer = clusterInternals._getServer.bind(cluster);
  const answered = new Set<number>();
  let queries = 0;
  process.on('internalMessage' as 'message', ({ cmd, id }: InternalMessage) => {
    if (cmd === ANSWER && id !== undefined) answered.add(id);
  });
  clusterInternals._getServer = (server, query, callback) => {
    const isIp = server instanceof net.Server && query.port >= 0;
    const wanted = isIp ? hooks.wants(server, query) : undefined;
    if (!isIp || wanted === undefined) {
      getServer(server, query, callback);
      return;
    }
    const id = ++queries;
    getServer(server, { ...query, mptcp: { id, wanted } }, (status, handle) => {
      const error = answered.delete(id) || !wanted ? undefined : hooks.unanswered(server);
      if (!error) {
        callback(status, handle);
        return;
      }
      handle?.close();
      server.emit('error', error);
    });
  };
}

function installInPrimary(
  hooks: Pick<Parameters<typeof installInCluster>[0], 'asked' | 'handled'>,
): void {
  const listen = ({ process: worker }: Worker): void => {
    // Before and after the listener with which Node binds the server, or tells one to listen.
    worker.prependListener('internalMessage', ({ act, mptcp }: InternalMessage) => {
      if (act !== 'queryServer' || !mptcp) return;
      hooks.asked(mptcp.wanted);
      if (worker.connected) worker.send({ cmd: ANSWER, id: mptcp.id });
    });
    worker.addListener('internalMessage', hooks.handled);
  };
  cluster.on('fork', listen);
  for (const worker of Object.values(cluster.workers ?? {})) if (worker) listen(worker);
}

/** The arguments of Socket.connect: (options), (path) or (port, host). */
export function toTarget(args: readonly unknown[]): ConnectTarget {
  const first = args[0];
  if (typeof first === 'object' && first !== null) return first;
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { path: first };
  const second = args[1];
  return { port: Number(first), ...(typeof second === 'string' ? { host: second } : {}) };
}
