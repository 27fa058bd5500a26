/** Who manages the paths of new connections: the setting of the network namespace, and its owner. */
import { readFileSync } from 'node:fs';
import type { NativeHeldSetting, NativeHeldSocket, NativeNameOwner } from '../../types/native';
import { type Abortable, throwIfAborted } from '../base/abort';
import { checkFunction, checkIfGiven, checkKeys, checkOneOf, checkSignal } from '../base/arguments';
import { MptcpError } from '../base/errors';
import { probeDeniedJoins } from '../events/denied-joins';
import type { EstablishedEvent } from '../events/events';
import type { PathManagerEvents } from '../events/stream';
import { commandError } from '../kernel/command-errors';
import { type Commands } from '../kernel/commands';
import { lockOwner, takeLock } from '../kernel/privileged-names';
import { isReadOnly, sysctlPath, type Sysctls } from '../kernel/sysctls';
import { formerMode, type FormerMode } from './former-mode';
import { KernelLikeManager } from './kernel-like-manager';

/** The two path managers that mode.set() knows (net.mptcp.path_manager). */
export type PathManagerMode = 'kernel' | 'userspace';

/** The process that has the userspace mode. */
export interface ModeOwner {
  /** Undefined for a process of another pid namespace. */
  pid?: number;
  /** The command line of the process; undefined where it cannot be read. */
  command?: string;
}

/** What {@link ModeControl.get} reads. */
export interface ModeState {
  /** Who manages the paths of connections that begin now; a newer kernel may name others. */
  mode: PathManagerMode | (string & {});
  /** The process that switched to userspace with this library. */
  owner?: ModeOwner;
  /**
   * Whether userspace mode has no owner that this library knows: another program (mptcpd) or somebody
   * by hand has set it, or a killed process has left it. In the latter two cases new connections have
   * no path manager until `mode.set('kernel')`.
   */
  ownerless: boolean;
}

/** What {@link ModeControl.set} takes. */
export interface SetModeOptions extends Abortable {
  /**
   * Says which connections the caller alone manages (none). All others, those of other processes too,
   * get what the in-kernel path manager would do by endpoints and limits.
   */
  except?: (connection: EstablishedEvent) => boolean;
}

const MODES = ['kernel', 'userspace'] as const;

/** The lock of the process that has the userspace mode. */
const OWNER = 'mptcp-path-manager';

/** Connections that the kernel-like manager leaves to somebody. */
export interface Claim {
  /** Takes a connection over that the kernel-like manager has managed until now. */
  takeOver(token: number): void;
  /** Ends the claim to connections that begin later. */
  release(): void;
}

interface Owned {
  name: NativeHeldSocket;
  setting: NativeHeldSetting;
  former: string;
  memory: FormerMode;
  events: PathManagerEvents;
  manager: KernelLikeManager;
  /** Restores the setting synchronously: promises settle no more when the process exits. */
  atExit: () => void;
}

/** The value under either name of the setting: path_manager since Linux 6.15, pm_type before. */
interface Settings {
  path_manager: string;
  pm_type: string;
}

const settings = (mode: string): Settings => ({
  path_manager: mode,
  pm_type: mode === 'userspace' ? '1' : '0',
});

/**
 * Reads and sets who manages the paths of the namespace's new connections: the kernel, by endpoints
 * and limits, or userspace. A connection keeps the path manager that it began with.
 */
export class ModeControl {
  readonly #commands: Commands;
  readonly #sysctls: Sysctls;
  readonly #watch: (initial: boolean) => PathManagerEvents;
  readonly #claims = new Set<(connection: EstablishedEvent) => boolean>();
  #owned: Owned | undefined;
  /** Settles with the last change of the mode, after which the next one begins. */
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

  /** Reads the mode and its owner. Needs no privilege. */
  async get(abort?: Abortable): Promise<ModeState> {
    const mode = await this.#read(abort);
    const owner = await this.#owner(abort);
    return { mode, ...(owner && { owner }), ownerless: mode === 'userspace' && !owner };
  }

  /**
   * Sets the mode. `userspace` takes path management away from the kernel for every new connection of
   * every process in the namespace, and manages those that are not `except`ed as the kernel would. The
   * former mode returns with close(), and when the process exits or its worker ends. Where a killed
   * process has left the userspace mode, the former mode is what that process had found.
   * ERR_MPTCP_PATH_MANAGER: another process has the userspace mode. ERR_MPTCP_PERMISSION: it needs
   * CAP_NET_ADMIN.
   */
  async set(mode: PathManagerMode, options: SetModeOptions = {}): Promise<void> {
    checkOneOf('mode', mode, MODES);
    checkKeys<SetModeOptions>('options', options, { except: true, signal: true });
    const { except, signal } = options;
    checkIfGiven(checkFunction, 'options.except', except);
    checkSignal('options.signal', signal);
    const abort = { ...(signal && { signal }) };
    await this.#inTurn(async () => {
      if (mode === 'userspace') await this.#takeOver(except, abort);
      else if (this.#owned) await this.#restore('kernel', abort);
      else await this.#setKernel(abort);
    });
  }

  /** @internal Endpoints or limits have changed. */
  refresh(): void {
    void this.#owned?.manager.refresh();
  }

  /** @internal Whether this path manager has the userspace mode. */
  get owned(): boolean {
    return this.#owned !== undefined;
  }

  /** @internal Claims the connections that `isClaimed` names when they begin. */
  claim(isClaimed: (connection: EstablishedEvent) => boolean): Claim {
    const claimed = (connection: EstablishedEvent): boolean => isClaimed(connection);
    this.#claims.add(claimed);
    return {
      takeOver: (token) => this.#owned?.manager.forget(token),
      release: () => void this.#claims.delete(claimed),
    };
  }

  /** @internal Restores the former mode. */
  async close(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#owned) await this.#restore(this.#owned.former);
    });
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(change);
    this.#turn = done.catch(() => undefined); // who requested the change gets its error
    return done;
  }

  async #takeOver(
    except: SetModeOptions['except'] = () => false,
    abort: Abortable = {},
  ): Promise<void> {
    if (this.#owned) return;
    const name = await this.#holdName();
    let manager: KernelLikeManager | undefined;
    try {
      const current = await this.#read(abort);
      const memory = await formerMode(this.#commands);
      const former = current === 'userspace' ? (memory.recall() ?? current) : current;
      await probeDeniedJoins(this.#commands);
      // Connections of an earlier userspace mode have lost their manager: this one adopts them.
      const events = this.#watch(current === 'userspace');
      events.on('error', (error) => void this.#lost(events, error));
      manager = new KernelLikeManager(
        this.#commands,
        events,
        (connection) =>
          except(connection) || Array.from(this.#claims).some((claimed) => claimed(connection)),
      );
      await events.ready;
      await manager.refresh();
      await memory.clean();
      const switched = await this.#switch(former, memory, abort);
      this.#owned = { name, former, memory, events, manager, ...switched };
    } catch (error) {
      await manager?.close();
      name.close();
      throw error;
    }
    throwIfAborted(abort.signal, true);
  }

  /** Gives new connections back to the kernel, because no event reports them any more. */
  async #lost(events: PathManagerEvents, error: unknown): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#owned?.events !== events) return; // who requested the mode gets the error
      process.emitWarning(
        `The userspace mode ends because the kernel's events do: ${(error as Error).message}. Connections that ` +
          'began in it have no path manager from now on',
        { type: 'MptcpWarning', code: 'MPTCP_PATH_MANAGER' },
      );
      await this.#restore(this.#owned.former);
    }).catch(() => undefined); // close() or the exit of the process tries again
  }

  async #restore(mode: string, abort?: Abortable): Promise<void> {
    await this.#write(mode, abort);
    const owned = this.#owned;
    if (!owned) return;
    this.#owned = undefined;
    owned.setting.release();
    owned.memory.forget();
    process.off('exit', owned.atExit);
    owned.name.close();
    await owned.manager.close();
  }

  async #setKernel(abort: Abortable): Promise<void> {
    const owner = await this.#owner(abort);
    if (owner) throw refusedBy(owner);
    await this.#write('kernel', abort);
    (await formerMode(this.#commands)).forget();
  }

  async #holdName(): Promise<NativeHeldSocket> {
    const { held, owner } = await takeLock(this.#commands, OWNER);
    if (!held) throw refusedBy(publicOwner(owner));
    return held;
  }

  async #owner(abort?: Abortable): Promise<ModeOwner | undefined> {
    const owner = await lockOwner(this.#commands, OWNER, abort);
    return owner && publicOwner(owner);
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

  /**
   * Switches to userspace, and has the file open that restores the mode when the process exits. Where
   * settings are read-only, as in containers, the administrator may have set the mode before.
   */
  async #switch(
    former: string,
    memory: FormerMode,
    abort?: Abortable,
  ): Promise<Pick<Owned, 'setting' | 'atExit'>> {
    const [mode, before] = [settings('userspace'), settings(former)];
    let name: keyof Settings = 'path_manager';
    const hold = (): Promise<NativeHeldSetting> =>
      this.#commands.holdSetting(sysctlPath(name), before[name], memory.file, abort);
    let setting: NativeHeldSetting;
    try {
      setting = await hold().catch((error: unknown) => {
        if (!isUnsupported(error)) throw error;
        name = 'pm_type';
        return hold();
      });
    } catch (error) {
      if (former !== 'userspace' || !isReadOnly(error)) throw error;
      return { setting: UNCHANGED, atExit: () => undefined };
    }
    const undo = memory.keep(former);
    try {
      setting.change(mode[name]);
    } catch (error) {
      undo();
      throw commandError(error);
    }
    const atExit = (): void => setting.restore();
    process.once('exit', atExit);
    return { setting, atExit };
  }
}

/** Stands for a setting that has its value already, and that nobody can change. */
const UNCHANGED: NativeHeldSetting = {
  change: () => undefined,
  restore: () => undefined,
  release: () => undefined,
};

const isUnsupported = (error: unknown): boolean =>
  error instanceof MptcpError && error.code === 'ERR_MPTCP_UNSUPPORTED';

function publicOwner({ pid }: NativeNameOwner): ModeOwner {
  if (pid === 0) return {};
  const command = commandOf(pid);
  return { pid, ...(command !== undefined && { command }) };
}

function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return undefined;
  }
}

function refusedBy({ pid, command }: ModeOwner): MptcpError {
  if (pid === process.pid) {
    return new MptcpError(
      'ERR_MPTCP_PATH_MANAGER',
      'Another PathManager of this process has the userspace mode of this network namespace, perhaps one of ' +
        'another worker or of another copy of this package (npm ls mptcp): use that one, or close it first',
    );
  }
  const who = pid === undefined ? 'a process of another pid namespace' : `process ${pid}`;
  return new MptcpError(
    'ERR_MPTCP_PATH_MANAGER',
    `The userspace path manager of this network namespace is ${who}${command === undefined ? '' : ` (${command})`}: ` +
      "a namespace has one. End that process, or let it call pm.mode.set('kernel')",
  );
}
