/**
 * The composition root: wraps Node's sockets and servers, and connects layers that must not import
 * one another. What the wrappers do is loaded with the first socket or server that uses them.
 */
import { lazily } from '../base/lazy';
import { installInCluster } from '../sockets/node/cluster';
import { install } from '../sockets/node/install';
import type { HandleHooks } from '../sockets/node/types';
import type { Settings } from '../sockets/options';

/** The settings of connections and listeners of this environment that have none of their own. */
export interface Defaults {
  connect: Settings;
  listen: Settings;
}

let hooks: typeof import('../sockets/hooks') | undefined;
let defaults: (() => Defaults) | undefined;

function load(): typeof import('../sockets/hooks') {
  if (hooks) return hooks;
  const loaded = require('../sockets/hooks') as typeof import('../sockets/hooks');
  const { setPathHinter } =
    require('../sockets/path-hinter') as typeof import('../sockets/path-hinter');
  setPathHinter(
    lazily(() => (require('../intents/intents') as typeof import('../intents/intents')).hintIntent),
  );
  if (defaults) {
    const { setDefaults } = require('../sockets/settings') as typeof import('../sockets/settings');
    const { connect, listen } = defaults();
    setDefaults(connect, listen);
  }
  hooks = loaded;
  return loaded;
}

/**
 * Returns hooks that let sockets fail with this errno where they would be bound or connected: while the
 * process can open no file, the hooks cannot be loaded, and Node would not get a socket either.
 */
const refusing = (errno: number): HandleHooks => ({
  socketConnect: () => undefined,
  serverListens: () => undefined,
  serverListen: (_server, _at, listen) => {
    listen();
    return undefined;
  },
  bind: () => errno,
  connect: () => errno,
  close: () => undefined,
});

function loadHandleHooks(): HandleHooks {
  try {
    return load().handleHooks;
  } catch (error) {
    const { code = '', errno } = error as NodeJS.ErrnoException;
    if (errno === undefined || !['EMFILE', 'ENFILE'].includes(code)) throw error;
    return refusing(errno);
  }
}

let installed = false;

/**
 * Makes this environment's sockets and servers request MPTCP where their own settings say so, or the
 * default ones that `giveDefaults` returns; it is called with the first socket or server.
 */
export function setUp(giveDefaults?: () => Defaults): void {
  defaults = giveDefaults ?? defaults;
  if (installed) return;
  installed = true;
  install(loadHandleHooks);
  installInCluster(() => load().clusterHooks);
  // Jest lets no module load another one after its test file has ended, but the wrappers stay.
  if (process.env.JEST_WORKER_ID !== undefined) load();
}
