/** What the servers share: how they are started, what they answer, how they end. */
import { readFileSync } from 'node:fs';
import { connectionOf } from 'mptcp';

const [way, scheme, host = '127.0.0.1'] = process.argv.slice(2);
export { host, scheme, way };

const pem = (name) => readFileSync(new URL(`../tls/${name}.pem`, import.meta.url));
export const secure = scheme === 'https';
export const certificate = secure ? { key: pem('key'), cert: pem('cert') } : {};

/** What a server says of the connection that a request came by. */
export function describe(socketLike) {
  const { status, token, serverSide } = connectionOf(socketLike);
  return { status, token, serverSide };
}

/** Tells where the server listens. When standard input ends it is closed, and the process is to end. */
export function announce(server, close = () => server.close()) {
  console.log(JSON.stringify({ port: server.address().port }));
  process.stdin.on('end', close).resume();
}
