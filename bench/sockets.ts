/**
 * Bulk throughput and connections per second over veth: this package against `mptcpize run node`
 * on the same script, against node:net over TCP, and against iperf3 under mptcpize, with each
 * congestion control, interleaved in one run.
 *
 *   npm run bench:sockets -- [--rounds 5] [--seconds 2] [--load bulk|connections]
 *     [--congestion reno|cubic|bbr] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Hosts } from '../test/lab/topologies';
import { setCongestionControl } from './congestion-control';
import { ratios, rotated, type Spread } from './statistics';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    load: { type: 'string', multiple: true, default: ['bulk', 'connections'] },
    congestion: { type: 'string', multiple: true, default: ['reno', 'cubic', 'bbr'] },
    json: { type: 'string' },
  },
});

type Load = 'bulk' | 'connections';

interface Contender {
  name: string;
  loads: readonly Load[];
  run(hosts: Hosts, load: Load): Promise<number>;
}

const PACKAGE = join(__dirname, '..', 'dist', 'net.js');
const LOADS = ['bulk', 'connections'] as const;

function node(name: string, moduleName: string, prefix: readonly string[] = []): Contender {
  return {
    name,
    loads: LOADS,
    async run({ client, server, paths: [path] }, load) {
      const program = (peer: string, ...args: string[]): [string, string[]] => {
        const words = [process.execPath, join(__dirname, 'peers', peer), moduleName, load, ...args];
        const [command = '', ...rest] = [...prefix, ...words];
        return [command, rest];
      };
      const serving = server.spawn(...program('server.cjs'));
      const [port] = await serving.line(/^\d+$/);
      const asking = client.spawn(
        ...program('client.cjs', path!.server.address, port, options.seconds),
      );
      const { rate } = await asking.json<{ rate: number }>(undefined, 60_000);
      return rate;
    },
  };
}

const ours = node('mptcp', PACKAGE);
const contenders: readonly Contender[] = [
  ours,
  node('mptcpize run node', 'node:net', ['mptcpize', 'run']),
  node('node:net over TCP', 'node:net'),
  {
    name: 'mptcpize run iperf3',
    loads: ['bulk'],
    async run({ client, server, paths: [path] }) {
      const serving = server.spawn('mptcpize', ['run', 'iperf3', '-s', '-1', '--forceflush']);
      await serving.line(/Server listening/);
      const args = ['-c', path!.server.address, '-R', '-J', '-t', options.seconds, '-O', '1'];
      const report = await client.spawn('mptcpize', ['run', 'iperf3', ...args]).success();
      const { end } = JSON.parse(report) as {
        end: { sum_received: { bits_per_second: number } };
      };
      return end.sum_received.bits_per_second;
    },
  },
];

async function measure(contender: Contender, load: Load, congestion: string): Promise<number> {
  await using hosts = await Hosts.connect([{}], { join: 'none' });
  for (const host of [hosts.client, hosts.server]) {
    host.sysctl('net.ipv4.ip_local_port_range', '1024 65535');
    host.sysctl('net.ipv4.tcp_max_tw_buckets', '1000'); // closed connections are not to fill the ports
  }
  setCongestionControl(hosts, congestion);
  return await contender.run(hosts, load); // before the hosts go
}

interface Result {
  load: Load;
  congestion: string;
  contender: string;
  rates: number[];
  /** This package's rate over the contender's, round by round. */
  ratio?: Spread;
}

const rounds = Number(options.rounds);

async function compare(load: Load, congestion: string): Promise<Result[]> {
  const taking = contenders.filter(({ loads }) => loads.includes(load));
  const rates = new Map(taking.map((contender) => [contender, [] as number[]]));
  for (let round = 0; round < rounds; ++round) {
    for (const contender of rotated(taking, round)) {
      rates.get(contender)?.push(await measure(contender, load, congestion));
    }
  }
  const own = rates.get(ours) ?? [];
  return taking.map((contender) => {
    const its = rates.get(contender) ?? [];
    const result = { load, congestion, contender: contender.name, rates: its };
    return contender === ours ? result : { ...result, ratio: ratios(own, its) };
  });
}

function show(load: Load, rate: number): string {
  return load === 'bulk' ? `${(rate / 1e9).toFixed(2)} Gbit/s` : `${Math.round(rate)}/s`;
}

async function main(): Promise<void> {
  const results: Result[] = [];
  const table = new Table({
    head: ['load', 'congestion', 'contender', 'best rate', 'mptcp / it: min', 'median', 'max'],
  });
  for (const load of LOADS.filter((each) => options.load.includes(each))) {
    for (const congestion of options.congestion) {
      for (const result of await compare(load, congestion)) {
        results.push(result);
        const { contender, rates, ratio } = result;
        const columns = ratio
          ? [ratio.min, ratio.median, ratio.max].map((it) => it.toFixed(2))
          : [];
        table.push([load, congestion, contender, show(load, Math.max(...rates)), ...columns]);
      }
    }
  }
  console.log(table.toString());
  if (options.json) writeFileSync(options.json, JSON.stringify({ options, results }, null, 2));
}

void main();
