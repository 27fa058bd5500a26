/** A request and its echo over each protocol, as functions that run in peers. */
import type { IncomingMessage } from 'node:http';
import type { MptcpOptions } from '../../../lib';
import type { ConnectionStatus } from '../../../lib';
import type { Inside, Protocol } from './peer';

export interface Target {
  host: string;
  port: number;
  /** The addresses to which `host` resolves; Happy Eyeballs tries several in turn. */
  addresses?: readonly string[];
  localAddress?: string;
  localPort?: number;
  mptcp?: MptcpOptions;
}

export interface Answer {
  /** The echo: 'hello'. */
  answer: string;
  /** The time from connecting to the answer, in milliseconds. */
  took: number;
  status: ConnectionStatus;
}

/**
 * A request and its echo over one protocol. Both sides keep their end in `state.connection`, and the
 * client keeps its socket in `state.socket`.
 */
export interface Echo {
  serve: (inside: Inside, mptcp?: MptcpOptions) => Promise<number>;
  ask: (inside: Inside, protocol: Protocol, target: Target) => Promise<Answer>;
}

export type Kind = 'net' | 'tls' | 'https' | 'http2';

export const echoes: Record<Kind, Echo> = {
  net: {
    serve: ({ mptcp, net, listen, state }, options) => {
      const server = net.createServer(options ? { mptcp: options } : {}, (socket) => {
        state.connection = mptcp.connectionOf(socket);
        socket.on('error', () => undefined).pipe(socket);
      });
      return listen(server);
    },
    ask: async ({ mptcp, modules, once, resolving, state }, protocol, { addresses, ...target }) => {
      const start = performance.now();
      const socket = modules(protocol).net.connect({ ...target, ...resolving(addresses) });
      state.socket = socket;
      state.connection = mptcp.connectionOf(socket);
      await once(socket, 'connect');
      socket.write('hello');
      const answer = String((await once(socket, 'data'))[0]);
      const took = performance.now() - start;
      return { answer, took, status: state.connection.status };
    },
  },
  tls: {
    serve: ({ mptcp, tls, listen, state, certificate }, options) => {
      const all = { ...certificate, ...(options && { mptcp: options }) };
      const server = tls.createServer(all, (socket) => {
        state.connection = mptcp.connectionOf(socket);
        socket.on('error', () => undefined).pipe(socket);
      });
      return listen(server);
    },
    ask: async ({ mptcp, modules, once, resolving, state }, protocol, { addresses, ...target }) => {
      const start = performance.now();
      const socket = modules(protocol).tls.connect({
        ...{ rejectUnauthorized: false, ...target, ...resolving(addresses) },
      });
      state.socket = socket;
      state.connection = mptcp.connectionOf(socket);
      await once(socket, 'secureConnect');
      socket.write('hello');
      const answer = String((await once(socket, 'data'))[0]);
      const took = performance.now() - start;
      return { answer, took, status: state.connection.status };
    },
  },
  https: {
    serve: ({ mptcp, https, listen, state, certificate }, options) => {
      const all = { ...certificate, ...(options && { mptcp: options }) };
      const server = https.createServer(all, (request, response) => {
        state.connection = mptcp.connectionOf(request);
        request.pipe(response);
      });
      return listen(server);
    },
    ask: async ({ mptcp, modules, once, resolving, state }, protocol, { addresses, ...target }) => {
      const start = performance.now();
      const request = modules(protocol).https.request({
        ...{
          agent: false,
          method: 'POST',
          rejectUnauthorized: false,
          ...target,
          ...resolving(addresses),
        },
      });
      request.end('hello');
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      state.socket = response.socket;
      state.connection = mptcp.connectionOf(response);
      const answer = String((await once(response, 'data'))[0]);
      const took = performance.now() - start;
      return { answer, took, status: state.connection.status };
    },
  },
  http2: {
    serve: ({ mptcp, http2, listen, state, certificate }, options) => {
      const all = { ...certificate, ...(options && { mptcp: options }) };
      const server = http2.createSecureServer(all, (request, response) => {
        state.connection = mptcp.connectionOf(request.stream.session!);
        request.stream.pipe(response.stream);
      });
      return listen(server);
    },
    ask: async ({ mptcp, modules, once, resolving, state }, protocol, { addresses, ...target }) => {
      const start = performance.now();
      const host = target.host.includes(':') ? `[${target.host}]` : target.host;
      const session = modules(protocol).http2.connect(`https://${host}:${target.port}`, {
        ...{ rejectUnauthorized: false, ...target, ...resolving(addresses) },
      });
      state.session = session;
      await once(session, 'connect');
      state.connection = mptcp.connectionOf(session);
      const stream = session.request({ ':method': 'POST' });
      stream.end('hello');
      const answer = String((await once(stream, 'data'))[0]);
      const took = performance.now() - start;
      return { answer, took, status: state.connection.status };
    },
  },
};

export const KINDS = Object.keys(echoes) as Kind[];
