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
import type { Claim } from '../../userspace/mode';
import type { Handled } from '../engine/engine';
import { encodeLine, logEntry, logHeader, type PolicyLogEntry } from '../engine/log';
import type { PathAction, PathPolicy, PolicyEvent, PolicyView } from '../policy';
import { PolicyRun } from './clock';
import { type DarkPath, DarkPaths } from './dark-paths';
import type { PolicyHost } from './host';
import { KeptEndpoints } from './kept-endpoints';
import { checkManageOptions, type ManageOptions } from './manage-options';
import { ManagedConnections } from './managed-connections';
import { OwnConnections } from './own-connections';
import { PathCommands } from './path-commands';
import { ProgressWatch } from './progress-watch';

export interface ManagedPolicyEvents {
  /** What the policy wants, and why: its `reason`. The kernel is asked for it now. */
  action: [action: PathAction];
  /** The kernel refused it. */
  refused: [action: PathAction, error: MptcpError];
  /** What the policy was told, and what it wanted then: a line of the log. */
  event: [entry: PolicyLogEntry];
  /** Nothing comes through a path any more: see `reason`. Where the policy wants `progress`. */
  dark: [path: DarkPath];
  /** A path works again, or another one between the same addresses does. */
  alive: [path: DarkPath];
  /** With `by: 'endpoints'`: what became of an endpoint. */
  endpoint: [event: FollowEvent];
  /**
   * The policy threw, and is asked again at the next event: without a listener that is a warning,
   * MPTCP_POLICY. Or watching failed, after which it is closed.
   */
  error: [error: unknown];
  close: [];
}

/** A policy that only looks. */
const silent = ({ name, progress = LOOKING }: PathPolicy): PathPolicy => ({
  ...{ name, progress },
  decide: () => [],
});
const LOOKING = 100; // ms

/**
 * A policy at work. It keeps the process alive after ref() alone; closing it leaves the connections
 * as they are; endpoints that it kept are deleted, with their subflows.
 */
export class ManagedPolicy extends EventEmitter<ManagedPolicyEvents> implements AsyncDisposable {
  /** Everything that happens from now on is dealt with. Rejects where watching failed. */
  readonly ready: Promise<void>;
  readonly #policy: PathPolicy;
  readonly #options: ManageOptions;
  readonly #run: PolicyRun;
  readonly #dark: DarkPaths;
  readonly #interfaces: InterfaceEvents;
  readonly #watchEvents: () => PathManagerEvents;
  readonly #commands: PathCommands;
  readonly #endpoints: KeptEndpoints | undefined;
  readonly #claim: Claim | undefined;
  readonly #own: OwnConnections;
  readonly #connections: ManagedConnections;
  readonly #progress = new Map<number, ProgressWatch>();
  readonly #recorders = new Set<(line: string) => void>();
  #events: PathManagerEvents | undefined;
  #begun = false;
  #ref = false;
  #warned = false;
  #told = false;
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(policy: PathPolicy, host: PolicyHost, options: ManageOptions) {
    super();
    checkManageOptions(policy, options);
    const { by = 'userspace', limits, signal } = options;
    const commanding = by === 'userspace';
    if (commanding && !host.mode.owned) throw notOwned();
    this.#policy = commanding ? policy : silent(policy);
    this.#options = options;
    this.#run = new PolicyRun(this.#policy, limits, {
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
    this.#commands = new PathCommands(
      host.commands,
      host.userspace,
      (name) => this.#interfaces.interfaces.find((each) => each.name === name)?.index,
    );
    this.#connections = new ManagedConnections({
      isOwn: (token) => this.#own.get(token) !== undefined,
      isWanted: (connection) => this.#isWanted(connection),
      began: (token) => this.#began(token),
      ended: (token) => this.#ended(token),
      tell: (event) => this.#run.tell(event),
    });
    this.#own = new OwnConnections((token) => this.#connections.consider(token));
    if (commanding) this.#claim = host.mode.claim((connection) => this.#isWanted(connection));
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

  /** As the policy sees it. */
  get view(): PolicyView {
    return this.#run.view;
  }

  /** A connection of this process that began before the policy did. */
  add(connection: Connection): void {
    checkObject('connection', connection);
    this.#own.add(connection);
  }

  /** Leaves the connection as it is, and alone from now on. */
  remove(connection: Connection): void {
    checkObject('connection', connection);
    const { token } = connection;
    if (token !== undefined) this.#connections.drop(token);
  }

  /** The interface of this name will be lost soon. */
  leaving(name: string): void {
    this.#tellOf('leaving', name);
  }

  /** It stays, after all. */
  staying(name: string): void {
    this.#tellOf('staying', name);
  }

  /**
   * Writes a line of JSON for each event from now on and what came of it: see parseLog() and
   * replay(). Called after the turn of manage(), the first line has what the policy sees by now.
   */
  record(to: Writable | ((line: string) => void)): this {
    const write = writer(to);
    const state = this.#told ? this.view : undefined;
    write(encodeLine(logHeader(this.#policy, this.view.limits, state)));
    this.#recorders.add(write);
    return this;
  }

  ref(): this {
    return this.#setRef(true);
  }

  unref(): this {
    return this.#setRef(false);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #begin(): Promise<void> {
    const interfaces = this.#interfaces
      .on('event', (event) => {
        if (this.#begun && event.type !== 'overrun') this.#run.tell(event);
      })
      .on('error', (error) => this.#fail(error));
    await interfaces.ready;
    this.#begun = true;
    this.#run.tell({ type: 'begin', interfaces: interfaces.interfaces });
    const events = this.#watchEvents()
      .on('event', (event) => this.#connections.handle(event))
      .on('error', (error) => this.#fail(error));
    this.#events = events;
    if (this.#ref) events.ref();
    await events.ready;
  }

  async #close(): Promise<void> {
    this.#run.close();
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
    this.#run.ref(ref);
    this.#endpoints?.ref(ref);
    return this;
  }

  #tellOf(type: 'leaving' | 'staying', name: string): void {
    checkString('name', name);
    this.#run.tell({ type, interface: name });
    this.#endpoints?.align();
  }

  #isWanted(connection: EstablishedEvent): boolean {
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
    this.#claim?.take(token);
    const connection = this.#own.get(token);
    const { progress } = this.#policy;
    if (!connection || progress === undefined) return;
    const watch = new ProgressWatch(connection, progress, (paths) =>
      this.#run.tell({ type: 'progress', token, paths }),
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
    this.#told = true;
    if (this.#recorders.size > 0 || this.listenerCount('event') > 0) {
      const entry = logEntry(at, event, handled);
      const line = this.#recorders.size > 0 ? encodeLine(entry) : '';
      for (const write of this.#recorders) write(line);
      this.#emit('event', entry);
    }
    if (this.#policy.progress === undefined) return;
    this.#dark.update(this.view, 'token' in event ? event.token : undefined);
  }

  async #act(action: PathAction): Promise<void> {
    this.#emit('action', action);
    try {
      await this.#commands.run(action);
      this.#run.tell({ type: 'applied', action });
    } catch (error) {
      if (this.#closed) return;
      if (!(error instanceof MptcpError)) {
        this.#fail(error);
        return;
      }
      this.#emit('refused', action, error);
      this.#run.tell({ type: 'refused', action, ...reasonOf(error) });
      // It began while the in-kernel path manager had it, which keeps it.
      if (error.code === 'ERR_MPTCP_PATH_MANAGER') this.#connections.drop(action.token);
    }
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
    this.close().catch(() => undefined); // the first error is the one to tell
    this.#emit('error', error);
  }

  /** A listener that throws is an uncaught exception, and takes nothing from the policy. */
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
