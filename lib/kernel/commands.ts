/** The addon's command thread, as promises. */
import { constants } from 'node:os';
import type {
  NativeCommand,
  NativeCommandError,
  NativeCommands,
  NativeEndpoint,
  NativeHeldSetting,
  NativeHeldSocket,
  NativeInterfaceAddress,
  NativeLimits,
  NativeLink,
  NativeNameOwner,
  NativeRoute,
} from '../../types/native';
import type { Abortable } from '../base/abort';
import { throwIfAborted } from '../base/abort';
import { checkAbortable } from '../base/arguments';
import { AbortError, isNativeError, MptcpError } from '../base/errors';
import { lazily } from '../base/lazy';
import { requireNative } from './addon';
import { commandError, constructed } from './command-errors';
import { ENDPOINT_FLAGS } from './constants';

type Done<T> = (error: NativeCommandError | null, result?: T) => void;
type SubflowCreation = Extract<NativeCommand, { command: 'createSubflow' }>;
type Reply = NativeEndpoint | NativeLimits | undefined;

interface Read {
  command: NativeCommand;
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

/** Whether a command reads or changes what the kernel holds. */
const KINDS: Record<NativeCommand['command'], 'read' | 'change'> = {
  addEndpoint: 'change',
  deleteEndpoint: 'change',
  getEndpoint: 'read',
  flushEndpoints: 'change',
  setEndpointFlags: 'change',
  setLimits: 'change',
  getLimits: 'read',
  announce: 'change',
  remove: 'change',
  createSubflow: 'change',
  destroySubflow: 'change',
  setSubflowFlags: 'change',
};

/** Code for kernels whose answers about single connections are not to be relied on. */
const addresses = (): typeof import('./connection-addresses') =>
  require('./connection-addresses') as typeof import('./connection-addresses');
const backups = (): typeof import('./backup-creation') =>
  require('./backup-creation') as typeof import('./backup-creation');
const refusals = (): typeof import('./refusals') =>
  require('./refusals') as typeof import('./refusals');
const noteAddresses = lazily(() => addresses().noteAddresses);

const INVALID = -constants.errno.EINVAL;

/** Commands that add or remove local addresses of a connection. */
const ADDRESS_COMMANDS: ReadonlySet<string> = new Set(['announce', 'createSubflow', 'remove']);

/** How many reads go to the thread at once: converting their replies must not block the event loop. */
const MOST_READS = 64;

/** Runs commands and dumps in order on a thread of its own, in one network namespace. */
export class Commands {
  readonly #native: NativeCommands;
  /** The reads requested in this turn of the event loop, which are sent together. */
  #reads: Read[] = [];
  #closed: Promise<void> | undefined;

  constructor(readonly netns: string | undefined) {
    this.#native = constructed(() => new (requireNative().Commands)(netns));
  }

  /** The id of the command thread (gettid(2)). */
  get threadId(): number {
    return this.#native.threadId;
  }

  /** Resolves with the reply of a command, or rejects with the kernel's error as an MptcpError. */
  async run(command: NativeCommand, options?: Abortable): Promise<Reply> {
    checkAbortable(options);
    if (command.command === 'getEndpoint' && command.token !== undefined) {
      const ofConnection = { ...command, token: command.token };
      const get = (): Promise<NativeEndpoint> =>
        this.runPlain(command, options) as Promise<NativeEndpoint>;
      return addresses().getAddress(this, ofConnection, get, options);
    }
    const creations = createsBackup(command) ? [command] : [];
    const reply = await this.#creating(creations, () =>
      this.#explained(command, this.runPlain(command, options)),
    );
    if (ADDRESS_COMMANDS.has(command.command)) noteAddresses(command);
    return reply;
  }

  /** Runs commands in order, whether or not some fail; resolves with a reply or an error for each. */
  async runAll(commands: NativeCommand[], options?: Abortable): Promise<(Reply | MptcpError)[]> {
    const replies = await this.#creating(commands.filter(createsBackup), () =>
      this.#job<(Reply | NativeCommandError)[]>(
        (done) => this.#native.run(commands, done),
        options,
        true,
      ),
    );
    return replies.map((reply, index) => {
      const command = commands[index];
      const isNoted = command && ADDRESS_COMMANDS.has(command.command) && !isNativeError(reply);
      if (isNoted) noteAddresses(command);
      return commandError(reply) as Reply | MptcpError;
    });
  }

  /** Runs a command, without asking why the kernel refused it. */
  async runPlain(command: NativeCommand, options?: Abortable): Promise<Reply> {
    const changes = KINDS[command.command] === 'change';
    if (!changes && !options?.signal) return this.#read(command);
    const [reply] = await this.#job<(Reply | NativeCommandError)[]>(
      (done) =>
        this.#native.run([command], (error, replies) =>
          done(error ?? firstError(replies), replies),
        ),
      options,
      changes,
    );
    return reply as Reply;
  }

  /** Runs commands, of which these create subflows that are to be backup. */
  #creating<T>(creations: readonly SubflowCreation[], run: () => Promise<T>): Promise<T> {
    return creations.length === 0 ? run() : backups().createBackups(this, creations, run);
  }

  /** Finds out why the kernel refused a command, where it did not say. */
  async #explained<T>(command: NativeCommand, result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      const { errno, code } = error as Partial<MptcpError>;
      if (code !== 'ERR_MPTCP_SYSTEM' || errno !== INVALID) throw error;
      throw await refusals().explainRefusal(this, command, error as MptcpError);
    }
  }

  /** Resolves when the new subflows of a connection that are to be backup are so, or gone. */
  async backupsSettled(token: number): Promise<void> {
    await backups().backupsSettled(token);
  }

  addEndpoint(endpoint: NativeEndpoint, options?: Abortable): Promise<NativeEndpoint> {
    return this.#explained(
      { command: 'addEndpoint', endpoint },
      this.#job((done) => this.#native.addEndpoint(endpoint, done), options, true),
    );
  }

  updateEndpointFlags(
    id: number,
    { mask, flags }: { mask: number; flags: number },
    options?: Abortable,
  ): Promise<NativeEndpoint> {
    return this.#job(
      (done) => this.#native.updateEndpointFlags(id, mask, flags, done),
      options,
      true,
    );
  }

  /** The endpoints of the namespace, or the addresses of a connection that userspace manages. */
  async endpoints(token?: number, options?: Abortable): Promise<NativeEndpoint[]> {
    checkAbortable(options);
    if (token === undefined) return this.dumpEndpoints(token, options);
    return addresses().listAddresses(this, token, options);
  }

  /** The kernel's own answer, which is not to be relied on for a token: see {@link endpoints}. */
  dumpEndpoints(token: number | undefined, options?: Abortable): Promise<NativeEndpoint[]> {
    return this.#job((done) => this.#native.endpoints(token, done), options);
  }

  links(options?: Abortable): Promise<NativeLink[]> {
    return this.#job((done) => this.#native.links(done), options);
  }

  addresses(options?: Abortable): Promise<NativeInterfaceAddress[]> {
    return this.#job((done) => this.#native.addresses(done), options);
  }

  routes(options?: Abortable): Promise<NativeRoute[]> {
    return this.#job((done) => this.#native.routes(done), options);
  }

  findRoute(
    path: { destination: string; source?: string; interface: number },
    options?: Abortable,
  ): Promise<NativeRoute> {
    const { destination, source, interface: index } = path;
    return this.#job((done) => this.#native.findRoute(destination, source, index, done), options);
  }

  readFile(path: string, options?: Abortable): Promise<string> {
    return this.#job((done) => this.#native.readFile(path, done), options);
  }

  writeFile(path: string, value: string, options?: Abortable): Promise<void> {
    return this.#job((done) => this.#native.writeFile(path, value, done), options, true);
  }

  holdSetting(
    path: string,
    former: string,
    record: string | undefined,
    options?: Abortable,
  ): Promise<NativeHeldSetting> {
    return this.#job((done) => this.#native.holdSetting(path, former, record, done), options);
  }

  listen(address: string, port: number): Promise<NativeHeldSocket> {
    return this.#job((done) => this.#native.listen(address, port, done));
  }

  holdName(name: string): Promise<NativeHeldSocket> {
    return this.#job((done) => this.#native.holdName(name, done));
  }

  nameOwner(name: string, options?: Abortable): Promise<NativeNameOwner | undefined> {
    return this.#job((done) => this.#native.nameOwner(name, done), options);
  }

  namespaceCookie(): Promise<string> {
    return this.#job((done) => this.#native.namespaceCookie(done));
  }

  namespaceHandle(): Promise<string | undefined> {
    return this.#job((done) => this.#native.namespaceHandle(done));
  }

  namespaceExists(handle: string): Promise<boolean> {
    return this.#job((done) => this.#native.namespaceExists(handle, done));
  }

  tellsDeniedJoins(): Promise<boolean | undefined> {
    return this.#job((done) => this.#native.tellsDeniedJoins(done));
  }

  family(options?: Abortable): Promise<{ version: number; commands: number[] }> {
    return this.#job((done) => this.#native.family(done), options);
  }

  /**
   * Runs commands while the process exits, when no promise is settled any more. When this returns,
   * what `request` requested is done, and so is what its callbacks requested.
   */
  finish(request: (native: NativeCommands) => void): void {
    if (this.#closed) return;
    request(this.#native);
    this.#native.drain();
    this.#native.drain(); // for the callbacks' requests
    this.#native.drain(); // for those of their callbacks
  }

  ref(): void {
    this.#native.ref();
  }

  unref(): void {
    this.#native.unref();
  }

  close(): Promise<void> {
    this.#sendReads();
    this.#closed ??= new Promise((resolve) => this.#native.close(resolve));
    return this.#closed;
  }

  #read(command: NativeCommand): Promise<Reply> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      if (this.#reads.length === 0) queueMicrotask(() => this.#sendReads());
      this.#reads.push({ command, resolve, reject });
      if (this.#reads.length === MOST_READS) this.#sendReads();
    });
  }

  #sendReads(): void {
    const reads = this.#reads;
    if (reads.length === 0) return;
    this.#reads = [];
    this.#native.run(
      reads.map(({ command }) => command),
      (error, replies = []) => {
        for (const [i, { resolve, reject }] of reads.entries()) {
          const failure = error ?? replies[i];
          if (isNativeError(failure)) reject(commandError(failure) as Error);
          else resolve(replies[i] as Reply);
        }
      },
    );
  }

  async #job<T>(
    start: (done: Done<T>) => number,
    options: Abortable = {},
    changes = false,
  ): Promise<T> {
    checkAbortable(options);
    const { signal } = options;
    throwIfAborted(signal, false);
    if (this.#closed) throw closedError();
    this.#sendReads(); // so that jobs keep their order
    let withdraw: (() => void) | undefined;
    try {
      const result = await new Promise<T>((resolve, reject) => {
        const job = start((error, value) => {
          if (error) reject(error);
          else resolve(value as T);
        });
        withdraw = () => {
          if (this.#native.cancel(job)) reject(new Error('withdrawn'));
        };
        signal?.addEventListener('abort', withdraw, { once: true });
      });
      throwIfAborted(signal, changes);
      return result;
    } catch (error) {
      if (error instanceof AbortError) throw error;
      throwIfAborted(signal, false);
      throw commandError(error);
    } finally {
      if (withdraw) signal?.removeEventListener('abort', withdraw);
    }
  }
}

/** The error of whatever is requested of a closed path manager. */
export function closedError(): MptcpError {
  return new MptcpError(
    'ERR_MPTCP_CLOSED',
    'The path manager is closed: open another one by PathManager.open()',
  );
}

const createsBackup = (command: NativeCommand): command is SubflowCreation =>
  command.command === 'createSubflow' && (command.local.flags & ENDPOINT_FLAGS.BACKUP) !== 0;

function firstError([first]: (Reply | NativeCommandError)[] = []): NativeCommandError | null {
  return isNativeError(first) ? first : null;
}
