import { EventEmitter } from 'node:events';
import net from 'node:net';
import type { Address, MptcpInfo, Native, Subflow as NativeSubflow } from '../../types/native';
import { type Abortable, throwIfAborted } from '../base/abort';
import type { SubflowReference } from '../base/addresses';
import { subflowIdentity } from '../base/addresses';
import { checkAbortable, checkInteger } from '../base/arguments';
import { MptcpError, systemError } from '../base/errors';
import { checkStreamOptions, EventStream, type OverrunEvent } from '../base/event-stream';
import { checkHints, type HintResult, type SchedulingHints } from '../hints/hints';
import { interfaceOf } from '../interfaces/local-addresses';
import { loadNative } from '../kernel/addon';
import { isMptcpSocket } from '../sockets/availability';
import { onBeforeClose } from '../sockets/before-close';
import { hint } from '../sockets/connected';
import { handleOf } from '../sockets/node/handle';
import { type TcpHandle } from '../sockets/node/types';
import { offerOf } from '../sockets/offer';
import { hintPathsOf } from '../sockets/path-hinter';
import type { ConnectionEvent, ConnectionSample, WatchOptions } from './events';
import {
  type AnnouncedAddress,
  type ConnectionPaths,
  type ConnectionSubflowOptions,
  pathsOf,
} from './paths';
import { ConnectionEventSource, PathSampler } from './streams';
import type { Subflow } from './subflow';
import { withInterface } from './subflow';
import { ConnectionWatch, type Follower, type Reading } from './watch';

/**
 * `pending`: not connected yet. `mptcp`. `fallback`: MPTCP was asked for here and the connection
 * speaks TCP, plain TCP clients of an MPTCP server included. `tcp`: never asked for here.
 * `unknown`: it cannot be said: a kernel before 5.16, or no TCP socket of this thread underneath.
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
  checkStreamOptions(options);
  throwIfAborted(options.signal, false);
}

/**
 * A socket as MPTCP sees it. Reading it reads the kernel, by getsockopt on this thread. It never
 * keeps the process alive, and nothing about it closes the socket.
 */
export class Connection extends EventEmitter<ConnectionEventMap> {
  readonly #socket: net.Socket;
  readonly #followers = new Set<Follower>();
  #last: { status: ConnectionStatus; token?: number } | undefined;
  /** Since somebody wants to know of events: one for all listeners and streams. */
  #watch: ConnectionWatch | undefined;
  /** By subflowIdentity(), as last read. */
  #interfaces = new Map<string, string>();
  #emitting = false;
  #ref = false;

  /** @internal use {@link connectionOf} */
  constructor(socket: net.Socket) {
    super();
    this.#socket = socket;
    socket.prependListener('connect', () => this.#opened()); // at each: it may connect again
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

  /** It watches while there are listeners. */
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
      offered: () => this.status === 'fallback',
    });
    for (const name of ['end', 'finish']) {
      this.#socket.prependListener(name, () => this.#watch?.ending());
    }
    this.#follow(this.#watch);
    return this.#watch;
  }

  /** @internal As often as wanted: the names of interfaces are asked for once. */
  reading(): Reading | undefined {
    return this.#read();
  }

  /** Undefined: there is no descriptor any more. */
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

  /** Asks for the interface of each subflow once: that is slower than all the rest. */
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

  /** Listeners keep the process alive; they do not unless told. */
  ref(): this {
    this.#ref = true;
    if (this.#emitting) this.#watch?.ref(this.#emit, true);
    return this;
  }

  unref(): this {
    this.#ref = false;
    this.#watch?.ref(this.#emit, false);
    return this;
  }

  /** What happens from now on, for one `for await` loop, which ends with the connection. */
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

  /** The paths every `interval` milliseconds, from the first one on, until the connection ends. */
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

  /** Ends a stream with the connection, after what that tells. */
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

  /** Asked of the kernel at each call; after the socket has closed, what it was last. */
  get status(): ConnectionStatus {
    const socket = this.#socket;
    if (socket.connecting) return 'pending';
    if (this.#last) return this.#last.status;
    if (socket.pending && !socket.destroyed) return 'pending';
    const handle = handleOf(socket);
    if (!handle || handle.fd < 0) return 'unknown';
    const native = loadNative();
    const speaks = native ? native.isMptcp(handle.fd) : false;
    if (speaks === undefined) return 'unknown';
    if (speaks) return 'mptcp';
    return this.#wasAsked(handle) ? 'fallback' : 'tcp';
  }

  #wasAsked(handle: TcpHandle): boolean {
    if (offerOf(handle)) return true;
    // Made without this package: SO_PROTOCOL stays IPPROTO_MPTCP on a client that fell back, and a
    // socket from a listener is judged by the listener.
    const { server } = this.#socket as { server?: unknown };
    return (
      isMptcpSocket(handle) || (server instanceof net.Server && isMptcpSocket(handleOf(server)))
    );
  }

  /** Identifies the connection in its network namespace; undefined where it is not MPTCP. */
  get token(): number | undefined {
    if (this.status !== 'mptcp') return undefined;
    return this.#last ? this.#last.token : this.info().token;
  }

  /** This side accepted the connection. */
  get serverSide(): boolean {
    const { server } = this.#socket as { server?: unknown };
    return server instanceof net.Server;
  }

  /** What became of the socket's hints. */
  get hints(): readonly HintResult[] {
    const handle = handleOf(this.#socket);
    return (handle && offerOf(handle)?.hints) ?? [];
  }

  /**
   * Sets what is given, on every subflow that there is and will be, and says what the kernel took.
   * What is not given stays as it is. Also over TCP. Socket options are set before it returns; the
   * promise waits for `intent` and `paths`, and its AbortError says whether some of that was done already.
   */
  async hint(hints: SchedulingHints, abort: Abortable = {}): Promise<HintResult[]> {
    const checked = checkHints('hints', hints);
    checkAbortable(abort);
    throwIfAborted(abort.signal, false);
    const { handle } = this.#connected();
    const results = hint(handle, checked);
    return [...results, ...(await hintPathsOf(handle, checked, abort))];
  }

  /**
   * Makes a subflow, and gives it when it is connected. This and what follows is for connections
   * that userspace manages: ERR_MPTCP_PATH_MANAGER for those of the kernel. Rejects with Node's own
   * error where the connect fails (ECONNREFUSED, ETIMEDOUT …); an AbortError says whether the kernel
   * tries on (`applied`). See docs/connection-paths.md.
   */
  async createSubflow(
    options: ConnectionSubflowOptions = {},
    abort: Abortable = {},
  ): Promise<Subflow> {
    return this.#paths().createSubflow(options, abort);
  }

  /** Closes a subflow, on both sides. */
  async destroySubflow(subflow: SubflowReference, abort: Abortable = {}): Promise<void> {
    return this.#paths().destroySubflow(subflow, abort);
  }

  /** Makes a subflow backup or not, on both sides (MP_PRIO). */
  async setBackup(
    subflow: SubflowReference,
    backup: boolean,
    abort: Abortable = {},
  ): Promise<void> {
    return this.#paths().setBackup(subflow, backup, abort);
  }

  /**
   * Announces an address to the peer (ADD_ADDR), and listens there for its joins where no MPTCP
   * listener does: until withdraw(), or the connection's end.
   */
  async announce(address: AnnouncedAddress, abort: Abortable = {}): Promise<void> {
    return this.#paths().announce(address, abort);
  }

  /** Tells the peer that an announced address is gone (REMOVE_ADDR); it closes the subflows to it. */
  async withdraw(address: AnnouncedAddress, abort: Abortable = {}): Promise<void> {
    return this.#paths().withdraw(address, abort);
  }

  #paths(): ConnectionPaths {
    return pathsOf(this.#connected().handle);
  }

  /** MPTCP_INFO. ERR_MPTCP_FALLBACK where the connection speaks TCP. */
  info(): MptcpInfo {
    const { native, fd } = this.#open();
    try {
      return native.mptcpInfo(fd);
    } catch (error) {
      throw systemError('ERR_MPTCP_FALLBACK', error, 'This connection speaks TCP');
    }
  }

  /** Every subflow with its addresses and tcp_info. */
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
    const handle = handleOf(this.#socket);
    const native = loadNative();
    if (!native || !handle || handle.fd < 0 || this.#socket.connecting) {
      throw new MptcpError(
        'ERR_MPTCP_UNAVAILABLE',
        native
          ? 'The socket is not connected'
          : 'This machine has no MPTCP to ask about the socket',
      );
    }
    return { native, handle };
  }
}
