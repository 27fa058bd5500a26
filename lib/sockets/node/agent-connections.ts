/** Wraps how one HTTP agent connects. */
import http from 'node:http';
import type { Duplex } from 'node:stream';

interface AgentInternals {
  createConnection(...args: unknown[]): Duplex | undefined;
  createSocket(...args: unknown[]): void;
}

/**
 * Calls the agent's createConnection() by `around`. An agent that replaces Node's createSocket(), as
 * proxy agents do, may connect later than it returns: it is called by `aroundLater`.
 */
export function wrapConnections(
  agent: http.Agent,
  around: <T>(connect: () => T) => T,
  aroundLater: <T>(connect: () => T) => T,
): void {
  const internals = agent as unknown as AgentInternals;
  /* eslint-disable @typescript-eslint/unbound-method -- they are called on the agent below */
  const { createConnection, createSocket } = internals;
  const nodes = (http.Agent.prototype as unknown as AgentInternals).createSocket;
  /* eslint-enable @typescript-eslint/unbound-method */
  internals.createConnection = (...args) => around(() => createConnection.apply(agent, args));
  if (createSocket !== nodes)
    internals.createSocket = (...args) => aroundLater(() => createSocket.apply(agent, args));
}
