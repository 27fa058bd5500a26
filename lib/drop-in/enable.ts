import net from 'node:net';
import { invalidArgType } from '../base/arguments';
import { checkMptcpOptions, type MptcpOptions } from '../sockets/options';
import { setServerSettings, setSocketSettings } from '../sockets/settings';
import { setUp } from './setup';

function invalidState(message: string): Error {
  return Object.assign(new Error(message), { code: 'ERR_INVALID_STATE' });
}

/**
 * MPTCP for a server or socket made elsewhere (fastify's, express', ws' …), before it listens or
 * connects. Returns it. ERR_INVALID_STATE: it listens or connects already.
 */
export function enable<T extends net.Server | net.Socket>(
  serverOrSocket: T,
  options?: MptcpOptions,
): T {
  const settings = checkMptcpOptions(options, 'options');
  if (serverOrSocket instanceof net.Server) {
    if (serverOrSocket.listening) throw invalidState('enable() comes before listen()');
    setServerSettings(serverOrSocket, settings);
  } else if (serverOrSocket instanceof net.Socket) {
    if (!serverOrSocket.pending || serverOrSocket.connecting) {
      throw invalidState('enable() comes before connect()');
    }
    setSocketSettings(serverOrSocket, settings);
  } else {
    throw invalidArgType('serverOrSocket', 'a net.Server or a net.Socket', serverOrSocket);
  }
  setUp();
  return serverOrSocket;
}
