/** The arguments, answers and end of the servers of this folder. */
import { readFileSync } from 'node:fs';
import { connectionOf } from 'mptcp';

const [way, scheme, host = '127.0.0.1'] = process.argv.slice(2);
export { host, scheme, way };

const pem = (name) => readFileSync(new URL(`../tls/${name}.pem`, import.meta.url));
export const secure = scheme === 'https';
export const certificate = secure ? { key: pem('key'), cert: pem('cert') } : {};

/** Describes the connection of a request. */
export function describe(socketLike) {
  const { status, token, serverSide } = connectionOf(socketLike);
  return { status, token, serverSide };
}

/** Prints the port of a server, and closes it when standard input ends, upon which the process ends. */
export function announce(server, close = () => server.close()) {
  console.log(JSON.stringify({ port: server.address().port }));
  process.stdin.on('end', close).resume();
}
