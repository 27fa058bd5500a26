/**
 * Compares bulk throughput and connections per second over veth: this package, `mptcpize run node`
 * with the same script, node:net over TCP, and iperf3 under mptcpize, with each congestion control.
 * In each round all contenders start anew, and then run in turns.
 *
 *   npm run bench:sockets -- [--rounds 3] [--turns 5] [--seconds 1] [--load bulk|connections]
 *     [--congestion reno|cubic|bbr] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Hosts } from '../test/lab/topologies';
import { setCongestionControl } from './congestion-control';
import { ratios, rotated, spread, type Spread } from './statistics';
import { iperf3, type Load, startPeers, type Turn } from './transfers';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    turns: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    load: { type: 'string', multiple: true, default: ['bulk', 'connections'] },
    congestion: { type: 'string', multiple: true, default: ['reno', 'cubic', 'bbr'] },
    json: { type: 'string' },
  },
});

interface Contender {
  name: string;
  loads: readonly Load[];
  start(hosts: Hosts, load: Load): Turn | Promise<Turn>;
}

const PACKAGE = join(__dirname, '..', 'dist', 'net.js');
const LOADS = ['bulk', 'connections'] as const;
const WARM_UP = 2; // seconds, during which V8 compiles hot code

const node = (name: string, moduleName: string, prefix?: readonly string[]): Contender => ({
  name,
  loads: LOADS,
  start: (hosts, load) => startPeers(hosts, load, moduleName, prefix),
});

const ours = node('mptcp', PACKAGE);
const contenders: readonly Contender[] = [
  ours,
  node('mptcpize run node', 'node:net', ['mptcpize', 'run']),
  node('node:net over TCP', 'node:net'),
  { name: 'mptcpize run iperf3', loads: ['bulk'], start: iperf3 },
];

/** The rates of each contender, by turn. */
type Rates = Map<Contender, number[]>;

async function round(load: Load, congestion: string): Promise<Rates> {
  await using hosts = await Hosts.connect([{}], { join: 'none' });
  for (const host of [hosts.client, hosts.server]) {
    host.sysctl('net.ipv4.ip_local_port_range', '1024 65535');
    host.sysctl('net.ipv4.tcp_max_tw_buckets', '1000'); // keeps closed connections from using up the ports
    host.sysctl('net.ipv4.tcp_no_metrics_save', '1'); // a turn must not reuse metrics of another one
  }
  setCongestionControl(hosts, congestion);
  const participants: { contender: Contender; turn: Turn; rates: number[] }[] = [];
  for (const contender of contenders.filter(({ loads }) => loads.includes(load))) {
    const turn = await contender.start(hosts, load);
    await turn(WARM_UP);
    participants.push({ contender, turn, rates: [] });
  }
  for (let number = 0; number < Number(options.turns); ++number) {
    for (const { turn, rates } of rotated(participants, number)) {
      rates.push(await turn(Number(options.seconds)));
    }
  }
  return new Map(participants.map(({ contender, rates }) => [contender, rates]));
}

interface Result {
  load: Load;
  congestion: string;
  contender: string;
  /** The rates by round and turn. */
  rates: number[][];
  /** The ratio of this package's rate to the contender's, over the median turns of the rounds. */
  ratio: Spread;
}

async function compare(load: Load, congestion: string): Promise<Result[]> {
  const rounds: Rates[] = [];
  while (rounds.length < Number(options.rounds)) rounds.push(await round(load, congestion));
  const own = rounds.map((each) => each.get(ours) ?? []);
  return Array.from(rounds[0]?.keys() ?? [], (contender) => {
    const rates = rounds.map((each) => each.get(contender) ?? []);
    const ratio = spread(rates.map((its, index) => ratios(own[index] ?? [], its).median));
    return { load, congestion, contender: contender.name, rates, ratio };
  });
}

const show = (load: Load, rate: number): string =>
  load === 'bulk' ? `${(rate / 1e9).toFixed(2)} Gbit/s` : `${Math.round(rate)}/s`;

async function main(): Promise<void> {
  const results: Result[] = [];
  const table = new Table({
    head: ['load', 'congestion', 'contender', 'median rate', 'mptcp / it: min', 'median', 'max'],
  });
  for (const load of LOADS.filter((each) => options.load.includes(each))) {
    for (const congestion of options.congestion) {
      for (const result of await compare(load, congestion)) {
        results.push(result);
        const { contender, rates, ratio } = result;
        const columns = [ratio.min, ratio.median, ratio.max].map((it) => it.toFixed(2));
        const rate = show(load, spread(rates.flat()).median);
        table.push([load, congestion, contender, rate, ...columns]);
      }
    }
  }
  console.log(table.toString());
  if (options.json) writeFileSync(options.json, JSON.stringify({ options, results }, null, 2));
}

void main();
