import type { EventEmitter } from 'node:events';
import { type Abortable } from '../base/abort';
import { type SubflowReference } from '../base/addresses';
import { checkAbortable, checkIfGiven, checkObject, checkText } from '../base/arguments';
import { Endpoints } from '../endpoints/endpoints';
import { FollowedEndpoints } from '../endpoints/followed';
import { Limits } from '../endpoints/limits';
import { type EventsOptions } from '../events/events';
import { PathManagerEvents } from '../events/stream';
import { Interfaces } from '../interfaces/interfaces';
import { Commands } from '../kernel/commands';
import { Counters } from '../kernel/counters';
import {
  checkConnectionsArguments,
  type ConnectionFilter,
  connections,
  type ConnectionsOptions,
  type NamespaceConnection,
} from '../kernel/sock-diag';
import { Sysctls } from '../kernel/sysctls';
import type { ManageOptions } from '../policy/manage/manage-options';
import { ManagedPolicy } from '../policy/manage/managed-policy';
import type { PathPolicy } from '../policy/policy';
import { ModeControl } from '../userspace/mode';
import { addOpenManager, deleteOpenManager } from '../userspace/mode-owner';
import {
  type AnnounceOptions,
  ConnectionAddresses,
  type CreateSubflowOptions,
  Userspace,
} from '../userspace/userspace';
import { BehindLoadBalancer, type LoadBalancerOptions, type Means } from './load-balancer';

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
  readonly endpoints: Endpoints;
  readonly limits: Limits;
  readonly mode: ModeControl;
  readonly sysctls: Sysctls;
  readonly interfaces: Interfaces;
  /** Of a connection that userspace manages: what it has announced, and used for subflows. */
  readonly addresses: ConnectionAddresses;
  readonly #commands: Commands;
  readonly #userspace: Userspace;
  readonly #open = new Set<Closable>();
  readonly #balanced = new Set<BehindLoadBalancer>();

  private constructor(commands: Commands) {
    const changed = (): void => this.mode.refresh();
    this.#commands = commands;
    this.endpoints = new Endpoints(commands, changed, (options) =>
      this.#hold(
        new FollowedEndpoints(
          this.endpoints,
          () => this.interfaces.watch({ routes: false }),
          options,
        ),
      ),
    );
    this.limits = new Limits(commands, changed);
    this.sysctls = new Sysctls(commands);
    this.mode = new ModeControl(commands, this.sysctls, (initial) => this.events({ initial }));
    this.interfaces = new Interfaces(commands, (stream) => this.#hold(stream));
    this.addresses = new ConnectionAddresses(commands);
    this.#userspace = new Userspace(commands, () => this.events());
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

  /** What happens to the namespace's connections from now on, for listeners and `for await`. */
  events(options: EventsOptions = {}): PathManagerEvents {
    return this.#hold(new PathManagerEvents(this.#commands.netns, options));
  }

  /** Every MPTCP socket of the namespace that `filter` lets pass, streamed from the kernel. */
  connections(
    filter: ConnectionFilter = {},
    options: ConnectionsOptions = {},
  ): AsyncGenerator<NamespaceConnection, void, undefined> {
    checkConnectionsArguments(filter, options);
    return connections(this.#commands.netns, filter, options);
  }

  /**
   * Announces an address to the connection's peer (ADD_ADDR), and listens there for its joins where
   * no MPTCP listener does: until withdraw(), or the connection's end. This and what follows is for
   * connections that userspace manages: ERR_MPTCP_PATH_MANAGER for those of the kernel.
   */
  announce(token: number, options: AnnounceOptions, abort?: Abortable): Promise<void> {
    return this.#userspace.announce(token, options, abort);
  }

  /** Tells the peer that an address is gone (REMOVE_ADDR); it closes the subflows to it. */
  withdraw(token: number, id: number, abort?: Abortable): Promise<void> {
    return this.#userspace.withdraw(token, id, abort);
  }

  /** Begins a subflow: what becomes of it is an event, `subflowEstablished` or `subflowClosed`. */
  createSubflow(token: number, options: CreateSubflowOptions, abort?: Abortable): Promise<void> {
    return this.#userspace.createSubflow(token, options, abort);
  }

  destroySubflow(token: number, subflow: SubflowReference, abort?: Abortable): Promise<void> {
    return this.#userspace.destroySubflow(token, subflow, abort);
  }

  /** Makes a subflow backup or not, on both sides (MP_PRIO). */
  setBackup(
    token: number,
    subflow: SubflowReference,
    backup: boolean,
    abort?: Abortable,
  ): Promise<void> {
    return this.#userspace.setBackup(token, subflow, backup, abort);
  }

  /**
   * Runs a policy for connections that begin from now on. ERR_MPTCP_PATH_MANAGER unless this
   * PathManager has set the mode to userspace, or the policy is to work by other means.
   */
  manage(policy: PathPolicy, options: ManageOptions = {}): ManagedPolicy {
    const { endpoints, interfaces, mode } = this;
    const host = {
      ...{ commands: this.#commands, userspace: this.#userspace, endpoints, interfaces, mode },
      events: (of: EventsOptions) => this.events(of),
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
    const balanced = await BehindLoadBalancer.begin(this.#means, options, abort, (ended) =>
      this.#balanced.delete(ended),
    );
    this.#balanced.add(balanced);
    return balanced;
  }

  /** The kernel's MPTcpExt. */
  async counters(abort?: Abortable): Promise<Counters> {
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
      await Promise.all([...balanced, this.mode.close()]);
    } finally {
      this.#userspace.close();
      await Promise.all(Array.from(this.#open, (each) => each.close()));
      await this.#commands.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #means(): Means {
    const { endpoints, sysctls, mode } = this;
    return { endpoints, sysctls, mode, commands: this.#commands, userspace: this.#userspace };
  }

  #hold<T extends Closable>(stream: T): T {
    this.#open.add(stream);
    stream.once('close', () => this.#open.delete(stream));
    return stream;
  }
}
