/** Transfers between two hosts, of Node.js programs and of iperf3, that run in turns. */
import { join } from 'node:path';
import type { Namespace } from '../test/lab/namespace';
import type { Process } from '../test/lab/process';
import type { Hosts } from '../test/lab/topologies';

export type Load = 'bulk' | 'connections';

/** Runs for a number of seconds, and returns the rate in bit/s or in connections per second. */
export type Turn = (seconds: number) => Promise<number>;

const TIMEOUT = 60_000; // ms

/**
 * Depending on the layout of its heap, a process may return each read buffer to the system and
 * allocate it again, which halves its rate. This setting keeps all contenders from doing so
 * (mallopt(3), M_TRIM_THRESHOLD).
 */
const KEEPING_MEMORY = { ...process.env, MALLOC_TRIM_THRESHOLD_: String(2 ** 30) };

/** Starts a server and a client that use `moduleName` as net, and run for any number of turns. */
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
  const requesting = start(client, 'client.cjs', path!.server.address, port);
  return async (seconds) => {
    requesting.stdin.write(`${seconds}\n`);
    const { rate } = await requesting.json<{ rate: number }>(undefined, TIMEOUT);
    return rate;
  };
}

/** A bulk transfer of iperf3(1), in whole seconds that include its slow start. */
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
