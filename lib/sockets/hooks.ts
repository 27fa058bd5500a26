/** The hooks that Node's wrapped methods call at each step of the life of a socket or a server. */
import net from 'node:net';
import { MptcpError } from '../base/errors';
import { forestallAccepted } from '../hints/congestion-control';
import { isMptcpSocket, warnUnavailable, whyNodeChanged, whyUnavailable } from './availability';
import { isBlackhole } from './blackholes';
import { Client, clientOf, setClient } from './client';
import { prepareClose } from './closing';
import { clusterHooks } from './cluster';
import { acceptClient, connected, publishAccepted } from './connected';
import { makeRoom } from './lingering';
import { listensByMptcp } from './node/cluster';
import { followHandles, handleOf, socketOf } from './node/handle';
import { onConnection } from './node/install';
import {
  type ConnectRequest,
  type ConnectTarget,
  type HandleHooks,
  type ListenAddress,
  type TcpHandle,
} from './node/types';
import { noteOffer, type Offer, offer, offerOf } from './offer';
import { checkMptcpOptions, type Settings, type WithMptcpOptions } from './options';
import {
  excludesListener,
  setServerSettings,
  settingsOfListener,
  settingsOfServer,
  settingsOfSocket,
  withSettings,
} from './settings';
import { beginAttempt, endAttempt, stopAttempts } from './tcp-retry';

const CANCELED = -125; // UV_ECANCELED

let isInstalledInAgents = false;

/** Holds the further requests of Node's agents to their own options: they may reuse a connection. */
function installInAgents(): void {
  if (isInstalledInAgents) return;
  isInstalledInAgents = true;
  const agents = require('./node/http-agents') as typeof import('./node/http-agents');
  const { requireOfRequest } = require('./requirement') as typeof import('./requirement');
  agents.installInHttpAgents((request, { mptcp }: WithMptcpOptions) => {
    if (mptcp !== undefined && checkMptcpOptions(mptcp).mode === 'require')
      requireOfRequest(request);
  });
}

function socketConnect(socket: net.Socket, target: ConnectTarget): void {
  const given = settingsOfSocket(socket);
  if (!given || target.path) return; // http.Agent passes null where there is no path
  if (target._agentKey !== undefined) installInAgents(); // node:http is loaded already
  const settings =
    target.mptcp === undefined ? given : { ...given, ...checkMptcpOptions(target.mptcp) };
  const client = new Client(settings, target);
  setClient(socket, client);
  const changed = whyNodeChanged();
  if (!changed) followHandles(socket);
  else if (settings.mode === 'prefer') warnUnavailable(changed);
  if (settings.mode !== 'require' || !mayOffer(client)) return;
  const error = whyUnavailable() ?? boundAsTcp(socket);
  // This comes before Node's own next step, which then finds the socket destroyed.
  if (error) process.nextTick(() => socket.destroy(error));
}

/**
 * Returns the error of a socket that came with a TCP descriptor, as one of a net.BoundSocket does.
 */
function boundAsTcp(socket: net.Socket): MptcpError | undefined {
  const handle = handleOf(socket);
  if (!handle || handle.fd < 0 || isMptcpSocket(handle)) return undefined;
  return new MptcpError(
    'ERR_MPTCP_UNAVAILABLE',
    "This connection requires MPTCP, and its socket was bound as TCP before: let connect() bind it, by localAddress and localPort, or use mode 'prefer'",
  );
}

/**
 * Whether a client may be bound as MPTCP before its remote address is known: not if that may be
 * excluded.
 */
function mayOffer({ settings, target }: Client): boolean {
  if (!settings.excludes) return true;
  const { host = 'localhost', port = 0 } = target;
  return net.isIP(host) !== 0 && !settings.excludes(host, port);
}

function bind(handle: TcpHandle, family: 4 | 6, address: string, port: number): number {
  const socket = socketOf(handle);
  const client = socket && clientOf(socket);
  if (client) client.local = { address, port };
  if (handle.fd >= 0) return 0;
  if (client) {
    const settings = { ...client.settings, excludes: undefined };
    return mayOffer(client) ? offer(handle, 'client', settings, family, address, port) : 0;
  }
  const settings = settingsOfListener();
  return settings ? offer(handle, 'server', settings, family, address, port) : 0;
}

function connect(
  handle: TcpHandle,
  family: 4 | 6,
  request: ConnectRequest,
  address: string,
  port: number,
): number {
  const socket = socketOf(handle);
  const client = socket && clientOf(socket);
  if (!client) return 0;
  const { settings } = client;
  if (settings.mode === 'off' || settings.excludes?.(address, port)) return 0;
  const bare = handle.fd < 0;
  if (bare && settings.mode === 'prefer' && isBlackhole(address)) {
    noteOffer(handle, 'client', settings);
    return 0;
  }
  const keepsItsPort = !bare && !client.local; // it was bound before it became this socket's
  const refused = bare ? offer(handle, 'client', settings, family, address, port) : 0;
  const made = offerOf(handle);
  if (refused !== 0 || !made) return refused;
  if (made.opened && settings.mode === 'prefer' && !keepsItsPort) {
    made.retried = client;
    beginAttempt(client, { handle, request, family, address, port });
  }
  made.oncomplete = request.oncomplete;
  request.oncomplete = completed;
  return 0;
}

/**
 * Replaces Node's `oncomplete`: one function for all requests, which finds the rest by the handle.
 */
function completed(this: ConnectRequest, status: number, handle: TcpHandle, ...rest: unknown[]) {
  const made = offerOf(handle);
  const socket = socketOf(handle);
  if (made?.retried) endAttempt(made.retried);
  let result = status;
  if (made && socket && status === 0 && handleOf(socket) === handle) {
    if (made.retried) stopAttempts(made.retried);
    connected(socket, handle, made);
    if (socket.destroyed) result = CANCELED; // it requires MPTCP and has none
  }
  made?.oncomplete?.call(this, result, handle, ...rest);
}

/** Keeps the settings in force for when the address has been looked up. */
function serverListens(server: net.Server): void {
  const settings = settingsOfServer(server);
  if (settings) setServerSettings(server, settings);
}

function serverListen(
  server: net.Server,
  at: ListenAddress | undefined,
  listen: () => void,
): Error | undefined {
  const settings = settingsOfServer(server);
  if (!settings || (at && excludesListener(settings, at))) {
    listen();
    return undefined;
  }
  if (at && settings.mode === 'require') {
    const error = whyUnavailable();
    if (error) return error;
  }
  withSettings(settings, listen);
  const changed = whyNodeChanged();
  if (settings.mode === 'off') return undefined;
  if (changed) {
    warnUnavailable(changed);
    return undefined;
  }
  if (!at && !(listensByMptcp(server) ?? isMptcpSocket(handleOf(server))))
    return handedOver(server, settings);
  const auto = autoOf(handleOf(server), settings);
  onConnection(
    server,
    (client) => {
      makeRoom(); // libuv drops a connection that finds no descriptor, and reports nothing
      const made = noteOffer(client, 'server', settings);
      made.auto = auto;
      return acceptClient(server, client, made);
    },
    publishAccepted,
  );
  return undefined;
}

/** The `auto` state that accepted connections inherit from their listener. */
function autoOf(listener: TcpHandle | undefined, { congestionControl }: Settings): Offer['auto'] {
  const own = listener && offerOf(listener);
  if (own) return own.auto;
  return congestionControl === 'auto' && forestallAccepted(listener?.fd) && 'forestalled';
}

/**
 * Returns the error of a server that requires MPTCP and listens at a socket that was made
 * elsewhere.
 */
function handedOver(server: net.Server, { mode }: Settings): Error | undefined {
  const isIp = handleOf(server) !== undefined || listensByMptcp(server) !== undefined;
  if (mode !== 'require' || !isIp) return undefined;
  return new MptcpError(
    'ERR_MPTCP_UNAVAILABLE',
    'The listening socket that was handed over is no MPTCP socket: create it with IPPROTO_MPTCP, in systemd by SocketProtocol=mptcp',
  );
}

function close(handle: TcpHandle, socket: net.Socket | undefined): void {
  const retried = offerOf(handle)?.retried;
  if (retried) {
    if (socket?.destroyed) stopAttempts(retried);
    else endAttempt(retried); // Happy Eyeballs tries the next address
  }
  prepareClose(handle, socket);
}

/** The hooks of sockets/node/install.ts. */
export const handleHooks: HandleHooks = {
  socketConnect,
  serverListens,
  serverListen,
  bind,
  connect,
  close,
};

export { clusterHooks };
