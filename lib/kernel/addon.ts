/** Loads the native addon when it is first needed, and says why it cannot be loaded. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Native } from '../../types/native';
import { MptcpError } from '../base/errors';

/** The folder of this package, which has the addon; undefined in an ES module, made by a bundler. */
const ROOT = typeof __dirname === 'string' ? path.join(__dirname, '..', '..') : undefined;

interface Loaded {
  native?: Native;
  error?: Error;
}

let loaded: Loaded | undefined;

function load(): Loaded {
  if (process.platform !== 'linux') {
    return { error: new Error(`it needs Linux, and this is ${process.platform}`) };
  }
  if (ROOT === undefined || isBundled(ROOT)) {
    return {
      error: new Error(
        "a bundler has separated this package from its addon. Mark 'mptcp' as external: see docs/bundlers.md",
      ),
    };
  }
  try {
    return { native: finder()(ROOT) as Native };
  } catch (error) {
    return { error: explain(error as NodeJS.ErrnoException, ROOT) };
  }
}

/** Whether this code was moved out of its package, whose folder would be `root`. */
function isBundled(root: string): boolean {
  try {
    const { name } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      name?: string;
    };
    return name !== 'mptcp';
  } catch (error) {
    return !['ERR_ACCESS_DENIED', ...SCARCITY].includes(
      (error as NodeJS.ErrnoException).code ?? '',
    );
  }
}

/** The errors of open() where the process or the machine has too many open files. */
const SCARCITY = ['EMFILE', 'ENFILE'];

/** Returns the error of opening a file of this package where too many files are open for that. */
function scarcity(): NodeJS.ErrnoException | undefined {
  try {
    closeSync(openSync(__filename, 'r'));
    return undefined;
  } catch (error) {
    return SCARCITY.includes((error as NodeJS.ErrnoException).code ?? '')
      ? (error as NodeJS.ErrnoException)
      : undefined;
  }
}

/**
 * Loads the addon at the first call, and again after files were scarce: node-gyp-build reports that as
 * the absence of an addon.
 */
function loadOnce(): Loaded {
  if (loaded) return loaded;
  const result = load();
  const scarce = result.error && scarcity();
  if (scarce) return { error: scarce };
  loaded = result;
  return result;
}

type Find = (folder: string) => unknown;

/** Loads node-gyp-build, also where --permission keeps it from reading which C library this is. */
function finder(): Find {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- not before the addon is needed
  const loadFinder = (): Find => require('node-gyp-build') as Find;
  try {
    return loadFinder();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error;
    // It looks for a file of Alpine when it is loaded, unless LIBC is set.
    process.env.LIBC = hasGlibc() ? 'glibc' : 'musl';
    try {
      return loadFinder();
    } finally {
      delete process.env.LIBC;
    }
  }
}

function hasGlibc(): boolean {
  const { header } = process.report.getReport() as unknown as { header: object };
  return 'glibcVersionRuntime' in header;
}

/** Node's permission model where it is on: `process.permission` is undefined where it is off. */
function permission(): { has(scope: string, reference?: string): boolean } | undefined {
  return (process as { permission?: { has(scope: string, reference?: string): boolean } })
    .permission;
}

function hasFlag(flag: string): boolean {
  return [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)].includes(flag);
}

function explain(error: NodeJS.ErrnoException, root: string): Error {
  const because = (message: string): Error => new Error(message, { cause: error });
  if (error.code === 'ERR_DLOPEN_DISABLED') {
    return permission() === undefined || hasFlag('--no-addons')
      ? because('--no-addons keeps addons out. Start Node.js without it')
      : because('--permission keeps addons out. Add --allow-addons');
  }
  if (error.code === 'ERR_DLOPEN_FAILED') {
    return because(
      `the addon cannot be loaded: ${error.message}. Install python3, make and g++ and run 'npm rebuild mptcp --build-from-source'`,
    );
  }
  if (error.code === 'ERR_ACCESS_DENIED' || permission()?.has('fs.read', root) === false) {
    return because(
      `--permission keeps the files of this package from being read. Add --allow-addons and --allow-fs-read=${root}`,
    );
  }
  if (!error.message.startsWith('No native build was found')) return error;
  return because(
    "there is no addon for this machine. Install python3, make and g++ and run 'npm rebuild mptcp'",
  );
}

/** The addon, loaded at the first call; undefined where it cannot be: requireNative() says why. */
export function loadNative(): Native | undefined {
  return loadOnce().native;
}

/** The addon, or ERR_MPTCP_UNAVAILABLE; ERR_MPTCP_SYSTEM where too many files are open to load it. */
export function requireNative(): Native {
  const { native, error } = loadOnce();
  if (native) return native;
  const { code = '', errno } = error as NodeJS.ErrnoException;
  if (SCARCITY.includes(code) && errno !== undefined) {
    throw new MptcpError(
      'ERR_MPTCP_SYSTEM',
      `The addon cannot be loaded now: too many files are open (${code}). Raise the limit (ulimit -n; sysctl fs.file-max), or close some`,
      { errno, cause: error },
    );
  }
  throw new MptcpError(
    'ERR_MPTCP_UNAVAILABLE',
    `Multipath TCP is not available: ${error?.message ?? 'no addon'}`,
    { cause: error },
  );
}
