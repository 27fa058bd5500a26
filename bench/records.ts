/**
 * Compares records (native/binding/records) with plain Node-API objects: the time of the event loop,
 * and of thread and event loop together, for dumps, events and sockets, interleaved in one run. It
 * needs no privilege, because the values are made up; both use the conversions of native/binding.
 *
 *   npm run bench:records -- [--rounds 5] [--json FILE]
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { ratios, rotated, type Spread, spread } from './statistics';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } },
});

const ROOT = join(__dirname, '..');
const BUILD = join(ROOT, 'out', 'bench', 'records');
const CONTENDERS = ['records', 'plain'] as const;
type Contender = (typeof CONTENDERS)[number];

/** The batches are as large as those of native/binding; a socket is read by itself. */
const CASES = [
  { name: 'full info of a socket', kind: 'sockets', count: 1, batch: 1, onLoop: true },
  { name: 'endpoints: 4', kind: 'endpoints', count: 4, batch: 128 },
  ...[1, 100, 2000].flatMap((count) => [
    { name: `connections: ${count}`, kind: 'connections', count, batch: 128 },
    { name: `subflows: ${2 * count}`, kind: 'subflows', count: 2 * count, batch: 128 },
  ]),
  ...[1, 100, 2000].map((count) => ({
    name: `events: ${count}`,
    kind: 'events',
    count,
    batch: 256,
  })),
];

function compile(): void {
  const flags = ['--CDMPTCP_BENCH=ON', '--target', 'bench'];
  execFileSync('npx', ['cmake-js', 'compile', '-O', BUILD, ...flags], { cwd: ROOT });
}

/** Microseconds for all items, and on the event loop the first time. */
interface Times {
  thread: number;
  loop: number;
  first: number;
}

function measure(contender: Contender, { kind, count, batch }: (typeof CASES)[number]): Times {
  const addon = join(BUILD, 'Release', `${contender}.node`);
  const args = [join(__dirname, 'peers', 'records.cjs'), addon, kind, String(count), String(batch)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Times;
}

interface Result {
  name: string;
  times: Record<Contender, Times[]>;
  /** The time of plain objects divided by that of records. */
  ratio: Record<'loop' | 'altogether' | 'first', Spread>;
}

function compare(each: (typeof CASES)[number]): Result {
  const times: Record<Contender, Times[]> = { records: [], plain: [] };
  for (let round = 0; round < Number(options.rounds); ++round) {
    for (const contender of rotated(CONTENDERS, round)) {
      times[contender].push(measure(contender, each));
    }
  }
  const altogether = ({ thread, loop }: Times): number => thread + loop;
  const loop = 'onLoop' in each ? altogether : (its: Times) => its.loop;
  const ratio = (time: (times: Times) => number): Spread =>
    ratios(times.plain.map(time), times.records.map(time));
  return {
    name: each.name,
    times,
    ratio: { loop: ratio(loop), altogether: ratio(altogether), first: ratio(({ first }) => first) },
  };
}

function main(): void {
  compile();
  const results: Result[] = [];
  const head = ['plain / records', 'event loop: min', 'median', 'max', 'altogether', 'first time'];
  const table = new Table({ head: [...head, 'records, µs', 'plain, µs'] });
  for (const each of CASES) {
    const result = compare(each);
    results.push(result);
    const { loop, altogether, first } = result.ratio;
    const columns = [loop.min, loop.median, loop.max, altogether.median, first.median];
    const median = (contender: Contender): string =>
      spread(result.times[contender].map((its) => its.loop)).median.toFixed(1);
    table.push([
      each.name,
      ...columns.map((value) => value.toFixed(1)),
      median('records'),
      median('plain'),
    ]);
  }
  console.log(table.toString());
  if (options.json) writeFileSync(options.json, JSON.stringify({ options, results }, null, 2));
}

main();
