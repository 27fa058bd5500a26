/** Lets a process that requests MPTCP by default see each request of Node's HTTP agents. */
import http from 'node:http';
import { wrapOnce } from './shared';

/** What to do about a request before an agent gives it a socket; `options` are the request's. */
export type OnRequest = (request: http.ClientRequest, options: object) => void;

interface AgentInternals {
  addRequest(request: http.ClientRequest, options: object, ...rest: unknown[]): void;
}

/** Calls `onRequest` for each request that an agent is to serve, subclasses of Node's included. */
export function installInHttpAgents(onRequest: OnRequest): void {
  wrapOnce(
    'http.1',
    () => onRequest,
    (current) => {
      const prototype = http.Agent.prototype as unknown as AgentInternals;
      // eslint-disable-next-line @typescript-eslint/unbound-method -- it is always called on an agent
      const { addRequest } = prototype;
      prototype.addRequest = function (this: AgentInternals, request, options, ...rest) {
        current()(request, options);
        addRequest.call(this, request, options, ...rest);
      };
    },
  );
}
