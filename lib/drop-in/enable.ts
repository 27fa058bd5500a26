import net from 'node:net';
import { invalidArgType } from '../base/arguments';
import { checkMptcpOptions, type MptcpOptions, type WithMptcpOptions } from '../sockets/options';
import { setServerSettings, setSocketSettings } from '../sockets/settings';
import { setUp } from './setup';

function invalidState(message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_INVALID_STATE' });
}

/** Whether options have the one key `mptcp`. */
function isWrapped(options: unknown): options is WithMptcpOptions {
  if (typeof options !== 'object' || options === null) return false;
  const [key, ...others] = Object.keys(options);
  return key === 'mptcp' && others.length === 0;
}

/**
 * Turns MPTCP on for a server or socket that was made elsewhere (by fastify, express, ws …), before
 * it listens or connects, and returns it; `options` may also have the form `{ mptcp: options }` that
 * the options of servers and sockets have. ERR_INVALID_STATE where it listens or connects already,
 * ERR_INVALID_ARG_TYPE and ERR_INVALID_ARG_VALUE for wrong arguments.
 */
export function enable<T extends net.Server | net.Socket>(
  serverOrSocket: T,
  options?: MptcpOptions | WithMptcpOptions,
): T {
  const settings = isWrapped(options)
    ? checkMptcpOptions(options.mptcp)
    : checkMptcpOptions(options, 'options');
  if (serverOrSocket instanceof net.Server) {
    if (serverOrSocket.listening)
      throw invalidState('The server listens already: call enable() before listen()');
    setServerSettings(serverOrSocket, settings);
  } else if (serverOrSocket instanceof net.Socket) {
    if (!serverOrSocket.pending || serverOrSocket.connecting) {
      throw invalidState('The socket connects already: call enable() before connect()');
    }
    setSocketSettings(serverOrSocket, settings);
  } else {
    throw invalidArgType('serverOrSocket', 'a net.Server or a net.Socket', serverOrSocket);
  }
  setUp();
  return serverOrSocket;
}
