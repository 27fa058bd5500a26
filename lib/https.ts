/** node:https with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import type { RequestListener } from 'node:http';
import https from 'node:https';
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

export * from 'node:https';
/** The module itself, for default imports that are compiled to CommonJS. */
export * as default from './https';

/** Node's https.Agent, which keeps connections for further requests. */
export type Agent = https.Agent;
/** Node's https.Agent with the option `mptcp`; connections of unlike `mptcp` options stay apart. */
export const Agent: AgentClass<https.Agent, https.AgentOptions> = agentClass(https.Agent);

/** Node's https.Server. */
export type Server = https.Server;
/** Node's https.Server with the option `mptcp`. */
export const Server: ServerClass<https.Server, https.ServerOptions, RequestListener> = serverClass(
  https.Server,
);

/** The agent of requests without one. This package's own; Node's is never changed. */
export let globalAgent: https.Agent = new Agent(GLOBAL_AGENT_OPTIONS);

/** https.createServer() with the option `mptcp`. */
export const createServer: CreateServer<https.Server, https.ServerOptions, RequestListener> =
  serverFactory(https.createServer);

/**
 * https.request() with the option `mptcp`; without an agent it uses this module's {@link
 * globalAgent}.
 */
export const request: RequestFunction<https.RequestOptions> = requestFunction(
  https,
  () => globalAgent,
  Agent,
);

/** https.get() with the option `mptcp`: a {@link request} that is ended at once. */
export const get: RequestFunction<https.RequestOptions> = getFunction(request);

openDoor(module, https, {
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
