import type http from 'node:http';
import net from 'node:net';
import { invalidArgType } from '../base/arguments';
import type { MptcpOptions, WithMptcpOptions } from '../sockets/options';
import { setServerSettings, setSocketSettings } from '../sockets/settings';
import { settingsOf } from './given-options';
import { invalidState } from './invalid-state';
import { setUp } from './setup';

/** Returns the code for agents where the object may be one: node:http is then loaded already. */
function forAgents(object: unknown): typeof import('./enable-agent') | undefined {
  if (typeof object !== 'object' || object === null || !('createConnection' in object))
    return undefined;
  return require('./enable-agent') as typeof import('./enable-agent');
}

/**
 * Turns MPTCP on for a server, a socket or an HTTP agent that was made elsewhere (by fastify, express,
 * ws, a client that has its own agent …), before it listens or connects, and returns it; `options` may
 * also have the form `{ mptcp: options }` that the options of servers and sockets have.
 * ERR_INVALID_STATE where it listens or connects already, ERR_INVALID_ARG_TYPE and
 * ERR_INVALID_ARG_VALUE for wrong arguments.
 */
export function enable<T extends net.Server | net.Socket | http.Agent>(
  made: T,
  options?: MptcpOptions | WithMptcpOptions | boolean,
): T {
  const settings = settingsOf(options);
  if (made instanceof net.Server) {
    if (made.listening)
      throw invalidState('The server listens already: call enable() before listen()');
    setServerSettings(made, settings);
  } else if (made instanceof net.Socket) {
    if (!made.pending || made.connecting) {
      throw invalidState('The socket connects already: call enable() before connect()');
    }
    setSocketSettings(made, settings);
  } else {
    const agents = forAgents(made);
    if (!agents?.isAgent(made))
      throw invalidArgType('made', 'a net.Server, a net.Socket or an http.Agent', made);
    agents.enableAgent(made, settings);
  }
  setUp();
  return made;
}
