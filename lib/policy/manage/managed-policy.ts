/**
 * A policy at work on live connections: what it receives, what it asks for, and what comes of it.
 */
import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { checkObject, checkString, invalidArgType } from '../../base/arguments';
import { AbortError, MptcpError } from '../../base/errors';
import type { Connection } from '../../connection/connection';
import type { FollowEvent } from '../../endpoints/endpoint';
import type { EstablishedEvent } from '../../events/events';
import type { PathManagerEvents } from '../../events/stream';
import type { InterfaceEvents } from '../../interfaces/interfaces';
import { checkGiveUp, type GiveUp } from '../../sockets/give-up';
import { addRescuer } from '../../sockets/path-loss';
import type { Claim } from '../../userspace/mode';
import type { Handled } from '../engine/engine';
import { encodeLine, logEntry, logHeader, type PolicyLogEntry } from '../engine/log';
import type { PathAction, PathPolicy, PolicyEvent, PolicyView } from '../policy';
import { EngineClock } from './clock';
import { type DarkPath, DarkPaths } from './dark-paths';
import type { PolicyHost } from './host';
import { KeptEndpoints } from './kept-endpoints';
import { checkManageOptions, type ManageOptions } from './manage-options';
import { ManagedConnections } from './managed-connections';
import { OwnConnections } from './own-connections';
import { PathCommands } from './path-commands';
import { ProgressWatch } from './progress-watch';
import { idToWithdraw } from './withdrawal';

/** The events of a {@link ManagedPolicy}, with the arguments of their listeners. */
export interface ManagedPolicyEvents {
  /** The policy requests an action, for the action's `reason`; the kernel receives it now. */
  action: [action: PathAction];
  /** The kernel refused an action. */
  refused: [action: PathAction, error: MptcpError];
  /** The policy received an event and answered with actions: an entry of the log. */
  event: [entry: PolicyLogEntry];
  /**
   * Nothing comes through a path any more: see its `reason`. Only where the policy has `progress`.
   */
  dark: [path: DarkPath];
  /** A path works again, or another one between the same addresses does. */
  alive: [path: DarkPath];
  /** With `by: 'endpoints'`: an endpoint was added, deleted, changed or refused. */
  endpoint: [event: FollowEvent];
  /**
   * The policy threw, and is asked again at the next event; without a listener that is a warning,
   * MPTCP_POLICY. Or watching failed, and the policy is closed.
   */
  error: [error: unknown];
  /** The policy is closed. */
  close: [];
}

/** The policy without its decisions: paths are only watched. */
const watchOnly = ({ name, progress = PROGRESS }: PathPolicy): PathPolicy => ({
  ...{ name, progress, perConnection: true },
  decide: () => [],
});
const PROGRESS = 100; // ms

/**
 * A policy at work on live connections. It keeps the process alive after ref() alone. Closing it
 * leaves the connections as they are, but deletes the endpoints that it kept, with their subflows.
 */
export class ManagedPolicy extends EventEmitter<ManagedPolicyEvents> implements AsyncDisposable {
  /**
   * Resolves when everything that happens from then on is handled. Rejects where watching failed.
   */
  readonly ready: Promise<void>;
  readonly #policy: PathPolicy;
  readonly #options: ManageOptions;
  readonly #engine: EngineClock;
  readonly #dark: DarkPaths;
  readonly #interfaces: InterfaceEvents;
  readonly #watchEvents: () => PathManagerEvents;
  readonly #commands: PathCommands;
  readonly #endpoints: KeptEndpoints | undefined;
  readonly #claim: Claim | undefined;
  readonly #own: OwnConnections;
  readonly #connections: ManagedConnections;
  readonly #giveUp: GiveUp;
  readonly #removeRescuer: () => void;
  readonly #progress = new Map<number, ProgressWatch>();
  readonly #recorders = new Set<(line: string) => void>();
  #events: PathManagerEvents | undefined;
  #begun = false;
  #ref = false;
  #warned = false;
  /** The engine has handled an event. */
  #started = false;
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(policy: PathPolicy, host: PolicyHost, options: ManageOptions) {
    super();
    checkManageOptions(policy, options);
    const { by = 'userspace', limits, signal } = options;
    const commanding = by === 'userspace';
    if (commanding && !host.mode.owned) throw notOwned();
    this.#policy = commanding ? policy : watchOnly(policy);
    this.#options = options;
    this.#engine = new EngineClock(this.#policy, limits, {
      act: (action) => void this.#act(action),
      decided: (at, event, handled) => this.#decided(at, event, handled),
      failed: (error) => this.#complain(error),
    });
    this.#dark = new DarkPaths({
      dark: (path) => {
        this.#endpoints?.dark(path);
        this.#emit('dark', path);
      },
      alive: (path) => {
        this.#endpoints?.alive(path);
        this.#emit('alive', path);
      },
    });
    this.#interfaces = host.interfaces.watch();
    this.#watchEvents = () => host.events({ initial: true });
    this.#commands = new PathCommands(host.commands, host.userspace, {
      interfaceIndex: (name) =>
        this.#interfaces.interfaces.find((each) => each.name === name)?.index,
      initialAddress: (token) => this.view.connections.get(token)?.local.address,
      idToWithdraw: (action) => {
        const connection = this.view.connections.get(action.token);
        return connection && idToWithdraw(connection, action);
      },
    });
    this.#connections = new ManagedConnections({
      isOwn: (token) => this.#own.get(token) !== undefined,
      isManaged: (connection) => this.#isManaged(connection),
      began: (token) => this.#began(token),
      ended: (token) => this.#ended(token),
      receive: (event) => this.#engine.receive(event),
    });
    const { healing = 'report' } = options;
    this.#giveUp = checkGiveUp('options.giveUp', options.giveUp ?? {});
    this.#removeRescuer = addRescuer((token) => {
      const helps = (commanding || healing !== 'report') && this.#connections.has(token);
      return helps ? { giveUp: this.#giveUp, ...this.#connections.lossOf(token) } : undefined;
    });
    this.#own = new OwnConnections((token) => this.#connections.consider(token));
    if (commanding) this.#claim = host.mode.claim((connection) => this.#isManaged(connection));
    if (by === 'endpoints') {
      this.#endpoints = new KeptEndpoints(policy, host, options, () => this.view, {
        ready: () => undefined,
        deliver: (events) => events.forEach((event) => this.#emit('endpoint', event)),
        fail: (error) => this.#fail(error),
      });
    }
    this.ready = this.#begin();
    this.ready.catch((error: unknown) => this.#fail(error));
    const abort = (): void => {
      if (signal) this.#fail(new AbortError(signal, false));
    };
    signal?.addEventListener('abort', abort, { once: true });
    (this as EventEmitter).once('close', () => signal?.removeEventListener('abort', abort));
  }

  /** The connections and interfaces as the policy sees them. */
  get view(): PolicyView {
    return this.#engine.view;
  }

  /** Adds a connection of this environment that began before the policy did. */
  add(connection: Connection): void {
    checkObject('connection', connection);
    this.#own.add(connection);
  }

  /** No longer manages a connection, and leaves it as it is. */
  remove(connection: Connection): void {
    checkObject('connection', connection);
    const { token } = connection;
    if (token !== undefined) this.#connections.drop(token);
  }

  /** Announces that the interface of this name will be lost soon: its paths are given up before. */
  leaving(name: string): void {
    this.#reportInterface('leaving', name);
  }

  /** Takes leaving() back: the interface stays after all. */
  staying(name: string): void {
    this.#reportInterface('staying', name);
  }

  /**
   * Writes a line of JSON for each event from now on, with the policy's answer: see parseLog() and
   * replay(). Where the policy has handled events already, the first line has its state too.
   */
  record(to: Writable | ((line: string) => void)): this {
    const write = writer(to);
    const state = this.#started ? this.view : undefined;
    write(encodeLine(logHeader(this.#policy, this.view.limits, state)));
    this.#recorders.add(write);
    return this;
  }

  /** From now on it keeps the process alive. */
  ref(): this {
    return this.#setRef(true);
  }

  /** It does not keep the process alive, as by default. */
  unref(): this {
    return this.#setRef(false);
  }

  /** Ends the policy. Connections stay as they are; endpoints that it kept are deleted. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** As close(). */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #begin(): Promise<void> {
    const interfaces = this.#interfaces
      .on('event', (event) => {
        if (this.#begun && event.type !== 'overrun') this.#engine.receive(event);
      })
      .on('error', (error) => this.#fail(error));
    await interfaces.ready;
    this.#begun = true;
    this.#engine.receive({ type: 'begin', interfaces: interfaces.interfaces });
    const events = this.#watchEvents()
      .on('event', (event) => this.#connections.receive(event))
      .on('error', (error) => this.#fail(error));
    this.#events = events;
    if (this.#ref) events.ref();
    await events.ready;
  }

  async #close(): Promise<void> {
    this.#engine.close();
    this.#removeRescuer();
    this.#claim?.release();
    this.#own.close();
    for (const watch of this.#progress.values()) watch.close();
    this.#progress.clear();
    await Promise.all([this.#interfaces.close(), this.#events?.close(), this.#endpoints?.close()]);
    this.#emit('close');
  }

  #setRef(ref: boolean): this {
    this.#ref = ref;
    for (const stream of [this.#interfaces, this.#events]) {
      if (ref) stream?.ref();
      else stream?.unref();
    }
    this.#engine.ref(ref);
    this.#endpoints?.ref(ref);
    return this;
  }

  #reportInterface(type: 'leaving' | 'staying', name: string): void {
    checkString('name', name);
    this.#engine.receive({ type, interface: name });
    this.#endpoints?.align();
  }

  #isManaged(connection: EstablishedEvent): boolean {
    const { scope = 'process', match = () => true } = this.#options;
    if (scope === 'process' && !this.#own.get(connection.token)) return false;
    try {
      return match(connection);
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }

  #began(token: number): void {
    this.#claim?.takeOver(token);
    const connection = this.#own.get(token);
    const { progress } = this.#policy;
    if (!connection || progress === undefined) return;
    const watch = new ProgressWatch(connection, progress, (paths) =>
      this.#engine.receive({ type: 'progress', token, paths }),
    );
    this.#progress.set(token, watch);
  }

  #ended(token: number): void {
    this.#progress.get(token)?.close();
    this.#progress.delete(token);
    this.#commands.forget(token);
    this.#own.delete(token);
  }

  #decided(at: number, event: PolicyEvent, handled: Handled): void {
    this.#started = true;
    if (this.#recorders.size > 0 || this.listenerCount('event') > 0) {
      const entry = logEntry(at, event, handled);
      const line = this.#recorders.size > 0 ? encodeLine(entry) : '';
      for (const write of this.#recorders) write(line);
      this.#emit('event', entry);
    }
    if (this.#policy.progress === undefined) return;
    this.#dark.update(this.view, event);
  }

  async #act(action: PathAction): Promise<void> {
    if (action.type === 'createSubflow' && this.#isGivenUp(action.token)) {
      this.#connections.drop(action.token);
      return;
    }
    this.#emit('action', action);
    try {
      await this.#commands.run(action);
      this.#engine.receive({ type: 'applied', action });
    } catch (error) {
      if (this.#closed) return;
      if (!(error instanceof MptcpError)) {
        this.#fail(error);
        return;
      }
      this.#emit('refused', action, error);
      this.#engine.receive({ type: 'refused', action, ...reasonOf(error) });
      // The connection began under the in-kernel path manager, which keeps it.
      if (error.code === 'ERR_MPTCP_PATH_MANAGER') this.#connections.drop(action.token);
    }
  }

  /**
   * Whether a connection has been without a path for too long. Each attempt to make a subflow starts
   * net.mptcp.close_timeout anew, with which the kernel ends the connections of other processes.
   */
  #isGivenUp(token: number): boolean {
    const loss = this.#connections.lossOf(token);
    if (!loss) return false;
    const { afterReset, afterSilence } = this.#giveUp;
    return performance.now() - loss.at >= (loss.error === 'ECONNRESET' ? afterReset : afterSilence);
  }

  #complain(error: unknown): void {
    if (this.listenerCount('error') > 0) {
      this.#emit('error', error);
      return;
    }
    if (this.#warned) return;
    this.#warned = true;
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`The policy ${this.#policy.name} failed: ${reason}`, {
      ...{ type: 'MptcpWarning', code: 'MPTCP_POLICY' },
    });
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.close().catch(() => undefined); // the first error is the one to report
    this.#emit('error', error);
  }

  /** What a listener throws is an uncaught exception, and does not disturb the policy. */
  #emit(name: keyof ManagedPolicyEvents, ...args: unknown[]): void {
    try {
      (this as EventEmitter).emit(name, ...args);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}

function writer(to: unknown): (line: string) => void {
  if (typeof to === 'function') return to as (line: string) => void;
  if (to instanceof Writable) return (line) => void to.write(line);
  throw invalidArgType('to', 'a stream.Writable or a function', to);
}

const reasonOf = ({ code, errno, extack }: MptcpError) => ({
  code,
  ...(errno !== undefined && { error: getSystemErrorName(errno) }),
  ...(extack !== undefined && { extack }),
});

const notOwned = (): MptcpError =>
  new MptcpError(
    'ERR_MPTCP_PATH_MANAGER',
    "This PathManager does not have the userspace mode of its network namespace: await pm.mode.set('userspace') " +
      "first, which is for every process there; or manage(policy, { by: 'endpoints' }) under the in-kernel one",
  );
