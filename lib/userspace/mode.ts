import { readFileSync } from 'node:fs';
import type { NativeHeldSetting, NativeHeldSocket } from '../../types/native';
import { type Abortable, throwIfAborted } from '../base/abort';
import {
  checkAbortable,
  checkFunction,
  checkIfGiven,
  checkObject,
  checkOneOf,
} from '../base/arguments';
import { MptcpError } from '../base/errors';
import { probeDeniedJoins } from '../events/denied-joins';
import type { EstablishedEvent } from '../events/events';
import type { PathManagerEvents } from '../events/stream';
import { commandError } from '../kernel/command-errors';
import { type Commands } from '../kernel/commands';
import { sysctlPath, type Sysctls } from '../kernel/sysctls';
import { KernelLikeManager } from './kernel-like-manager';

export type PathManagerMode = 'kernel' | 'userspace';

export interface ModeOwner {
  /** undefined: a process of another pid namespace. */
  pid?: number;
  command?: string;
}

export interface ModeState {
  /** Who manages the paths of connections that begin now; one of a newer kernel by its name. */
  mode: PathManagerMode | (string & {});
  /** The process that switched to userspace by this library. */
  owner?: ModeOwner;
  /**
   * Userspace mode without an owner: by another program (mptcpd), by hand, or left behind by a
   * process that was killed. Without a program, new connections then have no path manager:
   * `mode.set('kernel')` ends that.
   */
  ownerless: boolean;
}

export interface SetModeOptions extends Abortable {
  /**
   * Connections whose paths the caller manages alone. All others, those of other processes too, get
   * what the in-kernel path manager would do, by endpoints and limits.
   */
  except?: (connection: EstablishedEvent) => boolean;
}

const MODES = ['kernel', 'userspace'] as const;

/** An abstract Unix name: one a network namespace, free again when its holder ends in any way. */
const OWNER = 'mptcp-path-manager';

/** Of connections that the default policy leaves to somebody. */
export interface Claim {
  /** One that the default policy has had until now. */
  take(token: number): void;
  release(): void;
}

interface Owned {
  name: NativeHeldSocket;
  setting: NativeHeldSetting;
  former: string;
  events: PathManagerEvents;
  manager: KernelLikeManager;
  /** Synchronous, because nothing else runs any more. */
  atExit: () => void;
}

/** By either name of the setting: path_manager since Linux 6.15, pm_type before. */
interface Settings {
  path_manager: string;
  pm_type: string;
}

const settings = (mode: string): Settings => ({
  path_manager: mode,
  pm_type: mode === 'userspace' ? '1' : '0',
});

/**
 * Who manages the paths of the namespace's new connections: the kernel, by endpoints and limits, or
 * userspace. A connection keeps what it began with.
 */
export class ModeControl {
  readonly #commands: Commands;
  readonly #sysctls: Sysctls;
  readonly #watch: (initial: boolean) => PathManagerEvents;
  readonly #claims = new Set<(connection: EstablishedEvent) => boolean>();
  #owned: Owned | undefined;
  /** Changes of the mode come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(
    commands: Commands,
    sysctls: Sysctls,
    watch: (initial: boolean) => PathManagerEvents,
  ) {
    this.#commands = commands;
    this.#sysctls = sysctls;
    this.#watch = watch;
  }

  async get(abort?: Abortable): Promise<ModeState> {
    const mode = await this.#read(abort);
    const owner = await this.#owner(abort);
    return { mode, ...(owner && { owner }), ownerless: mode === 'userspace' && !owner };
  }

  /**
   * `userspace` takes the path management of every new connection of every process in the namespace,
   * and gives those that are not `except`ed to a policy like the kernel's. The former mode comes back
   * with close(), and when the process exits or the worker ends. ERR_MPTCP_PATH_MANAGER: another process has it.
   */
  async set(mode: PathManagerMode, options: SetModeOptions = {}): Promise<void> {
    checkOneOf('mode', mode, MODES);
    checkObject('options', options);
    checkIfGiven(checkFunction, 'options.except', options.except);
    checkAbortable(options);
    await this.#inTurn(async () => {
      if (mode === 'userspace') await this.#take(options);
      else if (this.#owned) await this.#giveBack('kernel', options);
      else await this.#setKernel(options);
    });
  }

  /** @internal endpoints or limits have changed */
  refresh(): void {
    void this.#owned?.manager.refresh();
  }

  /** @internal userspace mode, and this path manager has it */
  get owned(): boolean {
    return this.#owned !== undefined;
  }

  /** @internal The default policy leaves alone what `isClaimed` says, while it begins. */
  claim(isClaimed: (connection: EstablishedEvent) => boolean): Claim {
    const claimed = (connection: EstablishedEvent): boolean => isClaimed(connection);
    this.#claims.add(claimed);
    return {
      take: (token) => this.#owned?.manager.forget(token),
      release: () => void this.#claims.delete(claimed),
    };
  }

  /** @internal */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#owned) await this.#giveBack(this.#owned.former);
    });
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(change);
    this.#turn = done.catch(() => undefined); // told to who has asked for it
    return done;
  }

  async #take(options: SetModeOptions): Promise<void> {
    if (this.#owned) return;
    const name = await this.#holdName();
    let manager: KernelLikeManager | undefined;
    try {
      const former = await this.#read(options);
      await probeDeniedJoins(this.#commands);
      // What is userspace-managed already has lost its manager.
      const events = this.#watch(former === 'userspace');
      events.on('error', (error) => void this.#lost(events, error));
      const { except = () => false } = options;
      manager = new KernelLikeManager(
        this.#commands,
        events,
        (connection) =>
          except(connection) || Array.from(this.#claims).some((claimed) => claimed(connection)),
      );
      await events.ready;
      await manager.refresh();
      this.#owned = { name, former, events, manager, ...(await this.#switch(former, options)) };
    } catch (error) {
      await manager?.close();
      name.close();
      throw error;
    }
    throwIfAborted(options.signal, true);
  }

  /** Nothing tells of new connections any more: the kernel is to have them. */
  async #lost(events: PathManagerEvents, error: unknown): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#owned?.events !== events) return; // told to who has asked for the mode
      process.emitWarning(
        `The userspace mode ends, for the kernel's events do: ${(error as Error).message}. Connections that began ` +
          'in it have no path manager',
        { type: 'MptcpWarning', code: 'MPTCP_PATH_MANAGER' },
      );
      await this.#giveBack(this.#owned.former);
    }).catch(() => undefined); // the process's exit, or its close(), tries again
  }

  async #giveBack(mode: string, abort?: Abortable): Promise<void> {
    await this.#write(mode, abort);
    const owned = this.#owned;
    if (!owned) return;
    this.#owned = undefined;
    owned.setting.release();
    process.off('exit', owned.atExit);
    owned.name.close();
    await owned.manager.close();
  }

  async #setKernel(abort: Abortable): Promise<void> {
    const owner = await this.#owner(abort);
    if (owner) throw refusedBy(owner);
    await this.#write('kernel', abort);
  }

  async #holdName(): Promise<NativeHeldSocket> {
    try {
      return await this.#commands.holdName(OWNER);
    } catch (error) {
      const owner = await this.#owner();
      throw owner ? refusedBy(owner) : error;
    }
  }

  async #owner(abort?: Abortable): Promise<ModeOwner | undefined> {
    const pid = await this.#commands.nameOwner(OWNER, abort);
    if (pid === undefined) return undefined;
    if (pid === 0) return {};
    const command = commandOf(pid);
    return { pid, ...(command !== undefined && { command }) };
  }

  async #read(abort?: Abortable): Promise<string> {
    try {
      return await this.#sysctls.get('path_manager', abort);
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      return (await this.#sysctls.get('pm_type', abort)) === 1 ? 'userspace' : 'kernel';
    }
  }

  async #write(mode: string, abort?: Abortable): Promise<void> {
    const { path_manager, pm_type } = settings(mode);
    try {
      await this.#sysctls.write('path_manager', path_manager, abort);
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      await this.#sysctls.write('pm_type', pm_type, abort);
    }
  }

  /** Switches to userspace until `restore`, which nothing can come before: see types/native.d.ts. */
  async #switch(former: string, abort?: Abortable): Promise<Pick<Owned, 'setting' | 'atExit'>> {
    const [mode, before] = [settings('userspace'), settings(former)];
    let name: keyof Settings = 'path_manager';
    const hold = (): Promise<NativeHeldSetting> =>
      this.#commands.holdSetting(sysctlPath(name), before[name], abort);
    const setting = await hold().catch((error: unknown) => {
      if (!isUnsupported(error)) throw error;
      name = 'pm_type';
      return hold();
    });
    try {
      setting.change(mode[name]);
    } catch (error) {
      throw commandError(error);
    }
    const atExit = (): void => setting.restore();
    process.once('exit', atExit);
    return { setting, atExit };
  }
}

const isUnsupported = (error: unknown): boolean =>
  error instanceof MptcpError && error.code === 'ERR_MPTCP_UNSUPPORTED';

function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return undefined;
  }
}

function refusedBy({ pid, command }: ModeOwner): MptcpError {
  const who = pid === undefined ? 'a process of another pid namespace' : `process ${pid}`;
  return new MptcpError(
    'ERR_MPTCP_PATH_MANAGER',
    `The userspace path manager of this network namespace is ${who}${command === undefined ? '' : ` (${command})`}: ` +
      'a namespace has one. End that process, or let it call pm.mode.set()',
  );
}
