/** The option `mptcp` of sockets, servers and agents, and its check. */
import { checkKeys, checkOneOf, invalidArgType, type Keys } from '../base/arguments';
import {
  checkHints,
  HINT_KEYS,
  type Intent,
  type PathHints,
  type SchedulingHints,
} from '../hints/hints';
import { type OptionHint, optionHints } from '../hints/socket-options';
import { checkGiveUp, GIVE_UP_KEYS, type GiveUp } from './give-up';

/** How much a connection or server depends on MPTCP: see {@link MptcpOptions.mode}. */
export type MptcpMode = 'prefer' | 'require' | 'off';

/** The value of the option `mptcp`. */
export interface MptcpOptions {
  /**
   * `prefer` (default) uses TCP where MPTCP is not available. `require` fails without MPTCP, also when
   * the connection falls back later: ERR_MPTCP_UNAVAILABLE, ERR_MPTCP_FALLBACK. `off` is plain TCP.
   */
  mode?: MptcpMode;
  /** What the connection is to be like, or each connection of a server or agent. */
  hints?: SchedulingHints;
  /**
   * How long, in milliseconds, a connection that has lost its last path is kept before it ends with the
   * code of TCP (ECONNRESET, ETIMEDOUT …), in case that a policy of either side opens another path: at
   * most as long as the connection's keep-alive lets the peer be silent. By default a client without a
   * policy ends at once, a server waits 2 s, and where a policy manages the connection it has
   * {@link ManageOptions.giveUp}.
   */
  giveUp?: number | Partial<GiveUp>;
}

/** The one key that this package adds to the options of Node's sockets, servers and agents. */
export interface WithMptcpOptions {
  /**
   * Whether to use MPTCP, and how; MPTCP with default hints where it is absent. `true` is short for
   * `{ mode: 'prefer' }`, `false` for `{ mode: 'off' }`.
   */
  mptcp?: MptcpOptions | boolean;
}

/** Checked and complete options: what a socket or a server requests. */
export interface Settings {
  readonly mode: MptcpMode;
  readonly congestionControl: string;
  /** The hints that are socket options; usually none. */
  readonly optionHints: readonly OptionHint[];
  readonly intent?: Intent | undefined;
  readonly paths?: PathHints | undefined;
  readonly giveUp?: GiveUp | undefined;
  /**
   * Whether an address and port stay TCP: remote ones when connecting, local ones when listening.
   */
  readonly excludes?: (address: string, port: number) => boolean;
}

const MODES = ['prefer', 'require', 'off'] as const;
const KEYS: Keys<MptcpOptions> = { mode: true, hints: HINT_KEYS, giveUp: GIVE_UP_KEYS };
const DEFAULT: Settings = { mode: 'prefer', congestionControl: 'auto', optionHints: [] };
const OFF: Settings = { ...DEFAULT, mode: 'off' };

/**
 * Checks `options.mptcp` and returns its settings; ERR_INVALID_ARG_TYPE or ERR_INVALID_ARG_VALUE.
 */
export function checkMptcpOptions(options?: unknown, name = 'options.mptcp'): Settings {
  if (options === undefined || options === true) return DEFAULT;
  if (options === false) return OFF;
  if (typeof options !== 'object') throw invalidArgType(name, 'an object or a boolean', options);
  checkKeys<MptcpOptions>(name, options, KEYS);
  const { mode = 'prefer', hints = {}, giveUp } = options as MptcpOptions;
  checkOneOf(`${name}.mode`, mode, MODES);
  const checked = checkHints(`${name}.hints`, hints, {
    mode: `did you mean '${name}.mode'?`,
  });
  const { congestionControl = 'auto', intent, paths } = checked;
  return {
    ...{ mode, congestionControl, optionHints: optionHints(checked), intent, paths },
    giveUp: giveUp === undefined ? undefined : checkGiveUp(`${name}.giveUp`, giveUp),
  };
}
