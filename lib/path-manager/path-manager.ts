import type { EventEmitter } from 'node:events';
import type { Abortable } from '../base/abort';
import type { SubflowReference } from '../base/addresses';
import { checkAbortable, checkIfGiven, checkObject, checkText } from '../base/arguments';
import type { Endpoints } from '../endpoints/endpoints';
import type { Limits } from '../endpoints/limits';
import type { EventsOptions } from '../events/events';
import type { PathManagerEvents } from '../events/stream';
import type { Interfaces } from '../interfaces/interfaces';
import { Commands } from '../kernel/commands';
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

export interface PathManagerOptions extends Abortable {
  /**
   * The network namespace: a name of `ip netns`, or a path with a slash such as /proc/1234/ns/net.
   * Another one than the process's own needs CAP_SYS_ADMIN.
   */
  netns?: string;
}

const LONGEST_PATH = 4095; // PATH_MAX

type Closable = EventEmitter & { close: () => Promise<void> };

/**
 * The kernel's MPTCP path manager in one network namespace. Commands run in order on a thread of
 * their own; events and dumps have others. Only what is pending keeps the process alive.
 */
export class PathManager implements AsyncDisposable {
  readonly #commands: Commands;
  readonly #open = new Set<Closable>();
  readonly #balanced = new Set<BehindLoadBalancer>();
  #endpoints: Endpoints | undefined;
  #limits: Limits | undefined;
  #mode: ModeControl | undefined;
  #sysctls: Sysctls | undefined;
  #interfaces: Interfaces | undefined;
  #addresses: ConnectionAddresses | undefined;
  #userspace: Userspace | undefined;

  private constructor(commands: Commands) {
    this.#commands = commands;
    if (commands.netns === undefined) addOpenManager(this);
  }

  /** ERR_MPTCP_UNSUPPORTED where the kernel has no path manager. */
  static async open(options: PathManagerOptions = {}): Promise<PathManager> {
    checkObject('options', options);
    checkIfGiven(checkText, 'options.netns', options.netns, LONGEST_PATH);
    checkAbortable(options);
    const commands = new Commands(options.netns);
    try {
      await commands.family(options);
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

  /** How many subflows and addresses the in-kernel path manager allows each connection. */
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
    ).ModeControl(this.#commands, this.sysctls, (initial) => this.events({ initial }));
    return this.#mode;
  }

  /** The settings net.mptcp.* of the namespace. */
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
    ).Interfaces(this.#commands, (stream) => this.#hold(stream));
    return this.#interfaces;
  }

  /** The addresses that a connection which userspace manages has announced, and used for subflows. */
  get addresses(): ConnectionAddresses {
    this.#addresses ??= new (
      require('../userspace/userspace') as typeof import('../userspace/userspace')
    ).ConnectionAddresses(this.#commands);
    return this.#addresses;
  }

  /** What happens to the namespace's connections from now on, for listeners and `for await`. */
  events(options: EventsOptions = {}): PathManagerEvents {
    const { PathManagerEvents } = require('../events/stream') as typeof import('../events/stream');
    return this.#hold(new PathManagerEvents(this.#commands.netns, options));
  }

  /** Every MPTCP socket of the namespace that `filter` lets pass, streamed from the kernel. */
  connections(
    filter: ConnectionFilter = {},
    options: ConnectionsOptions = {},
  ): AsyncGenerator<NamespaceConnection, void, undefined> {
    const { checkConnectionsArguments, connections } =
      require('../kernel/sock-diag') as typeof import('../kernel/sock-diag');
    checkConnectionsArguments(filter, options);
    return connections(this.#commands.netns, filter, options);
  }

  /**
   * Announces an address to the connection's peer (ADD_ADDR), and listens there for its joins where
   * no MPTCP listener does: until withdraw(), or the connection's end. This and what follows is for
   * connections that userspace manages: ERR_MPTCP_PATH_MANAGER for those of the kernel.
   */
  announce(token: number, options: AnnounceOptions, abort?: Abortable): Promise<void> {
    return this.#userspaceCommands().announce(token, options, abort);
  }

  /** Tells the peer that an address is gone (REMOVE_ADDR); it closes the subflows to it. */
  withdraw(token: number, id: number, abort?: Abortable): Promise<void> {
    return this.#userspaceCommands().withdraw(token, id, abort);
  }

  /** Begins a subflow: what becomes of it is an event, `subflowEstablished` or `subflowClosed`. */
  createSubflow(token: number, options: CreateSubflowOptions, abort?: Abortable): Promise<void> {
    return this.#userspaceCommands().createSubflow(token, options, abort);
  }

  destroySubflow(token: number, subflow: SubflowReference, abort?: Abortable): Promise<void> {
    return this.#userspaceCommands().destroySubflow(token, subflow, abort);
  }

  /** Makes a subflow backup or not, on both sides (MP_PRIO). */
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
   * PathManager has set the mode to userspace, or the policy is to work by other means.
   */
  manage(policy: PathPolicy, options: ManageOptions = {}): ManagedPolicy {
    const { ManagedPolicy } =
      require('../policy/manage/managed-policy') as typeof import('../policy/manage/managed-policy');
    const { endpoints, interfaces, mode } = this;
    const host = {
      ...{ commands: this.#commands, userspace: this.#userspaceCommands(), endpoints },
      ...{ interfaces, mode, events: (of: EventsOptions) => this.events(of) },
    };
    return this.#hold(new ManagedPolicy(policy, host, options));
  }

  /**
   * For a server behind a layer-4 balancer: clients are told not to join at the address that they
   * connected to, where the balancer may choose another server, and to join at one of this host
   * instead. Connections that begin from now on. ERR_MPTCP_EXISTS: the port is in use, or the address
   * has an endpoint that is not announced. Nothing has changed where it fails.
   */
  async behindLoadBalancer(
    options: LoadBalancerOptions,
    abort?: Abortable,
  ): Promise<BehindLoadBalancer> {
    const { BehindLoadBalancer } = require('./load-balancer') as typeof import('./load-balancer');
    const balanced = await BehindLoadBalancer.begin(this.#means, options, abort, (ended) =>
      this.#balanced.delete(ended),
    );
    this.#balanced.add(balanced);
    return balanced;
  }

  /** The kernel's MPTcpExt. */
  async counters(abort?: Abortable): Promise<Counters> {
    const { Counters } = require('../kernel/counters') as typeof import('../kernel/counters');
    return Counters.parse(await this.#commands.readFile('/proc/net/netstat', abort));
  }

  /** The thread that runs the commands (gettid(2)). */
  get threadId(): number {
    return this.#commands.threadId;
  }

  /** Keeps the process alive while commands are pending; so it is unless unref() was called. */
  ref(): this {
    this.#commands.ref();
    return this;
  }

  unref(): this {
    this.#commands.unref();
    return this;
  }

  /**
   * Gives back the mode and what behindLoadBalancer() has set, ends every stream and what the kernel
   * has begun; pending commands beyond fail with ERR_MPTCP_CLOSED.
   */
  async close(): Promise<void> {
    deleteOpenManager(this);
    try {
      const balanced = Array.from(this.#balanced, (each) => each.close());
      await Promise.all([...balanced, this.#mode?.close()]);
    } finally {
      this.#userspace?.close();
      await Promise.all(Array.from(this.#open, (each) => each.close()));
      await this.#commands.close();
    }
  }

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
    ).Userspace(this.#commands, () => this.events());
    return this.#userspace;
  }

  /** Endpoints or limits have changed. */
  readonly #changed = (): void => this.#mode?.refresh();

  #hold<T extends Closable>(stream: T): T {
    this.#open.add(stream);
    stream.once('close', () => this.#open.delete(stream));
    return stream;
  }
}
