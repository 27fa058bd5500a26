/** The settings of sockets, servers and this environment: which one counts where. */
import type net from 'node:net';
import { lazily } from '../base/lazy';
import type { Tagged } from '../base/tagged';
import { Client, clientOf, setClient } from './client';
import { shared } from './node/shared';
import type { ListenAddress } from './node/types';
import type { Settings } from './options';

const requireOfEmitted = lazily(
  () => (require('./requirement') as typeof import('./requirement')).requireOfEmitted,
);

const kSettings = Symbol.for('mptcp.settings.1');
type Server = Tagged<net.Server, typeof kSettings, Settings>;

interface State {
  /** The settings that {@link withSettings} has put in force. */
  scope?: Settings | undefined;
  /** Returns the settings that follow the asynchronous calls: see scope.ts. */
  ambient?: () => Settings | undefined;
  /** The defaults of connections. */
  connect?: Settings;
  /** The defaults of servers. */
  listen?: Settings;
}

const state = shared<State>('settings.1', () => ({}));

/** Sets the settings of connections and servers of this environment that have none of their own. */
export function setDefaults(connect: Settings, listen: Settings): void {
  Object.assign(state, { connect, listen });
}

/**
 * Calls `create`: sockets that it connects and servers that it binds before it returns have
 * `settings`.
 */
export function withSettings<Args extends unknown[], T>(
  settings: Settings | undefined,
  create: (...args: Args) => T,
  ...args: Args
): T {
  const outer = state.scope;
  state.scope = settings;
  try {
    return create(...args);
  } finally {
    state.scope = outer;
  }
}

/** Puts settings in force as {@link withSettings} does, until it is called without any. */
export function enterSettings(settings?: Settings): void {
  state.scope = settings;
}

/** Sets how the settings of {@link ambientSettings} are found. */
export function setAmbient(ambient: () => Settings | undefined): void {
  state.ambient = ambient;
}

/** Returns the settings that scope.ts has put in force around this call; undefined where it has not. */
export function ambientSettings(): Settings | undefined {
  return state.ambient?.();
}

/** Returns the settings that are in force around this call, the innermost ones first. */
function scope(): Settings | undefined {
  return state.scope ?? ambientSettings();
}

/** Sets the settings of a socket. */
export function setSocketSettings(socket: net.Socket, settings: Settings): void {
  const client = clientOf(socket);
  if (client) client.settings = settings;
  else setClient(socket, new Client(settings));
}

/** Sets the settings of a server. */
export function setServerSettings(server: Server, settings: Settings): void {
  const isGuarded = server[kSettings]?.mode === 'require';
  server[kSettings] = settings;
  if (settings.mode === 'require' && !isGuarded)
    requireOfEmitted(server, () => requiresMptcp(server));
}

/** Whether a server's connections must speak MPTCP: not where its listener stays TCP. */
function requiresMptcp(server: Server): boolean {
  const settings = server[kSettings];
  if (settings?.mode !== 'require') return false;
  const at = settings.excludes && server.address();
  return typeof at !== 'object' || at === null || !excludesListener(settings, at);
}

/** Returns the settings of a socket; undefined where it has none, and there are no defaults. */
export function settingsOfSocket(socket: net.Socket): Settings | undefined {
  return clientOf(socket)?.settings ?? scope() ?? state.connect;
}

/** Returns the settings of a server; undefined where it has none, and there are no defaults. */
export function settingsOfServer(server: Server): Settings | undefined {
  return server[kSettings] ?? scope() ?? state.listen;
}

/**
 * Returns the settings of a handle that is bound for no server: a cluster's primary binds for
 * workers.
 */
export function settingsOfListener(): Settings | undefined {
  return scope() ?? state.listen;
}

/** Whether the settings leave a listener at this address to TCP. */
export function excludesListener(
  { excludes }: Settings,
  { address, port }: ListenAddress,
): boolean {
  return excludes?.(address ?? '::', port) ?? false;
}
