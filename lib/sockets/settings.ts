import type net from 'node:net';
import type { Tagged } from '../base/tagged';
import { Client, clientOf, setClient } from './client';
import { shared } from './node/shared';
import type { ListenAddress } from './node/types';
import type { Settings } from './options';

const SETTINGS = Symbol.for('mptcp.settings.1');
type Server = Tagged<net.Server, typeof SETTINGS, Settings>;

interface State {
  /** What {@link withSettings} has put in force. */
  scope?: Settings | undefined;
  connect?: Settings;
  listen?: Settings;
}

const state = shared<State>('settings.1', () => ({}));

/** For everything that connects or listens in this environment and was not told otherwise. */
export function setDefaults(connect: Settings, listen: Settings): void {
  Object.assign(state, { connect, listen });
}

/** Sockets that `create` connects and servers that it binds, before it returns, have `settings`. */
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

/** From now on, until it is called again without, as {@link withSettings}. */
export function enterSettings(settings?: Settings): void {
  state.scope = settings;
}

export function setSocketSettings(socket: net.Socket, settings: Settings): void {
  const client = clientOf(socket);
  if (client) client.settings = settings;
  else setClient(socket, new Client(settings));
}

export function setServerSettings(server: Server, settings: Settings): void {
  server[SETTINGS] = settings;
}

export function settingsOfSocket(socket: net.Socket): Settings | undefined {
  return clientOf(socket)?.settings ?? state.scope ?? state.connect;
}

export function settingsOfServer(server: Server): Settings | undefined {
  return server[SETTINGS] ?? state.scope ?? state.listen;
}

/** Of a handle that is bound for no server: a cluster's primary binds for workers. */
export function settingsOfListener(): Settings | undefined {
  return state.scope ?? state.listen;
}

export function excludesListener(
  { excludes }: Settings,
  { address, port }: ListenAddress,
): boolean {
  return excludes?.(address ?? '::', port) ?? false;
}
