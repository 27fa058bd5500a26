import { join } from 'node:path';
import type { Hosts } from '../test/lab/topologies';

export type Load = 'bulk' | 'connections';

/** Does it for so many seconds, and tells the rate: in bit/s, or connections per second. */
export type Turn = (seconds: number) => Promise<number>;

const TIMEOUT = 60_000; // ms

/** A server and a client, two Node programs with `moduleName` for net, that stay for many turns. */
export async function startPeers(
  { client, server, paths: [path] }: Hosts,
  load: Load,
  moduleName: string,
  prefix: readonly string[] = [],
): Promise<Turn> {
  const program = (peer: string, ...args: string[]): [string, string[]] => {
    const words = [process.execPath, join(__dirname, 'peers', peer), moduleName, load, ...args];
    const [command = '', ...rest] = [...prefix, ...words];
    return [command, rest];
  };
  const [port = ''] = await server.spawn(...program('server.cjs')).line(/^\d+$/);
  const asking = client.spawn(...program('client.cjs', path!.server.address, port));
  return async (seconds) => {
    asking.stdin.write(`${seconds}\n`);
    const { rate } = await asking.json<{ rate: number }>(undefined, TIMEOUT);
    return rate;
  };
}

/** The same in bulk from iperf3(1): whole seconds, its slow start among them. */
export const iperf3 =
  ({ client, server, paths: [path] }: Hosts): Turn =>
  async (seconds) => {
    const serving = server.spawn('mptcpize', ['run', 'iperf3', '-s', '-1', '--forceflush']);
    await serving.line(/Server listening/);
    const args = ['-c', path!.server.address, '-R', '-J', '-t', String(Math.ceil(seconds))];
    const report = await client.spawn('mptcpize', ['run', 'iperf3', ...args]).success();
    const { end } = JSON.parse(report) as { end: { sum_received: { bits_per_second: number } } };
    return end.sum_received.bits_per_second;
  };
