/** The same download over each protocol, as functions that run in peers. */
import type { IncomingMessage } from 'node:http';
import type { Inside, Received } from './peer';

/** A length that no test waits for: the server's `state.sent.stop()` ends the download. */
export const ENDLESS = 2 ** 40;

/**
 * A download over one protocol. `serve` answers every request with `length` bytes, `fetch` reads
 * them. Both keep their end in `state.connection`; `state.sent.digest()` is the hash of the bytes.
 */
export interface Download {
  serve: (inside: Inside, length: number) => Promise<number>;
  fetch: (inside: Inside, host: string, port: number) => Promise<Received>;
}

export const downloads: Record<'net' | 'https' | 'http2', Download> = {
  net: {
    serve: ({ mptcp, net, listen, bytes, state }, length) => {
      const server = net.createServer((socket) => {
        state.connection = mptcp.connectionOf(socket);
        state.sent = bytes(length);
        state.sent.pipe(socket.on('error', () => undefined));
      });
      return listen(server);
    },
    fetch: ({ mptcp, net, receive, state }, host, port) => {
      const socket = net.connect(port, host);
      state.connection = mptcp.connectionOf(socket);
      return receive(socket, (length) => (state.received = length));
    },
  },
  https: {
    serve: ({ mptcp, https, listen, bytes, state, certificate }, length) => {
      const server = https.createServer(certificate, ({ socket }, response) => {
        state.connection = mptcp.connectionOf(socket);
        state.sent = bytes(length);
        state.sent.pipe(response);
      });
      return listen(server);
    },
    fetch: async ({ mptcp, https, once, receive, state }, host, port) => {
      const request = https.get({ host, port, rejectUnauthorized: false });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      state.connection = mptcp.connectionOf(response);
      return receive(response, (length) => (state.received = length));
    },
  },
  http2: {
    serve: ({ mptcp, http2, listen, bytes, state, certificate }, length) => {
      const server = http2.createSecureServer(certificate, ({ stream }, response) => {
        state.connection = mptcp.connectionOf(stream.session!);
        state.sent = bytes(length);
        state.sent.pipe(response);
      });
      return listen(server);
    },
    fetch: async ({ mptcp, http2, receive, state }, host, port) => {
      const authority = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
      const session = http2.connect(authority, { rejectUnauthorized: false });
      state.connection = mptcp.connectionOf(session);
      const stream = session.request();
      const received = await receive(stream, (length) => (state.received = length));
      session.close();
      return received;
    },
  },
};
