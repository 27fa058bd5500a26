/** node:http with MPTCP on: the same classes, functions and errors, and the option `mptcp`. */
import http from 'node:http';
import {
  agentClass,
  GLOBAL_AGENT_OPTIONS,
  type RequestArguments,
  withAgent,
} from './drop-in/http-agent';
import { serverClass, serverFactory } from './drop-in/wrappers';
import type { WithMptcpOptions } from './sockets/options';

export * from 'node:http';

type ResponseListener = (response: http.IncomingMessage) => void;
type Options = http.RequestOptions & WithMptcpOptions;

interface Request {
  (options: Options | string | URL, callback?: ResponseListener): http.ClientRequest;
  (url: string | URL, options: Options, callback?: ResponseListener): http.ClientRequest;
}

interface CreateServer {
  (requestListener?: http.RequestListener): http.Server;
  (
    options: http.ServerOptions & WithMptcpOptions,
    requestListener?: http.RequestListener,
  ): http.Server;
}

export type Agent = http.Agent;
export const Agent: {
  new (options?: http.AgentOptions & WithMptcpOptions): http.Agent;
  prototype: http.Agent;
} = agentClass(http.Agent);

export type Server = http.Server;
export const Server: {
  new (requestListener?: http.RequestListener): http.Server;
  new (
    options: http.ServerOptions & WithMptcpOptions,
    requestListener?: http.RequestListener,
  ): http.Server;
  prototype: http.Server;
} = serverClass(http.Server);

/** The agent of requests without one. This package's own; Node's is never changed. */
// eslint-disable-next-line prefer-const -- an app may put its own here, as in node:http
export let globalAgent: http.Agent = new Agent(GLOBAL_AGENT_OPTIONS);

export const createServer: CreateServer = serverFactory(http.createServer);

export const request: Request = (...args: unknown[]) =>
  http.request(
    ...(withAgent(
      args as RequestArguments,
      () => globalAgent,
      () => new Agent(),
    ) as Parameters<typeof http.request>),
  );

export const get: Request = (...args: unknown[]) => {
  const message = request(...(args as Parameters<Request>));
  message.end();
  return message;
};
