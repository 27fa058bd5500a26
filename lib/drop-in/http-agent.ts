/** What http.ts and https.ts share: agents whose connections are MPTCP, and requests that use them. */
import type http from 'node:http';
import type { Duplex } from 'node:stream';
import type { MptcpOptions, WithMptcpOptions } from '../sockets/options';
import { withSettings } from '../sockets/settings';
import { settingsFrom } from './wrappers';

interface AgentMethods {
  createConnection(options: object, callback?: unknown): Duplex | undefined;
  getName(options?: object): string;
}

/** An agent like `base` that connects by MPTCP, and keeps connections of unlike options apart. */
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

    override getName(options: { mptcp?: MptcpOptions } = {}): string {
      const name = super.getName(options);
      return options.mptcp ? `${name}:mptcp:${JSON.stringify(options.mptcp)}` : name;
    }
  }
  // As Node's, it works without `new`.
  return new Proxy(Agent as unknown as C, {
    apply: (target, _thisArg, args: never[]) => new target(...args),
  });
}

export type RequestArguments = [
  url: string | URL | http.RequestOptions,
  optionsOrCallback?: object | ((response: http.IncomingMessage) => void),
  callback?: (response: http.IncomingMessage) => void,
];

/** As Node tells a URL, also one of another implementation, from options. */
function isUrl(url: object | null | undefined): boolean {
  const { href, protocol, auth, path } = (url ?? {}) as Record<string, unknown>;
  return Boolean(href) && Boolean(protocol) && auth === undefined && path === undefined;
}

/** The arguments of request(), with an MPTCP agent where Node would take one of its own. */
export function withAgent(
  [url, ...rest]: RequestArguments,
  globalAgent: () => http.Agent,
  newAgent: () => http.Agent,
): RequestArguments {
  const urlFirst = typeof url === 'string' || isUrl(url);
  const given = (urlFirst ? rest[0] : url) as http.RequestOptions | (() => void) | undefined;
  const options: http.RequestOptions = typeof given === 'object' ? given : {};
  const { agent, createConnection } = options;
  if (agent !== false && (agent ?? createConnection)) return [url, ...rest] as RequestArguments;
  const withOurs = { ...options, agent: agent === false ? newAgent() : globalAgent() };
  if (!urlFirst) return [withOurs, ...rest] as RequestArguments;
  const callback = typeof given === 'object' ? rest[1] : given;
  return [url, withOurs, callback] as RequestArguments;
}

/** As Node's own global agents are made. */
export const GLOBAL_AGENT_OPTIONS = { keepAlive: true, scheduling: 'lifo', timeout: 5000 } as const;
