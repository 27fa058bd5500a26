/** node:http with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import http from 'node:http';
import { openDoor } from './drop-in/door';
import {
  type AgentClass,
  agentClass,
  getFunction,
  GLOBAL_AGENT_OPTIONS,
  type RequestFunction,
  requestFunction,
} from './drop-in/http-agent';
import {
  type CreateServer,
  type ServerClass,
  serverClass,
  serverFactory,
} from './drop-in/wrappers';

export * from 'node:http';
/** The module itself, for default imports that are compiled to CommonJS. */
export * as default from './http';

/** Node's http.Agent, which keeps connections for further requests. */
export type Agent = http.Agent;
/** Node's http.Agent with the option `mptcp`; connections of unlike `mptcp` options stay apart. */
export const Agent: AgentClass<http.Agent, http.AgentOptions> = agentClass(http.Agent);

/** Node's http.Server. */
export type Server = http.Server;
/** Node's http.Server with the option `mptcp`. */
export const Server: ServerClass<http.Server, http.ServerOptions, http.RequestListener> =
  serverClass(http.Server);

/** The agent of requests without one. This package's own; Node's is never changed. */
export let globalAgent: http.Agent = new Agent(GLOBAL_AGENT_OPTIONS);

/** http.createServer() with the option `mptcp`. */
export const createServer: CreateServer<http.Server, http.ServerOptions, http.RequestListener> =
  serverFactory(http.createServer);

/**
 * http.request() with the option `mptcp`; without an agent it uses this module's {@link
 * globalAgent}.
 */
export const request: RequestFunction<http.RequestOptions> = requestFunction(
  http,
  () => globalAgent,
  Agent,
);

/** http.get() with the option `mptcp`: a {@link request} that is ended at once. */
export const get: RequestFunction<http.RequestOptions> = getFunction(request);

openDoor(module, http, {
  Agent,
  Server,
  createServer,
  get,
  get globalAgent() {
    return globalAgent;
  },
  set globalAgent(agent) {
    globalAgent = agent;
  },
  request,
});
