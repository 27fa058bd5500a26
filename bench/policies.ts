/**
 * Measures what policies cost a connection whose paths are all healthy: bytes received and the longest
 * pause of a transfer, against the in-kernel path manager, in turns. The server announces its other
 * addresses; where it is bound to one address, joins at the others are refused.
 *
 *   npm run bench:policies -- [--rounds 3] [--seconds 4] [--paths 2] [--only NAME] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Hosts } from '../test/lab/topologies';
import { setCongestionControl } from './congestion-control';
import { ratios, rotated, type Spread, spread } from './statistics';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    paths: { type: 'string', default: '2' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});

const KERNEL = 'in-kernel path manager';
const CONTENDERS: Record<string, unknown> = {
  [KERNEL]: null,
  'perInterface()': [['perInterface']],
  'fullmesh()': [['fullmesh']],
  'aggregate()': [['aggregate']],
  'all(perInterface(), heal())': [['perInterface'], ['heal']],
  'all(fullmesh(), heal())': [['fullmesh'], ['heal']],
};

const SCENARIOS = (['up', 'down'] as const).flatMap((direction) => [
  { direction, bound: 'one address' } as const,
  { direction, bound: 'all addresses' } as const,
]);

const PEER = join(__dirname, 'peers', 'policies.cjs');
const TIMEOUT = 60_000; // ms

interface Result {
  bytes: number;
  pause: number;
  attempts: number;
  subflows: number;
}

async function measure(
  { direction, bound }: (typeof SCENARIOS)[number],
  policy: unknown,
): Promise<Result> {
  const paths = Array.from({ length: Number(options.paths) }, () => ({ rate: '50mbit' }));
  await using hosts = await Hosts.connect(paths, { join: 'client' });
  setCongestionControl(hosts, 'reno');
  const { client, server } = hosts;
  for (const path of hosts.paths.slice(1)) path.server.addEndpoint('signal');
  const { address } = hosts.paths[0]!.server;
  const listening = bound === 'one address' ? address : '::';
  const serving = server.spawn(process.execPath, [
    ...[PEER, 'server', listening, direction],
    options.seconds,
  ]);
  const [port = ''] = await serving.line(/^\d+$/);
  const connecting = client.spawn(process.execPath, [
    ...[PEER, 'client', address, port, direction],
    ...[options.seconds, JSON.stringify(policy)],
  ]);
  const paused = connecting.json<Pick<Result, 'attempts' | 'subflows'>>(undefined, TIMEOUT);
  const { attempts, subflows } = await paused;
  const receiver = direction === 'up' ? serving : connecting;
  const received = await receiver.json<Pick<Result, 'bytes' | 'pause'>>(undefined, TIMEOUT);
  return { ...received, attempts, subflows };
}

const show = ({ min, median, max }: Spread, digits: number): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

async function main(): Promise<void> {
  const names = Object.keys(CONTENDERS).filter(
    (name) => name === KERNEL || options.only === undefined || name === options.only,
  );
  const table = new Table({
    head: [
      ...['server bound to', 'direction', 'policy', 'MB / in-kernel', 'longest pause, ms'],
      ...['attempts', 'subflows'],
    ],
  });
  const all: object[] = [];
  for (const scenario of SCENARIOS) {
    const results = new Map(names.map((name) => [name, [] as Result[]]));
    for (let round = 0; round < Number(options.rounds); ++round) {
      for (const name of rotated(names, round)) {
        results.get(name)!.push(await measure(scenario, CONTENDERS[name]));
      }
    }
    const bytes = (name: string): number[] => results.get(name)!.map((each) => each.bytes);
    for (const [name, its] of results) {
      const column = (key: keyof Result): Spread => spread(its.map((each) => each[key]));
      table.push([
        ...[scenario.bound, scenario.direction, name, show(ratios(bytes(name), bytes(KERNEL)), 2)],
        ...[show(column('pause'), 0), show(column('attempts'), 0), show(column('subflows'), 0)],
      ]);
      all.push({ ...scenario, name, results: its });
    }
  }
  console.log(table.toString());
  if (options.json) writeFileSync(options.json, JSON.stringify({ options, all }, null, 2));
}

void main();
