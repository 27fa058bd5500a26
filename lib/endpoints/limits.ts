/** `pm.limits`: how much the in-kernel path manager does for each connection. */
import type { NativeLimits } from '../../types/native';
import { type Abortable, throwIfAborted } from '../base/abort';
import { checkIfGiven, checkInteger, checkKeys, type Keys, SIGNAL_APART } from '../base/arguments';
import { type Commands } from '../kernel/commands';

/** The limits of each connection; the kernel's defaults are 2 and 0. */
export interface LimitValues {
  /** Subflows that a connection may have beyond its first. */
  subflows: number;
  /** Announced addresses that a connection may accept from its peer. */
  addAddrAccepted: number;
}

const MOST = 0xffff_ffff;
const KEYS: Keys<LimitValues> = { subflows: true, addAddrAccepted: true };

/** What the in-kernel path manager allows each connection of the namespace. */
export class Limits {
  readonly #commands: Commands;
  readonly #changed: () => void;

  /** @internal `changed`: called after each change */
  constructor(commands: Commands, changed: () => void) {
    this.#commands = commands;
    this.#changed = changed;
  }

  /** The limits as they are now. */
  async get(abort?: Abortable): Promise<LimitValues> {
    const { subflows, addAddrAccepted } = (await this.#commands.run(
      { command: 'getLimits' },
      abort,
    )) as NativeLimits;
    return { subflows, addAddrAccepted };
  }

  /** Changes those that are given, and resolves with both as read back. ERR_MPTCP_LIMIT: too high. */
  async set(limits: Partial<LimitValues>, abort: Abortable = {}): Promise<LimitValues> {
    checkKeys<LimitValues>('limits', limits, KEYS, SIGNAL_APART);
    const { subflows, addAddrAccepted } = limits;
    checkIfGiven(checkInteger, 'limits.subflows', subflows, 0, MOST);
    checkIfGiven(checkInteger, 'limits.addAddrAccepted', addAddrAccepted, 0, MOST);
    await this.#commands.run(
      {
        command: 'setLimits',
        ...(subflows !== undefined && { subflows }),
        ...(addAddrAccepted !== undefined && { addAddrAccepted }),
      },
      abort,
    );
    this.#changed();
    const after = await this.get();
    throwIfAborted(abort.signal, true);
    return after;
  }
}
