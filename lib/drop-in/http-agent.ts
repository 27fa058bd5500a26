/**
 * What mptcp/http and mptcp/https share: agents whose connections are MPTCP, and requests by them.
 */
import type http from 'node:http';
import type { Duplex } from 'node:stream';
import { lazily } from '../base/lazy';
import type { WithMptcpOptions } from '../sockets/options';
import { withSettings } from '../sockets/settings';
import { settingsFrom } from './wrappers';

const requireOfRequest = lazily(
  () =>
    (require('../sockets/requirement') as typeof import('../sockets/requirement')).requireOfRequest,
);

/** A class of Node's agents whose options take the key `mptcp`. */
export interface AgentClass<Agent extends http.Agent, Options> {
  /** Makes an agent; the options of a request go before the agent's. */
  new (options?: Options & WithMptcpOptions): Agent;
  /** The prototype of the agents' class, which extends Node's. */
  prototype: Agent;
}

type ResponseListener = (response: http.IncomingMessage) => void;

/** The type of request() and get(), whose options take the key `mptcp`. */
export interface RequestFunction<Options extends http.RequestOptions> {
  /** Makes a request by Node's options and `mptcp`, or by a URL alone. */
  (
    options: (Options & WithMptcpOptions) | string | URL,
    callback?: ResponseListener,
  ): http.ClientRequest;
  /** Makes a request by a URL, and Node's options and `mptcp`. */
  (
    url: string | URL,
    options: Options & WithMptcpOptions,
    callback?: ResponseListener,
  ): http.ClientRequest;
}

interface AgentMethods {
  createConnection(options: object, callback?: unknown): Duplex | undefined;
  getName(options?: object): string;
}

/** Extends `base`: its agents connect by MPTCP, and keep connections of unlike options apart. */
export function agentClass<C extends new (...args: never[]) => http.Agent>(base: C): C {
  const Base = base as unknown as new (...args: unknown[]) => http.Agent & AgentMethods;
  class Agent extends Base {
    constructor(options?: WithMptcpOptions) {
      settingsFrom([options]);
      super(options);
    }

    override createConnection(options: WithMptcpOptions, callback?: unknown): Duplex | undefined {
      return withSettings(settingsFrom([options]), () => super.createConnection(options, callback));
    }

    override getName(options: WithMptcpOptions = {}): string {
      const name = super.getName(options);
      const { mptcp } = options;
      return mptcp === undefined ? name : `${name}:mptcp:${JSON.stringify(mptcp)}`;
    }
  }
  // Node's agents work without `new` too.
  return new Proxy(Agent as unknown as C, {
    apply: (target, _thisArg, args: never[]) => new target(...args),
  });
}

type RequestArguments = [
  url: string | URL | http.RequestOptions,
  optionsOrCallback?: object | ResponseListener,
  callback?: ResponseListener,
];

/** Tells a URL from options as Node does, also one of another implementation. */
function isUrl(url: object | null | undefined): boolean {
  const { href, protocol, auth, path } = (url ?? {}) as Record<string, unknown>;
  return Boolean(href) && Boolean(protocol) && auth === undefined && path === undefined;
}

/** Returns the arguments of request() with an MPTCP agent where Node would use one of its own. */
function withAgent(
  [url, ...rest]: RequestArguments,
  globalAgent: () => http.Agent,
  Agent: new () => http.Agent,
): RequestArguments {
  const urlFirst = typeof url === 'string' || isUrl(url);
  const given = (urlFirst ? rest[0] : url) as http.RequestOptions | (() => void) | undefined;
  const options: http.RequestOptions = typeof given === 'object' ? given : {};
  const { agent, createConnection } = options;
  if (agent !== false && (agent ?? createConnection)) return [url, ...rest] as RequestArguments;
  const withOurs = { ...options, agent: agent === false ? new Agent() : globalAgent() };
  if (!urlFirst) return [withOurs, ...rest] as RequestArguments;
  const callback = typeof given === 'object' ? rest[1] : given;
  return [url, withOurs, callback] as RequestArguments;
}

/**
 * Wraps the request() of node:http or node:https, which is read at each call because others may wrap
 * it too: a request that names no agent uses the one that `globalAgent` returns, and one with
 * `agent: false` an `Agent` of its own.
 */
export function requestFunction<Options extends http.RequestOptions>(
  module: { request: (...args: never[]) => http.ClientRequest },
  globalAgent: () => http.Agent,
  Agent: new () => http.Agent,
): RequestFunction<Options> {
  const node = module as { request: (...args: RequestArguments) => http.ClientRequest };
  return (...args: unknown[]) => {
    const message = node.request(...withAgent(args as RequestArguments, globalAgent, Agent));
    const { mode } = settingsFrom(args.slice(0, 2));
    if (mode === 'require') requireOfRequest(message);
    return message;
  };
}

/** Returns the get() that belongs to a request(): it ends each request at once. */
export function getFunction<Options extends http.RequestOptions>(
  request: RequestFunction<Options>,
): RequestFunction<Options> {
  return (...args: unknown[]) => {
    const message = request(...(args as [string]));
    message.end();
    return message;
  };
}

/** The options with which Node makes its own global agents. */
export const GLOBAL_AGENT_OPTIONS = { keepAlive: true, scheduling: 'lifo', timeout: 5000 } as const;
