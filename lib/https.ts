/** node:https with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import type { ClientRequest, IncomingMessage, RequestListener } from 'node:http';
import https from 'node:https';
import {
  agentClass,
  GLOBAL_AGENT_OPTIONS,
  type RequestArguments,
  withAgent,
} from './drop-in/http-agent';
import { serverClass, serverFactory } from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';

export * from 'node:https';

type ResponseListener = (response: IncomingMessage) => void;
type Options = https.RequestOptions & WithMptcpOptions;

interface Request {
  (options: Options | string | URL, callback?: ResponseListener): ClientRequest;
  (url: string | URL, options: Options, callback?: ResponseListener): ClientRequest;
}

interface CreateServer {
  (requestListener?: RequestListener): https.Server;
  (
    options: https.ServerOptions & WithMptcpOptions,
    requestListener?: RequestListener,
  ): https.Server;
}

export type Agent = https.Agent;
export const Agent: {
  new (options?: https.AgentOptions & WithMptcpOptions): https.Agent;
  prototype: https.Agent;
} = agentClass(https.Agent);

export type Server = https.Server;
export const Server: {
  new (requestListener?: RequestListener): https.Server;
  new (
    options: https.ServerOptions & WithMptcpOptions,
    requestListener?: RequestListener,
  ): https.Server;
  prototype: https.Server;
} = serverClass(https.Server);

/** The agent of requests without one. This package's own; Node's is never changed. */
// eslint-disable-next-line prefer-const -- an app may put its own here, as in node:https
export let globalAgent: https.Agent = new Agent(GLOBAL_AGENT_OPTIONS);

export const createServer: CreateServer = serverFactory(https.createServer);

export const request: Request = (...args: unknown[]) =>
  https.request(
    ...(withAgent(
      args as RequestArguments,
      () => globalAgent,
      () => new Agent(),
    ) as Parameters<typeof https.request>),
  );

export const get: Request = (...args: unknown[]) => {
  const message = request(...(args as Parameters<Request>));
  message.end();
  return message;
};
