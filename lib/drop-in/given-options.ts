import {
  checkMptcpOptions,
  type MptcpOptions,
  type Settings,
  type WithMptcpOptions,
} from '../sockets/options';

/** Whether options have the one key `mptcp`. */
function isWrapped(options: unknown): options is WithMptcpOptions {
  if (typeof options !== 'object' || options === null) return false;
  const [key, ...others] = Object.keys(options);
  return key === 'mptcp' && others.length === 0;
}

/** Checks options that may also have the form `{ mptcp: options }`, and returns their settings. */
export function settingsOf(options?: MptcpOptions | WithMptcpOptions | boolean): Settings {
  return isWrapped(options)
    ? checkMptcpOptions(options.mptcp)
    : checkMptcpOptions(options, 'options');
}
