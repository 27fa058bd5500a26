/** One connection as MPTCP sees it: its state, its events, and the commands for its paths. */
import { EventEmitter } from 'node:events';
import net from 'node:net';
import type { Address, MptcpInfo, Native, Subflow as NativeSubflow } from '../../types/native';
import { type Abortable, throwIfAborted } from '../base/abort';
import { subflowIdentity, type SubflowReference } from '../base/addresses';
import { checkAbortable, checkInteger, SIGNAL_APART } from '../base/arguments';
import { MptcpError, systemError } from '../base/errors';
import { checkStreamOptions, EventStream, type OverrunEvent } from '../base/event-stream';
import { checkHints, type HintResult, type SchedulingHints } from '../hints/hints';
import { interfaceOf } from '../interfaces/local-addresses';
import { loadNative, requireNative } from '../kernel/addon';
import { isMptcpSocket } from '../sockets/availability';
import { onBeforeClose } from '../sockets/before-close';
import { hint } from '../sockets/connected';
import { handleOf } from '../sockets/node/handle';
import type { TcpHandle } from '../sockets/node/types';
import { offerOf } from '../sockets/offer';
import { hintPathsOf } from '../sockets/path-hinter';
import type { Announcement } from '../userspace/userspace';
import type { ConnectionEvent, ConnectionSample, WatchOptions } from './events';
import {
  type AnnouncedAddress,
  type ConnectionPaths,
  type ConnectionSubflowOptions,
  pathsOf,
} from './paths';
import { ConnectionEventSource, PathSampler } from './streams';
import { type Subflow, withInterface } from './subflow';
import { ConnectionWatch, type Follower, type Reading } from './watch';

/**
 * What a connection speaks. `pending`: it is not connected yet. `mptcp`. `fallback`: MPTCP was
 * requested here and it speaks TCP, plain TCP clients of an MPTCP server included. `tcp`: MPTCP was
 * not requested here. `unknown`: on a kernel before 5.16, or without a TCP socket of this thread
 * underneath.
 */
export type ConnectionStatus = 'pending' | 'mptcp' | 'fallback' | 'tcp' | 'unknown';

type ConnectionEventMap = {
  [Type in ConnectionEvent['type']]: [event: Extract<ConnectionEvent, { type: Type }>];
};

const NAMES: readonly string[] = [
  'subflowEstablished',
  'subflowClosed',
  'subflowPriority',
  'announced',
  'removed',
  'fallback',
  'closed',
] satisfies ConnectionEvent['type'][];

function checkWatchOptions(options: unknown): asserts options is WatchOptions {
  checkStreamOptions<WatchOptions>(options, { signal: true, queue: true });
  throwIfAborted(options.signal, false);
}

/**
 * A socket as MPTCP sees it: get it by {@link connectionOf}. Its getters and methods read the
 * kernel by getsockopt(2), synchronously. It does not keep the process alive unless ref() is
 * called, and nothing about it closes the socket. What needs an open MPTCP connection throws
 * ERR_MPTCP_UNAVAILABLE where the socket is not connected, ERR_MPTCP_CLOSED where it is closed, and
 * ERR_MPTCP_FALLBACK over TCP.
 */
export class Connection extends EventEmitter<ConnectionEventMap> {
  readonly #socket: net.Socket;
  readonly #followers = new Set<Follower>();
  /** What it was when the socket closed; undefined while it is open. */
  #last: { status: ConnectionStatus; token?: number } | undefined;
  /** One watch serves all listeners and streams, from the first of them on. */
  #watch: ConnectionWatch | undefined;
  /** The interfaces of the subflows that were last read, by subflowIdentity(). */
  #interfaces = new Map<string, string>();
  #emitting = false;
  #ref = false;

  /** @internal use {@link connectionOf} */
  constructor(socket: net.Socket) {
    super();
    this.#socket = socket;
    socket.prependListener('connect', () => this.#opened()); // a socket may connect again
    if (!socket.connecting) this.#opened();
    this.#followListeners();
  }

  #opened(): void {
    const handle = handleOf(this.#socket);
    if (!handle) return;
    this.#last = undefined;
    onBeforeClose(handle, () => {
      for (const follower of this.#followers) follower.closing();
      const { status, token } = this;
      this.#last = { status, ...(token === undefined ? {} : { token }) };
    });
    for (const follower of this.#followers) follower.opened();
  }

  #follow(follower: Follower): void {
    this.#followers.add(follower);
    const handle = handleOf(this.#socket);
    const { connecting } = this.#socket;
    if (!connecting && !this.#last && handle && handle.fd >= 0) follower.opened();
  }

  readonly #emit = (event: ConnectionEvent): void => {
    (this as EventEmitter).emit(event.type, event);
  };

  /** Watches the connection while there are listeners. */
  #followListeners(): void {
    const hooks = this as EventEmitter;
    hooks.on('newListener', (name: string) => {
      if (!NAMES.includes(name)) return;
      const watch = this.#watched();
      if (!this.#emitting || name === 'subflowPriority') {
        watch.add(
          this.#emit,
          name === 'subflowPriority' || hooks.listenerCount('subflowPriority') > 0,
        );
      }
      if (!this.#emitting) watch.ref(this.#emit, this.#ref);
      this.#emitting = true;
    });
    hooks.on('removeListener', (name: string) => {
      const left = NAMES.some((each) => hooks.listenerCount(each) > 0);
      if (!left) this.#watch?.remove(this.#emit);
      else if (name === 'subflowPriority' && hooks.listenerCount(name) === 0) {
        this.#watch?.add(this.#emit, false);
      }
      this.#emitting = left;
    });
  }

  /** As an EventEmitter's; watching ends with the last listener. */
  override removeAllListeners(name?: keyof ConnectionEventMap): this {
    if (name !== undefined) return super.removeAllListeners(name);
    super.removeAllListeners();
    this.#followListeners();
    return this;
  }

  #watched(): ConnectionWatch {
    if (this.#watch) return this.#watch;
    this.#watch = new ConnectionWatch({
      read: () => this.#read(),
      requested: () => this.status === 'fallback',
      pending: () => this.status === 'pending',
      addresses: () => this.#addresses(),
    });
    this.#socket.prependListener('close', () => this.#watch?.closed());
    for (const name of ['end', 'finish']) {
      this.#socket.prependListener(name, () => this.#watch?.ending());
    }
    this.#follow(this.#watch);
    return this.#watch;
  }

  /** @internal Reads the socket; undefined: it is not open. Names of interfaces are cached. */
  reading(): Reading | undefined {
    return this.#read();
  }

  #read(): Reading | undefined {
    const native = loadNative();
    const { fd = -1 } = handleOf(this.#socket) ?? {};
    if (!native || fd < 0) return undefined;
    try {
      return this.#named(native.fullInfo(fd));
    } catch {
      if (!native.isMptcp(fd)) return this.#named({ subflows: this.#overTcp(native, fd) });
      return this.#named({ info: native.mptcpInfo(fd), subflows: native.subflows(fd) });
    }
  }

  /** Adds the interface of each subflow, looked up once: that is slower than all the rest. */
  #named({ subflows, ...rest }: Reading): Reading {
    const before = this.#interfaces;
    this.#interfaces = new Map();
    const named = subflows.map((subflow) => {
      const key = subflowIdentity(subflow);
      const name = before.get(key) ?? interfaceOf(subflow.local.address);
      if (name === undefined) return subflow;
      this.#interfaces.set(key, name);
      return { ...subflow, interface: name };
    });
    return { ...rest, subflows: named };
  }

  /** Lets the listeners for events keep the process alive while the connection is open. */
  ref(): this {
    this.#ref = true;
    if (this.#emitting) this.#watch?.ref(this.#emit, true);
    return this;
  }

  /** Undoes ref(): the listeners do not keep the process alive, as by default. */
  unref(): this {
    this.#ref = false;
    this.#watch?.ref(this.#emit, false);
    return this;
  }

  /**
   * Streams what happens from now on: for listeners, or for one `for await` loop, which ends with
   * the connection. `queue` is the most events that wait for the loop (16384), beyond which it gets
   * `overrun`; aborting `signal` ends the loop with an AbortError. Watching needs no privilege;
   * with CAP_NET_ADMIN the kernel's own events are emitted.
   */
  events(options: WatchOptions = {}): EventStream<ConnectionEvent | OverrunEvent> {
    checkWatchOptions(options);
    const watch = this.#watched();
    return this.#stream(
      new EventStream<ConnectionEvent | OverrunEvent>(
        (sink) => new ConnectionEventSource(watch, sink),
        options,
      ),
    );
  }

  /**
   * Streams a sample of all paths every `interval` milliseconds (1 to 2147483647) until the
   * connection ends; the first one comes after one interval. The options are those of events().
   * Throws ERR_OUT_OF_RANGE for another interval.
   */
  sample(
    interval: number,
    options: WatchOptions = {},
  ): EventStream<ConnectionSample | OverrunEvent> {
    checkInteger('interval', interval, 1, 0x7fff_ffff);
    checkWatchOptions(options);
    let sampler: PathSampler | undefined;
    const stream = new EventStream<ConnectionSample | OverrunEvent>(
      (sink) => (sampler = new PathSampler(interval, () => this.#read()?.subflows ?? [], sink)),
      options,
    );
    return this.#stream(stream, sampler);
  }

  /** Ends a stream with the connection, after the events of its end. */
  #stream<T extends { type: string }>(stream: EventStream<T>, sampler?: Follower): EventStream<T> {
    const end = (): void => void stream.close();
    const follower: Follower = {
      opened: () => sampler?.opened(),
      closing: () => {
        sampler?.closing();
        process.nextTick(end);
      },
    };
    (stream as EventEmitter).once('close', () => this.#followers.delete(follower));
    this.#follow(follower);
    if (this.#last) end();
    return stream;
  }

  /**
   * What the connection speaks, asked of the kernel at each call; once closed, what it spoke last.
   */
  get status(): ConnectionStatus {
    const socket = this.#socket;
    if (socket.connecting) return 'pending';
    if (this.#last) return this.#last.status;
    if (socket.pending && !socket.destroyed) return 'pending';
    const handle = handleOf(socket);
    if (!handle || handle.fd < 0) return 'unknown';
    const native = loadNative();
    const isMptcp = native ? native.isMptcp(handle.fd) : false;
    if (isMptcp === undefined) return 'unknown';
    if (isMptcp) return 'mptcp';
    return this.#wasRequested(handle) ? 'fallback' : 'tcp';
  }

  #wasRequested(handle: TcpHandle): boolean {
    if (offerOf(handle)) return true;
    // Of sockets made without this package, a client's SO_PROTOCOL stays IPPROTO_MPTCP after a
    // fallback, and an accepted socket is judged by its listener.
    const { server } = this.#socket as { server?: unknown };
    return (
      isMptcpSocket(handle) || (server instanceof net.Server && isMptcpSocket(handleOf(server)))
    );
  }

  /**
   * Identifies the connection in its network namespace (RFC 8684 section 3.2), 32 bits; undefined
   * unless its status is `mptcp`.
   */
  get token(): number | undefined {
    if (this.status !== 'mptcp') return undefined;
    return this.#last ? this.#last.token : this.info().token;
  }

  /** Whether this side accepted the connection. */
  get serverSide(): boolean {
    const { server } = this.#socket as { server?: unknown };
    return server instanceof net.Server;
  }

  /** The results of all hints on this socket so far: of its options, and of hint(). */
  get hints(): readonly HintResult[] {
    const handle = handleOf(this.#socket);
    return (handle && offerOf(handle)?.hints) ?? [];
  }

  /**
   * Applies hints to every subflow that exists or will exist, over TCP too, and resolves to what
   * the kernel accepted; hints that are not given stay as they are. Socket options are set before
   * this returns; `intent` and `paths` take longer, and an AbortError says whether some of that was
   * `applied`. Throws Node's errors for bad hints, ERR_MPTCP_UNAVAILABLE where the socket is not
   * connected. What could not be applied does not reject: see the `reason` of its result.
   */
  async hint(hints: SchedulingHints, abort: Abortable = {}): Promise<HintResult[]> {
    const checked = checkHints('hints', hints, SIGNAL_APART);
    checkAbortable(abort);
    throwIfAborted(abort.signal, false);
    const { handle } = this.#connected();
    const results = hint(handle, checked);
    return [...results, ...(await hintPathsOf(handle, checked, abort))];
  }

  /**
   * Makes a subflow (MPTCP_PM_CMD_SUBFLOW_CREATE) and resolves to it when it is connected.
   *
   * This and the commands below are for connections that userspace manages: see
   * docs/connection-paths.md. Each of them rejects with ERR_MPTCP_PATH_MANAGER where the in-kernel
   * path manager has the connection, ERR_MPTCP_PERMISSION without CAP_NET_ADMIN,
   * ERR_MPTCP_UNSUPPORTED before Linux 5.19, ERR_MPTCP_FALLBACK over TCP, ERR_MPTCP_UNAVAILABLE
   * where the socket is not connected, ERR_MPTCP_SYSTEM where the kernel refuses for another
   * reason, and an AbortError, whose `applied` says whether the kernel has done it.
   *
   * This one also rejects with Node's own error where the connect fails (ECONNREFUSED, ETIMEDOUT
   * …), with ERR_MPTCP_NOT_FOUND without a usable local address or where the subflow ended at once,
   * and with ERR_MPTCP_CLOSED where the connection closes first. After an AbortError with `applied`
   * the kernel continues to connect.
   */
  async createSubflow(
    options: ConnectionSubflowOptions = {},
    abort: Abortable = {},
  ): Promise<Subflow> {
    return this.#paths().createSubflow(options, abort);
  }

  /**
   * Closes a subflow on both sides (MPTCP_PM_CMD_SUBFLOW_DESTROY). The id of its local address is
   * withdrawn (REMOVE_ADDR) where no other subflow uses it, it is not announced and not 0: the peer
   * closes its end even where the path is dark. ERR_MPTCP_NOT_FOUND: the connection has none between
   * these addresses and ports.
   */
  async destroySubflow(subflow: SubflowReference, abort: Abortable = {}): Promise<void> {
    return this.#paths().destroySubflow(subflow, abort);
  }

  /**
   * Makes a subflow backup or not, on both sides (MP_PRIO, RFC 8684 section 3.3.8): a backup
   * subflow carries data only when no other one can. ERR_MPTCP_NOT_FOUND: the connection has no
   * such subflow.
   */
  async setBackup(
    subflow: SubflowReference,
    backup: boolean,
    abort: Abortable = {},
  ): Promise<void> {
    return this.#paths().setBackup(subflow, backup, abort);
  }

  /**
   * Announces an address to the peer (ADD_ADDR, RFC 8684 section 3.4.1), and listens there for its
   * joins where no MPTCP listener does, unless `listen` is false: until withdraw(), or the
   * connection's end. ERR_MPTCP_NOT_FOUND: no interface that is up has the address, or the given
   * name. ERR_MPTCP_EXISTS: a socket that is no MPTCP listener has the address and the port.
   */
  async announce(address: Announcement, abort: Abortable = {}): Promise<void> {
    return this.#paths().announce(address, abort);
  }

  /**
   * Withdraws an announced address (REMOVE_ADDR, RFC 8684 section 3.4.2); the peer closes the
   * subflows to it. ERR_MPTCP_NOT_FOUND: the connection has not announced it.
   */
  async withdraw(address: AnnouncedAddress, abort: Abortable = {}): Promise<void> {
    return this.#paths().withdraw(address, abort);
  }

  #paths(): ConnectionPaths {
    return pathsOf(this.#connected().handle);
  }

  /**
   * Reads MPTCP_INFO. Throws ERR_MPTCP_FALLBACK over TCP, ERR_MPTCP_UNAVAILABLE where not
   * connected.
   */
  info(): MptcpInfo {
    const { native, fd } = this.#open();
    try {
      return native.mptcpInfo(fd);
    } catch (error) {
      throw systemError('ERR_MPTCP_FALLBACK', error, 'This connection speaks TCP: see its status');
    }
  }

  /**
   * Reads every subflow with its addresses, its interface and its tcp_info; over TCP there is one.
   * Throws ERR_MPTCP_UNAVAILABLE where the socket is not connected.
   */
  subflows(): Subflow[] {
    const { native, fd } = this.#open();
    if (native.isMptcp(fd)) return native.subflows(fd).map(withInterface);
    return this.#overTcp(native, fd).map(withInterface);
  }

  #overTcp(native: Native, fd: number): [NativeSubflow] {
    return [{ ...this.#addresses(), tcpInfo: native.tcpInfo(fd) }];
  }

  #addresses(): { local: Address; remote: Address } {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket;
    const side = (address = '', port = 0): Address => {
      const bare = address.replace(/^::ffff:(?=\d+\.)/, '');
      return { address: bare, port, family: net.isIPv4(bare) ? 'IPv4' : 'IPv6' };
    };
    return { local: side(localAddress, localPort), remote: side(remoteAddress, remotePort) };
  }

  #open(): { native: Native; fd: number } {
    const { native, handle } = this.#connected();
    return { native, fd: handle.fd };
  }

  #connected(): { native: Native; handle: TcpHandle } {
    const native = requireNative();
    const handle = handleOf(this.#socket);
    const { connecting, destroyed } = this.#socket;
    if (!connecting && (destroyed || this.#last) && (!handle || handle.fd < 0)) {
      throw new MptcpError(
        'ERR_MPTCP_CLOSED',
        "The socket is closed: this works from its 'connect' event until it closes",
      );
    }
    if (!handle || handle.fd < 0 || connecting) {
      throw new MptcpError(
        'ERR_MPTCP_UNAVAILABLE',
        "The socket is not connected: this works from its 'connect' event until it closes",
      );
    }
    return { native, handle };
  }
}
