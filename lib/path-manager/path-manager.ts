/**
 * PathManager: what the package offers for a whole network namespace, each part loaded at its first
 * use.
 */
import type { EventEmitter } from 'node:events';
import type { Abortable } from '../base/abort';
import type { SubflowReference } from '../base/addresses';
import { checkIfGiven, checkKeys, checkSignal, checkText } from '../base/arguments';
import type { Endpoints } from '../endpoints/endpoints';
import type { Limits } from '../endpoints/limits';
import type { PathManagerCommand } from '../endpoints/raw-command';
import type { EventsOptions } from '../events/events';
import type { PathManagerEvents } from '../events/stream';
import type { Interfaces } from '../interfaces/interfaces';
import { closedError, Commands } from '../kernel/commands';
import type { Counters } from '../kernel/counters';
import {
  type ConnectionFilter,
  type ConnectionsOptions,
  type NamespaceConnection,
} from '../kernel/sock-diag';
import type { Sysctls } from '../kernel/sysctls';
import type { ManageOptions } from '../policy/manage/manage-options';
import type { ManagedPolicy } from '../policy/manage/managed-policy';
import type { PathPolicy } from '../policy/policy';
import type { ModeControl } from '../userspace/mode';
import { addOpenManager, deleteOpenManager } from '../userspace/mode-owner';
import type {
  AnnounceOptions,
  ConnectionAddresses,
  CreateSubflowOptions,
  Userspace,
} from '../userspace/userspace';
import type { BehindLoadBalancer, LoadBalancerOptions, Means } from './load-balancer';

/** Options of {@link PathManager.open}. */
export interface PathManagerOptions extends Abortable {
  /**
   * The network namespace, by default the process's own: a name of `ip netns`, or a path with a slash
   * such as /proc/1234/ns/net. Another one needs CAP_SYS_ADMIN.
   */
  netns?: string;
}

const LONGEST_PATH = 4095; // PATH_MAX

function illegalConstructor(): TypeError {
  return Object.assign(
    new TypeError('PathManager has no public constructor: use await PathManager.open()'),
    { code: 'ERR_ILLEGAL_CONSTRUCTOR' },
  );
}

type Closable = EventEmitter & { close: () => Promise<void> };

/**
 * The kernel's MPTCP path manager in one network namespace. Commands run in order on a thread of
 * their own; events and dumps have others. Only pending commands keep the process alive.
 */
export class PathManager implements AsyncDisposable {
  readonly #commands: Commands;
  readonly #open = new Set<Closable>();
  /** The streams have ended, and one that begins now ends at once. */
  #ended = false;
  #closed: Promise<void> | undefined;
  readonly #balanced = new Set<BehindLoadBalancer>();
  #endpoints: Endpoints | undefined;
  #limits: Limits | undefined;
  #mode: ModeControl | undefined;
  #sysctls: Sysctls | undefined;
  #interfaces: Interfaces | undefined;
  #addresses: ConnectionAddresses | undefined;
  #userspace: Userspace | undefined;

  private constructor(commands: Commands) {
    if (!((commands as unknown) instanceof Commands)) throw illegalConstructor();
    this.#commands = commands;
    if (commands.netns === undefined) addOpenManager(this);
  }

  /**
   * Opens the path manager of a network namespace. ERR_MPTCP_UNSUPPORTED where the kernel has none,
   * ERR_MPTCP_NOT_FOUND or ERR_MPTCP_PERMISSION where the namespace cannot be entered.
   */
  static async open(options: PathManagerOptions = {}): Promise<PathManager> {
    checkKeys<PathManagerOptions>('options', options, { netns: true, signal: true });
    const { netns, signal } = options;
    checkIfGiven(checkText, 'options.netns', netns, LONGEST_PATH);
    checkSignal('options.signal', signal);
    const commands = new Commands(netns);
    try {
      await commands.family({ ...(signal && { signal }) });
      return new PathManager(commands);
    } catch (error) {
      await commands.close();
      throw error;
    }
  }

  // Each of these is loaded when it is first used: a program uses few of them.

  /** The endpoints of the in-kernel path manager. */
  get endpoints(): Endpoints {
    if (this.#endpoints) return this.#endpoints;
    const { Endpoints } =
      require('../endpoints/endpoints') as typeof import('../endpoints/endpoints');
    this.#endpoints = new Endpoints(this.#commands, this.#changed, (options) => {
      const { FollowedEndpoints } =
        require('../endpoints/followed') as typeof import('../endpoints/followed');
      const watch = () => this.interfaces.watch({ routes: false });
      return this.#hold(new FollowedEndpoints(this.endpoints, watch, options));
    });
    return this.#endpoints;
  }

  /**
   * The numbers of subflows and addresses that the in-kernel path manager allows each connection.
   */
  get limits(): Limits {
    this.#limits ??= new (
      require('../endpoints/limits') as typeof import('../endpoints/limits')
    ).Limits(this.#commands, this.#changed);
    return this.#limits;
  }

  /** Who manages the paths of new connections: the kernel or userspace. */
  get mode(): ModeControl {
    this.#mode ??= new (
      require('../userspace/mode') as typeof import('../userspace/mode')
    ).ModeControl(this.#commands, this.sysctls, (initial) => this.#events({ initial }));
    return this.#mode;
  }

  /** The sysctls net.mptcp.* of the namespace. */
  get sysctls(): Sysctls {
    this.#sysctls ??= new (
      require('../kernel/sysctls') as typeof import('../kernel/sysctls')
    ).Sysctls(this.#commands);
    return this.#sysctls;
  }

  /** The links, addresses and routes of the namespace. */
  get interfaces(): Interfaces {
    this.#interfaces ??= new (
      require('../interfaces/interfaces') as typeof import('../interfaces/interfaces')
    ).Interfaces(
      this.#commands,
      () => this.#checkOpen(),
      (stream) => this.#hold(stream),
    );
    return this.#interfaces;
  }

  /** The addresses that connections managed by userspace have announced, or use for subflows. */
  get addresses(): ConnectionAddresses {
    this.#addresses ??= new (
      require('../userspace/userspace') as typeof import('../userspace/userspace')
    ).ConnectionAddresses(this.#commands);
    return this.#addresses;
  }

  /**
   * Emits what happens to the namespace's connections from now on, for listeners and `for await`.
   */
  events(options: EventsOptions = {}): PathManagerEvents {
    this.#checkOpen();
    return this.#events(options);
  }

  #events(options: EventsOptions = {}): PathManagerEvents {
    const { PathManagerEvents } = require('../events/stream') as typeof import('../events/stream');
    return this.#hold(new PathManagerEvents(this.#commands.netns, options));
  }

  /**
   * Iterates over the MPTCP sockets of the namespace that match `filter`, streamed from sock_diag.
   */
  connections(
    filter: ConnectionFilter = {},
    options: ConnectionsOptions = {},
  ): AsyncGenerator<NamespaceConnection, void, undefined> {
    const { checkConnectionsArguments, connections } =
      require('../kernel/sock-diag') as typeof import('../kernel/sock-diag');
    checkConnectionsArguments(filter, options);
    this.#checkOpen();
    return connections(this.#commands.netns, filter, options);
  }

  /**
   * Announces an address to the connection's peer (ADD_ADDR, RFC 8684 section 3.4.1), and listens there
   * for its joins where no MPTCP listener does, unless `listen` is false: until withdraw() or the
   * connection's end. This command and the next four are for connections that userspace manages:
   * ERR_MPTCP_PATH_MANAGER for others. ERR_MPTCP_EXISTS: the id or the address has another one in this
   * connection, or a socket that is no MPTCP listener has the address and port. ERR_MPTCP_NOT_FOUND:
   * there is no such connection, interface or local address.
   */
  announce(token: number, options: AnnounceOptions, abort?: Abortable): Promise<void> {
    return this.#userspaceCommands().announce(token, options, abort);
  }

  /**
   * Withdraws an announced address by its id (REMOVE_ADDR), or that of the initial subflow by 0: the
   * peer closes the subflows to it. ERR_MPTCP_NOT_FOUND: the connection has no such id.
   */
  withdraw(token: number, id: number, abort?: Abortable): Promise<void> {
    return this.#userspaceCommands().withdraw(token, id, abort);
  }

  /** Begins a subflow; the event `subflowEstablished` or `subflowClosed` reports the outcome. */
  createSubflow(token: number, options: CreateSubflowOptions, abort?: Abortable): Promise<void> {
    return this.#userspaceCommands().createSubflow(token, options, abort);
  }

  /**
   * Closes a subflow, and withdraws the id of its local address (REMOVE_ADDR) where no other subflow
   * uses it, it is not announced and not 0: the peer closes its end even where the path is dark.
   * ERR_MPTCP_NOT_FOUND: the connection has no such subflow.
   */
  destroySubflow(token: number, subflow: SubflowReference, abort?: Abortable): Promise<void> {
    return this.#userspaceCommands().destroySubflow(token, subflow, abort);
  }

  /** Sets or clears the backup priority of a subflow, on both sides (MP_PRIO). */
  setBackup(
    token: number,
    subflow: SubflowReference,
    backup: boolean,
    abort?: Abortable,
  ): Promise<void> {
    return this.#userspaceCommands().setBackup(token, subflow, backup, abort);
  }

  /**
   * Runs a policy for connections that begin from now on. ERR_MPTCP_PATH_MANAGER unless this
   * PathManager has set the mode to userspace, or `options.by` names other means.
   */
  manage(policy: PathPolicy, options: ManageOptions = {}): ManagedPolicy {
    const { ManagedPolicy } =
      require('../policy/manage/managed-policy') as typeof import('../policy/manage/managed-policy');
    this.#checkOpen();
    const { endpoints, interfaces, mode } = this;
    const host = {
      ...{ commands: this.#commands, userspace: this.#userspaceCommands(), endpoints },
      ...{ interfaces, mode, events: (of: EventsOptions) => this.#events(of) },
    };
    return this.#hold(new ManagedPolicy(policy, host, options));
  }

  /**
   * Configures a server behind a layer-4 balancer: clients of connections that begin from now on join
   * at an address of this host, and not at the one that they connected to, where the balancer may choose
   * another server. ERR_MPTCP_EXISTS where the port is in use, or the address has an endpoint that is
   * not announced. Nothing has changed where it fails.
   */
  async behindLoadBalancer(
    options: LoadBalancerOptions,
    abort?: Abortable,
  ): Promise<BehindLoadBalancer> {
    const { BehindLoadBalancer } = require('./load-balancer') as typeof import('./load-balancer');
    this.#checkOpen();
    const balanced = await BehindLoadBalancer.begin(this.#means, options, abort, (ended) =>
      this.#balanced.delete(ended),
    );
    this.#balanced.add(balanced);
    return balanced;
  }

  /**
   * Sends a command to the in-kernel path manager as it is: with the kernel's own numbers, and without
   * the checks, the reading back and the warnings of `endpoints` and `limits`. For programs that stand
   * in for another one, as `mptcp --iproute2` does for `ip mptcp`. Its error has the kernel's errno and
   * `extack`.
   */
  async run(command: PathManagerCommand, abort?: Abortable): Promise<void> {
    const { runCommand } =
      require('../endpoints/raw-command') as typeof import('../endpoints/raw-command');
    try {
      await runCommand(this.#commands, command, abort);
    } finally {
      this.#changed();
    }
  }

  /** Reads the MPTcpExt counters of the namespace (/proc/net/netstat). */
  async counters(abort?: Abortable): Promise<Counters> {
    const { Counters } = require('../kernel/counters') as typeof import('../kernel/counters');
    return Counters.parse(await this.#commands.readFile('/proc/net/netstat', abort));
  }

  /** The id of the thread that runs the commands (gettid(2)). */
  get threadId(): number {
    return this.#commands.threadId;
  }

  /** Lets pending commands keep the process alive, which is the default. */
  ref(): this {
    this.#commands.ref();
    return this;
  }

  /** Lets the process exit while commands are pending. */
  unref(): this {
    this.#commands.unref();
    return this;
  }

  /**
   * Restores the mode and what behindLoadBalancer() has set, and ends every stream. A command that the
   * kernel has begun is completed; those still pending fail with ERR_MPTCP_CLOSED, and so does whatever
   * is called later. Further calls give the same promise.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    deleteOpenManager(this);
    try {
      const balanced = Array.from(this.#balanced, (each) => each.close());
      await Promise.all([...balanced, this.#mode?.close()]);
    } finally {
      this.#ended = true;
      this.#userspace?.close();
      await Promise.all(Array.from(this.#open, (each) => each.close()));
      await this.#commands.close();
    }
  }

  /** Calls {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #means(): Means {
    const { endpoints, sysctls, mode } = this;
    const userspace = this.#userspaceCommands();
    return { endpoints, sysctls, mode, commands: this.#commands, userspace };
  }

  #userspaceCommands(): Userspace {
    this.#userspace ??= new (
      require('../userspace/userspace') as typeof import('../userspace/userspace')
    ).Userspace(this.#commands, () => this.#events());
    return this.#userspace;
  }

  /** Called when endpoints or limits have changed. */
  readonly #changed = (): void => this.#mode?.refresh();

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  #hold<T extends Closable>(stream: T): T {
    if (this.#ended) {
      void stream.close();
      return stream;
    }
    this.#open.add(stream);
    stream.once('close', () => this.#open.delete(stream));
    return stream;
  }
}
