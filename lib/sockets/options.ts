import { checkObject, checkOneOf } from '../base/arguments';
import { checkHints, type Intent, type PathHints, type SchedulingHints } from '../hints/hints';
import { type OptionHint, optionHints } from '../hints/socket-options';

export type MptcpMode = 'prefer' | 'require' | 'off';

export interface MptcpOptions {
  /**
   * `prefer` (default): TCP where MPTCP cannot be had. `require`: MPTCP or an error, for as long as
   * the connection lives. `off`: as if this package were not there.
   */
  mode?: MptcpMode;
  hints?: SchedulingHints;
}

/** The one key that this package adds to the options of Node's sockets, servers and agents. */
export interface WithMptcpOptions {
  mptcp?: MptcpOptions;
}

/** Options, checked and complete: what a socket or a server asks for. */
export interface Settings {
  readonly mode: MptcpMode;
  readonly congestionControl: string;
  /** The hints that are socket options; mostly none. */
  readonly optionHints: readonly OptionHint[];
  readonly intent?: Intent | undefined;
  readonly paths?: PathHints | undefined;
  /** Remote address and port when connecting, local when listening: true leaves them to TCP. */
  readonly excludes?: (address: string, port: number) => boolean;
}

const MODES = ['prefer', 'require', 'off'] as const;
const DEFAULT: Settings = { mode: 'prefer', congestionControl: 'auto', optionHints: [] };

/** The settings of `options.mptcp`; ERR_INVALID_ARG_TYPE or ERR_INVALID_ARG_VALUE where it is wrong. */
export function checkMptcpOptions(options?: unknown, name = 'options.mptcp'): Settings {
  if (options === undefined) return DEFAULT;
  checkObject(name, options);
  const { mode = 'prefer', hints = {} } = options as MptcpOptions;
  checkOneOf(`${name}.mode`, mode, MODES);
  const checked = checkHints(`${name}.hints`, hints);
  const { congestionControl = 'auto', intent, paths } = checked;
  return { mode, congestionControl, optionHints: optionHints(checked), intent, paths };
}
