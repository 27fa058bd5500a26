/** Loads the native addon when it is first needed, and says why it cannot be loaded. */
import path from 'node:path';
import type { Native } from '../../types/native';
import { MptcpError } from '../base/errors';

let loaded: { native?: Native; error?: Error } | undefined;

function load(): { native?: Native; error?: Error } {
  if (process.platform !== 'linux') {
    return { error: new Error(`it needs Linux, and this is ${process.platform}`) };
  }
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- not before the addon is needed
    const find = require('node-gyp-build') as (folder: string) => unknown;
    return { native: find(path.join(__dirname, '..', '..')) as Native };
  } catch (error) {
    return { error: explain(error as NodeJS.ErrnoException) };
  }
}

function explain(error: NodeJS.ErrnoException): Error {
  if (error.code === 'ERR_DLOPEN_DISABLED') {
    return new Error('--permission keeps addons out. Add --allow-addons', { cause: error });
  }
  if (!error.message.startsWith('No native build was found')) return error;
  return new Error(
    "there is no addon for this machine. Install python3, make and g++ and run 'npm rebuild mptcp'",
    { cause: error },
  );
}

/** The addon, loaded at the first call; undefined where it cannot be: see {@link loadError}. */
export function loadNative(): Native | undefined {
  loaded ??= load();
  return loaded.native;
}

/** Why there is no addon: another operating system, no binary, --permission without --allow-addons. */
export function loadError(): Error | undefined {
  loaded ??= load();
  return loaded.error;
}

/** The addon, or ERR_MPTCP_UNAVAILABLE. */
export function requireNative(): Native {
  const native = loadNative();
  if (native) return native;
  throw new MptcpError(
    'ERR_MPTCP_UNAVAILABLE',
    `Multipath TCP is not available: ${loadError()?.message ?? 'no addon'}`,
    { cause: loadError() },
  );
}
