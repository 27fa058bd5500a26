/**
 * Compares PathManager with a minimal C program (bench/peers/path-manager.c): the rate of commands,
 * the delay of events, the events of as many connections as the machine can open, and dumps against
 * ss(8), interleaved in one run.
 *
 *   npm run bench:path-manager -- [--rounds 5] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Namespace } from '../test/lab/namespace';
import { compile } from './compile';
import { ratios, rotated, type Spread, spread } from './statistics';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } },
});

const TIMEOUT = 120_000;
const ENDPOINTS = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'];
const AT_ONCE = 1000; // commands of one Promise.all
const COMMANDS = { get: 100_000, list: 40_000, update: 20_000 };
const LISTENERS = 300;
const CONNECTIONS = 20_000;
const ROOM = [1 << 18, 64 << 20]; // queue, receiveBuffer
const SOCKETS = 10_000; // both ends of 5000 connections

const C = [compile('path-manager')];
const NODE = [process.execPath, join(__dirname, 'peers', 'path-manager.cjs')];
const RUN = compile('run');

const start = (host: Namespace, [command = '', ...args]: string[]) => host.spawn(command, args);

async function result<T>(host: Namespace, program: string[]): Promise<T> {
  return JSON.parse(await start(host, program).success()) as T;
}

interface Figure {
  name: string;
  unit: string;
  goal?: string;
  /** The value of each round. */
  values: number[];
  spread: Spread;
}

const figures: Figure[] = [];
const table = new Table({ head: ['', 'unit', 'min', 'median', 'max', 'goal'] });

function report(name: string, unit: string, values: number[], over: Spread, goal?: string): void {
  figures.push({ name, unit, values, spread: over, ...(goal !== undefined && { goal }) });
  const digits = over.median < 100 ? 2 : 0;
  const columns = [over.min, over.median, over.max].map((value) => value.toFixed(digits));
  table.push([name, unit, ...columns, goal ?? '']);
}

const figure = (name: string, unit: string, values: number[], goal?: string): void =>
  report(name, unit, values, spread(values), goal);

const ratio = (name: string, ours: number[], theirs: number[], goal?: string): void =>
  report(
    name,
    'ratio',
    ours.map((value, round) => value / theirs[round]!),
    ratios(ours, theirs),
    goal,
  );

/** Runs each contender in each round, and returns their results. */
async function interleave<T, Name extends string>(
  contenders: Record<Name, () => Promise<T>>,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(contenders) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    T[]
  >;
  for (let round = 0; round < Number(options.rounds); ++round) {
    for (const name of rotated(names, round)) results[name].push(await contenders[name]());
  }
  return results;
}

async function commands(): Promise<void> {
  await using host = new Namespace('commands');
  for (const address of ENDPOINTS) host.addEndpoint(address, 'subflow');
  for (const [command, count] of Object.entries(COMMANDS)) {
    const measure = (program: string[], atOnce: number) => async (): Promise<number> => {
      const words = [...program, 'commands', command, String(count), String(atOnce)];
      const { rate } = await result<{ rate: number }>(host, words);
      return rate;
    };
    const rates = await interleave({
      c: measure(C, 1),
      pipelined: measure(NODE, AT_ONCE),
      single: measure(NODE, 1),
    });
    figure(`${command}: C`, '1/s', rates.c);
    figure(`${command}: pipelined`, '1/s', rates.pipelined);
    ratio(`${command}: pipelined / C`, rates.pipelined, rates.c, '>= 0.8');
    figure(`${command}: one at a time`, '1/s', rates.single);
    ratio(`${command}: one at a time / C`, rates.single, rates.c);
  }
}

async function latency(): Promise<void> {
  await using host = new Namespace('latency');
  const measure = (program: string[]) => async (): Promise<number> => {
    const reading = start(host, [...program, 'read-listeners', String(LISTENERS)]);
    await reading.line(/^ready$/);
    const made = await result<number[]>(host, [...C, 'make-listeners', String(LISTENERS)]);
    const read = await reading.json<number[]>(undefined, TIMEOUT);
    return spread(read.map((time, i) => (time - made[i]!) / 1000)).median;
  };
  const { c, node } = await interleave({ c: measure(C), node: measure(NODE) });
  figure('event to read: C, median', 'µs', c);
  figure('event to callback: median', 'µs', node);
  const later = node.map((value, round) => value - c[round]!);
  figure('later than C', 'µs', later, '<= 200');
}

interface Counts {
  created: number;
  closed: number;
  events: number;
  lost: boolean;
}

async function connections(): Promise<void> {
  await using host = new Namespace('events');
  host.sysctl('net.ipv4.ip_local_port_range', '1024 65535');
  host.sysctl('net.ipv4.tcp_max_tw_buckets', '1000'); // keeps closed connections from using up the ports
  const make = (): Promise<{ rate: number }> =>
    result(host, [...C, 'make-connections', String(CONNECTIONS)]);
  const measure =
    (program: string[], room: number[] = []) =>
    async () => {
      const words = [CONNECTIONS, ...room].map(String);
      const reading = start(host, [...program, 'read-connections', ...words]);
      await reading.line(/^ready$/);
      const { rate } = await make();
      return { rate, ...(await reading.json<Counts>(undefined, TIMEOUT)) };
    };
  const { alone, c, node, standard } = await interleave<{ rate: number } & Partial<Counts>, string>(
    {
      alone: make,
      c: measure(C),
      node: measure(NODE, ROOM),
      standard: measure(NODE),
    },
  );
  const rates = (runs: { rate: number }[]) => runs.map(({ rate }) => rate);
  const missing = ({ created = 0, closed = 0, lost }: Partial<Counts>): number =>
    4 * CONNECTIONS - created - closed + Number(lost);
  figure('connections: nobody reads', '1/s', rates(alone!));
  figure('connections: C reads', '1/s', rates(c!));
  figure('connections: events()', '1/s', rates(node!));
  ratio('connections: events() / nobody', rates(node!), rates(alone!));
  const events = node!.map(({ rate, events: count = 0 }) => (rate * count) / CONNECTIONS);
  figure('events of them', '1/s', events);
  figure('created, closed that C missed', '', c!.map(missing));
  figure('created, closed that events() missed', '', node!.map(missing), '0');
  const overruns = standard!.map(({ lost }) => Number(lost));
  figure('runs with an overrun of events() with its standard queue', '', overruns);
}

interface Dumped {
  seconds: number;
  first: number;
  before: number;
  peak: number;
}

async function dumps(): Promise<void> {
  await using host = new Namespace('dumps');
  const holding = start(host, [...C, 'hold-connections', String(SOCKETS)]);
  await holding.line(/^ready$/, { timeout: TIMEOUT });
  const ss = (...args: string[]) =>
    result<{ seconds: number; peak: number }>(host, [RUN, 'ss', ...args]);
  const dump = async (subflows: 'subflows' | 'alone'): Promise<Dumped> => {
    const dumping = start(host, [...NODE, 'dump', subflows]);
    const { count } = await dumping.json<{ count: number }>(undefined, TIMEOUT);
    if (count !== SOCKETS) throw new Error(`${count} of ${SOCKETS} connections were dumped`);
    return dumping.json<Dumped>(undefined, TIMEOUT);
  };
  const runs = await interleave<{ seconds: number; peak: number } & Partial<Dumped>, string>({
    ss: () => ss('-M', '-n'),
    alone: () => dump('alone'),
    both: async () => {
      const [mptcp, tcp] = [await ss('-Mni'), await ss('-tni')];
      return { seconds: mptcp.seconds + tcp.seconds, peak: Math.max(mptcp.peak, tcp.peak) };
    },
    joined: () => dump('subflows'),
  });
  const seconds = (name: string) => runs[name]!.map((each) => each.seconds);
  for (const [ours, theirs, words] of [
    ['alone', 'ss', 'ss -M -n'],
    ['joined', 'both', 'ss -Mni, ss -tni'],
  ] as const) {
    const name = `dump ${ours}`;
    const milliseconds = (values: number[]) => values.map((value) => value * 1000);
    figure(words, 'ms', milliseconds(seconds(theirs)));
    figure(name, 'ms', milliseconds(seconds(ours)));
    ratio(`${name} / ${words}`, seconds(ours), seconds(theirs), '<= 1');
    const first = runs[ours]!.map((each) => each.first!);
    ratio(`${name}, first of its process / ${words}`, first, seconds(theirs));
    const grown = runs[ours]!.map(({ peak, before }) => (peak - before!) / (1 << 20));
    figure(`${name}: peak memory over that before`, 'MiB', grown);
  }
  holding.stdin.end();
  await holding.success();
}

async function main(): Promise<void> {
  for (const part of [commands, latency, connections, dumps]) await part();
  console.log(table.toString());
  if (options.json) writeFileSync(options.json, JSON.stringify({ options, figures }, null, 2));
}

void main();
