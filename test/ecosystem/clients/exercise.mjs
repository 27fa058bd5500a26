/**
 * The exercise of every HTTP client: `node client.mjs <mptcp/ | node:> <url> [bytes] [mode]`. Modules
 * come from this package, or are Node's own with the preload.
 */
import { randomBytes } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { connectionOf } from 'mptcp';

const [modules, url, bytes = '4000000', mode = 'prefer'] = process.argv.slice(2);
export const secure = url.startsWith('https:');
export const origin = url;
export const mptcp = { mode };

/** Imports the module of that name with MPTCP on: from this package, or Node's by the preload. */
export const load = (name) => import(`${modules}${name}`);
export const preloaded = modules === 'node:';

const sockets = [];
subscribe('mptcp:connect', ({ socket }) => sockets.push(socket));

/** Describes each connection that the client has opened, except refused ones. */
export function connections() {
  return sockets.map((socket) => {
    const connection = connectionOf(socket);
    const { status, serverSide } = connection;
    if (socket.destroyed) return { status, serverSide };
    const subflows = connection.subflows().map(({ tcpInfo }) => tcpInfo.bytesReceived);
    return { status, serverSide, subflows };
  });
}

export const report = (value) => console.log(JSON.stringify(value));
export const codeOf = (error) => error.code ?? error.cause?.code ?? String(error);

/** A port on which nobody listens. */
export async function refusing() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function* chunks(payload, size = 50_000) {
  for (let at = 0; at < payload.length; at += size) yield payload.subarray(at, at + size);
}

/**
 * Makes two requests in sequence, streams a body in both directions at once, and connects to a port
 * without a server. `get(url)` returns the parsed body, `echo(url, readable)` the echoed stream.
 */
export async function exercise({ get, echo }) {
  const server = [await get(`${origin}/`), await get(`${origin}/`)];
  const payload = randomBytes(Number(bytes));
  console.error('streaming');
  const body = Readable.from(chunks(payload), { objectMode: false });
  const echoed = await buffer(await echo(`${origin}/echo`, body));
  const client = connections();
  const { protocol } = new URL(origin);
  const refused = await get(`${protocol}//127.0.0.1:${await refusing()}/`).then(
    () => 'answered',
    codeOf,
  );
  report({ server, client, echoed: payload.equals(echoed), refused });
}
