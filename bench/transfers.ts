import { join } from 'node:path';
import type { Namespace } from '../test/lab/namespace';
import type { Process } from '../test/lab/process';
import type { Hosts } from '../test/lab/topologies';

export type Load = 'bulk' | 'connections';

/** Does it for so many seconds, and tells the rate: in bit/s, or connections per second. */
export type Turn = (seconds: number) => Promise<number>;

const TIMEOUT = 60_000; // ms

/**
 * By the chance of its heap's layout a process gives each buffer that it read into back to the
 * system and takes it anew, which halves its rate. No contender does so here (mallopt(3),
 * M_TRIM_THRESHOLD).
 */
const KEEPING_MEMORY = { ...process.env, MALLOC_TRIM_THRESHOLD_: String(2 ** 30) };

/** A server and a client, two Node programs with `moduleName` for net, that stay for many turns. */
export async function startPeers(
  { client, server, paths: [path] }: Hosts,
  load: Load,
  moduleName: string,
  prefix: readonly string[] = [],
): Promise<Turn> {
  const start = (host: Namespace, peer: string, ...args: string[]): Process => {
    const words = [process.execPath, join(__dirname, 'peers', peer), moduleName, load, ...args];
    const [command = '', ...rest] = [...prefix, ...words];
    return host.spawn(command, rest, { env: KEEPING_MEMORY });
  };
  const [port = ''] = await start(server, 'server.cjs').line(/^\d+$/);
  const asking = start(client, 'client.cjs', path!.server.address, port);
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
