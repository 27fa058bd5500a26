/** `pm.sysctls`: the settings below net.mptcp. */
import { constants } from 'node:os';
import type { Abortable } from '../base/abort';
import { checkBoolean, checkInteger, checkOneOf, checkText } from '../base/arguments';
import { MptcpError } from '../base/errors';
import type { Commands } from './commands';

/** Every setting below net.mptcp, by the kernel's name (Documentation/networking/mptcp-sysctl). */
export interface SysctlValues {
  /** MPTCP sockets can be created. */
  enabled: boolean;
  /** Seconds until an announcement without an echo is sent again; 0: never. */
  add_addr_timeout: number;
  /** Whether the peer may open subflows to the connection's first address and port. */
  allow_join_initial_addr_port: boolean;
  /** The path managers of this kernel; since Linux 6.15. */
  available_path_managers: string[];
  /** The packet schedulers of this kernel; since Linux 6.11. */
  available_schedulers: string[];
  /** Seconds for which MPTCP is not tried where its SYNs were dropped; since Linux 6.12. */
  blackhole_timeout: number;
  /** New connections use the DSS checksum (RFC 8684 section 3.3). */
  checksum_enabled: boolean;
  /** Seconds for which a connection without subflows is kept; since Linux 6.7. */
  close_timeout: number;
  /** The path manager of new connections; since Linux 6.15, `pm_type` before. */
  path_manager: string;
  /** The path manager of new connections by number; 0: in-kernel, 1: userspace. */
  pm_type: number;
  /** The packet scheduler of new connections. */
  scheduler: string;
  /** Retransmission timeouts after which a subflow counts as stale. */
  stale_loss_cnt: number;
  /** SYNs with MPTCP that are lost before one without is sent; since Linux 6.16. */
  syn_retrans_before_tcp_fallback: number;
}

/** The name of a setting below net.mptcp. */
export type SysctlName = keyof SysctlValues;

interface Kind<T> {
  /** Parses the kernel's text. */
  read: (text: string) => T;
  /** Checks a value and formats it; absent: the setting is read-only. */
  write?: (name: string, value: unknown) => string;
}

const flag: Kind<boolean> = {
  read: (text) => text !== '0',
  write: (name, value) => {
    checkBoolean(name, value);
    return value ? '1' : '0';
  },
};

const integer = (max: number): Kind<number> => ({
  read: Number,
  write: (name, value) => {
    checkInteger(name, value, 0, max);
    return String(value);
  },
});
const LONGEST_NAME = 15; // MPTCP_SCHED_NAME_MAX
const text: Kind<string> = {
  read: (value) => value,
  write: (name, value) => {
    checkText(name, value, LONGEST_NAME);
    return value;
  },
};

const list: Kind<string[]> = { read: (value) => value.split(/\s+/).filter(Boolean) };
const seconds = integer(0x7fff_ffff);

const KINDS: { [Name in SysctlName]: Kind<SysctlValues[Name]> } = {
  enabled: flag,
  add_addr_timeout: seconds,
  allow_join_initial_addr_port: flag,
  available_path_managers: list,
  available_schedulers: list,
  blackhole_timeout: seconds,
  checksum_enabled: flag,
  close_timeout: seconds,
  path_manager: text,
  pm_type: integer(1),
  scheduler: text,
  stale_loss_cnt: integer(0xffff_ffff),
  syn_retrans_before_tcp_fallback: integer(255),
};

const NAMES = Object.keys(KINDS) as SysctlName[];
const MODES: readonly SysctlName[] = ['path_manager', 'pm_type'];

/** A setting that `pm.sysctls.set()` can change. */
export type WritableSysctl = Exclude<
  SysctlName,
  'available_path_managers' | 'available_schedulers' | 'path_manager' | 'pm_type'
>;
const WRITABLE = NAMES.filter((name) => KINDS[name].write && !MODES.includes(name));

/** The settings of MPTCP in the network namespace; a change applies to new connections. */
export class Sysctls {
  readonly #commands: Commands;

  /** @internal */
  constructor(commands: Commands) {
    this.#commands = commands;
  }

  /** Reads one setting, or all that this kernel has. ERR_MPTCP_UNSUPPORTED: it lacks the one. */
  get<Name extends SysctlName>(name: Name, abort?: Abortable): Promise<SysctlValues[Name]>;
  get(abort?: Abortable): Promise<Partial<SysctlValues>>;
  async get(first?: SysctlName | Abortable | null, abort?: Abortable): Promise<unknown> {
    if (first === undefined || (typeof first === 'object' && first)) return this.#all(first);
    checkOneOf('name', first, NAMES);
    return this.#read(first, abort);
  }

  /**
   * Changes a setting. ERR_MPTCP_PERMISSION; ERR_MPTCP_UNSUPPORTED: this kernel lacks it or the value.
   * The path manager is chosen by `pm.mode.set()`, which takes other processes into account.
   */
  async set<Name extends WritableSysctl>(
    name: Name,
    value: SysctlValues[Name],
    abort?: Abortable,
  ): Promise<void> {
    checkOneOf('name', name, WRITABLE);
    await this.write(name, KINDS[name].write?.('value', value) ?? '', abort);
  }

  /**
   * @internal Writes the text of any setting. Where settings are read-only, as in containers, one that
   * has the value already needs no change.
   */
  async write(name: SysctlName, value: string, abort?: Abortable): Promise<void> {
    try {
      await this.#commands.writeFile(sysctlPath(name), value, abort);
    } catch (error) {
      if (!isReadOnly(error)) throw error;
      const current = await this.#commands.readFile(sysctlPath(name), abort);
      if (current.trim() !== value) throw error;
    }
  }

  async #read(name: SysctlName, abort?: Abortable): Promise<unknown> {
    const content = await this.#commands.readFile(sysctlPath(name), abort);
    return KINDS[name].read(content.trim());
  }

  async #all(abort?: Abortable): Promise<Partial<SysctlValues>> {
    const entries = await Promise.all(
      NAMES.map(async (name) => {
        try {
          return [name, await this.#read(name, abort)] as const;
        } catch (error) {
          if (error instanceof MptcpError && error.code === 'ERR_MPTCP_UNSUPPORTED') return [];
          throw error;
        }
      }),
    );
    return Object.fromEntries(entries.filter((entry) => entry.length > 0)) as Partial<SysctlValues>;
  }
}

/** Whether a setting could not be changed because the files of all settings are read-only. */
export const isReadOnly = (error: unknown): boolean =>
  error instanceof MptcpError && error.errno === -constants.errno.EROFS;

export const sysctlPath = (name: SysctlName): string => `/proc/sys/net/mptcp/${name}`;
