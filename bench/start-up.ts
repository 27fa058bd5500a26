/**
 * Measures what loading this package costs: processes that load it in each way and end, compared with
 * an empty Node.js process. The contenders run in turns within a round.
 *
 *   npm run bench:start-up -- [--rounds 30] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Namespace } from '../test/lab/namespace';
import { compile } from './compile';
import { ratios, rotated, type Spread, spread } from './statistics';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '30' }, json: { type: 'string' } },
});

const EMPTY = 'empty Node';

/** The arguments of Node.js for each contender. */
const CONTENDERS: Record<string, readonly string[]> = {
  [EMPTY]: ['-e', '0'],
  "require('mptcp/net')": ['-e', "require('mptcp/net')"],
  '--require mptcp/register': ['--require', 'mptcp/register', '-e', '0'],
  '--import mptcp/register': ['--import', 'mptcp/register', '-e', '0'],
  "require('mptcp')": ['-e', "require('mptcp')"],
  'a command: limits.get()': [
    '-e',
    `require('mptcp').PathManager.open().then(async (pm) => {
      await pm.limits.get();
      await pm.close();
    })`,
  ],
  'mptcp --iproute2 limits show': [
    join(__dirname, '..', 'dist', 'cli', 'main.js'),
    ...['--iproute2', 'limits', 'show'],
  ],
};

const GOALS: Partial<Record<string, string>> = {
  '--require mptcp/register': '<= 25 ms',
  '--import mptcp/register': '<= 25 ms',
  'a command: limits.get()': '<= 40 ms',
  'mptcp --iproute2 limits show': '<= 1.4 x wall',
};

const RUN = compile('run');
const LIST_MODULES = join(__dirname, 'peers', 'list-modules.cjs');

/** Here the package resolves its own name, and no environment variable slows Node.js down. */
const PLACE = { cwd: join(__dirname, '..'), env: { PATH: process.env.PATH } };

interface Cost {
  seconds: number;
  cpu: number;
  /** The peak resident memory, in bytes. */
  peak: number;
}

/** The measurement, which follows what the program itself prints. */
const lastLine = (output: string): string => output.trimEnd().split('\n').at(-1) ?? '';

async function measure(host: Namespace, args: readonly string[]): Promise<Cost> {
  const running = host.spawn(RUN, [process.execPath, ...args], PLACE);
  return JSON.parse(lastLine(await running.success())) as Cost;
}

async function countModules(host: Namespace, args: readonly string[]): Promise<number> {
  const words = ['--require', LIST_MODULES, ...args];
  const listed = await host.spawn(process.execPath, words, PLACE).success();
  return (JSON.parse(lastLine(listed)) as { modules: string[] }).modules.length;
}

interface Result {
  contender: string;
  /** The number of this package's modules that are loaded. */
  modules: number;
  /** The cost in each round. */
  costs: Cost[];
  /** The ratio to an empty Node.js process. */
  ratio: { cpu: Spread; wall: Spread };
  /** The difference to an empty Node.js process, in milliseconds. */
  extra: { cpu: Spread; wall: Spread };
  /** The peak resident memory, in MiB. */
  peak: Spread;
}

const cpu = (costs: readonly Cost[]): number[] => costs.map((cost) => cost.cpu * 1000);
const wall = (costs: readonly Cost[]): number[] => costs.map((cost) => cost.seconds * 1000);

const differences = (values: readonly number[], others: readonly number[]): Spread =>
  spread(values.map((value, round) => value - others[round]!));

function compare(contender: string, modules: number, costs: Cost[], empty: Cost[]): Result {
  return {
    contender,
    modules,
    costs,
    ratio: { cpu: ratios(cpu(costs), cpu(empty)), wall: ratios(wall(costs), wall(empty)) },
    extra: {
      cpu: differences(cpu(costs), cpu(empty)),
      wall: differences(wall(costs), wall(empty)),
    },
    peak: spread(costs.map(({ peak }) => peak / (1 << 20))),
  };
}

const show = ({ min, median, max }: Spread, digits: number): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

async function main(): Promise<void> {
  await using host = new Namespace('start-up');
  const names = Object.keys(CONTENDERS);
  const modules = new Map<string, number>();
  for (const name of names) modules.set(name, await countModules(host, CONTENDERS[name]!));
  const costs = new Map(names.map((name) => [name, [] as Cost[]]));
  for (let round = 0; round < Number(options.rounds); ++round) {
    for (const name of rotated(names, round)) {
      costs.get(name)!.push(await measure(host, CONTENDERS[name]!));
    }
  }
  const empty = costs.get(EMPTY)!;
  const results = names.map((name) => compare(name, modules.get(name)!, costs.get(name)!, empty));
  const table = new Table({
    head: [
      ...['', 'CPU / empty', 'wall / empty', 'CPU: ms more', 'wall: ms more', 'goal'],
      ...['peak MiB', 'modules'],
    ],
  });
  for (const { contender, ratio, extra, peak, modules: loaded } of results) {
    const ratioColumns = [ratio.cpu, ratio.wall].map((it) => show(it, 2));
    const extraColumns = [extra.cpu, extra.wall].map((it) => show(it, 1));
    const goal = GOALS[contender] ?? '';
    table.push([contender, ...ratioColumns, ...extraColumns, goal, show(peak, 1), loaded]);
  }
  console.log(table.toString());
  const alone = [cpu(empty), wall(empty)].map((values) => show(spread(values), 1));
  console.log(`An empty Node takes, in ms: CPU ${alone.join(', wall ')}`);
  if (options.json) writeFileSync(options.json, JSON.stringify({ options, results }, null, 2));
}

void main();
