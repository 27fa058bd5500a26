/**
 * Measures what clients without this package cost a server that follows them: many connections, each of
 * which makes and drops subflows. The CPU time is that of the server's main thread.
 *
 *   npm run bench:strangers -- [--rounds 3] [--connections 500] [--subflows 7] [--only NAME] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Strangers } from '../test/kernel/peers/strangers';
import { rotated, type Spread, spread } from './statistics';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '500' },
    subflows: { type: 'string', default: '7' },
    only: { type: 'string' },
    storms: { type: 'string', default: '5' },
    prof: { type: 'string' },
    json: { type: 'string' },
  },
});

const CONTENDERS: Record<string, unknown> = {
  'in-kernel path manager': null,
  'userspace mode': [],
  'fullmesh()': [['fullmesh']],
  'all(fullmesh(), heal())': [['fullmesh'], ['heal']],
};

const PEER = join(__dirname, 'peers', 'strangers.cjs');
const PAUSE = 500; // ms

interface Report {
  connections: number;
  events: number;
  ofConnections: number;
  longest: number;
  cpu: number;
}

interface Result {
  accepted: number;
  /** The seconds until every connection was answered. */
  seconds: number;
  accepting: Report;
  making: Report;
  dropping: Report;
  storm: Report;
}

async function measure(policy: unknown): Promise<Result> {
  const [connections, subflows] = [Number(options.connections), Number(options.subflows)];
  await using lab = new Strangers({ connections, subflows });
  const serving = lab.server.spawn(process.execPath, [
    ...(options.prof ? ['--cpu-prof', `--cpu-prof-dir=${options.prof}`] : []),
    ...[PEER, lab.address, JSON.stringify(policy)],
  ]);
  const [port] = await serving.line(/^\d+$/);
  const report = async (): Promise<Report> => {
    serving.stdin.write('\n');
    return serving.json<Report>();
  };
  /** Reports what happens until nothing more does. */
  const settled = async (): Promise<Report> => {
    const total = await report();
    for (;;) {
      await sleep(PAUSE);
      const more = await report();
      total.cpu += more.cpu;
      total.longest = Math.max(total.longest, more.longest);
      total.events += more.events;
      total.ofConnections += more.ofConnections;
      if (more.events + more.ofConnections === 0)
        return { ...total, connections: more.connections };
    }
  };
  await report();
  const start = performance.now();
  await lab.connect(Number(port));
  const seconds = (performance.now() - start) / 1000;
  const accepting = await settled();
  lab.makeSubflows();
  const making = await settled();
  lab.dropSubflows();
  const dropping = await settled();
  for (let n = 0; n < Number(options.storms); n++) {
    lab.makeSubflows();
    lab.dropSubflows();
  }
  const storm = await settled();
  serving.stdin.end();
  await serving.exited;
  return { accepted: accepting.connections, seconds, accepting, making, dropping, storm };
}

const show = ({ min, median, max }: Spread, digits: number): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

async function main(): Promise<void> {
  const names = Object.keys(CONTENDERS).filter((name) => [name, undefined].includes(options.only));
  const results = new Map(names.map((name) => [name, [] as Result[]]));
  for (let round = 0; round < Number(options.rounds); ++round) {
    for (const name of rotated(names, round)) {
      results.get(name)!.push(await measure(CONTENDERS[name]));
    }
  }
  const table = new Table({
    head: [
      'policy',
      'phase',
      'accepted',
      'events',
      'of connections',
      'CPU ms',
      'µs of an event',
      'longest turn, ms',
    ],
  });
  for (const [name, its] of results) {
    for (const phase of ['accepting', 'making', 'dropping', 'storm'] as const) {
      const of = (value: (report: Report) => number): Spread =>
        spread(its.map((each) => value(each[phase])));
      table.push([
        ...[name, phase, show(spread(its.map(({ accepted }) => accepted)), 0)],
        ...[
          show(
            of(({ events }) => events),
            0,
          ),
          show(
            of((each) => each.ofConnections),
            0,
          ),
        ],
        ...[
          show(
            of(({ cpu }) => cpu),
            0,
          ),
          show(
            of(({ cpu, events }) => (1000 * cpu) / events),
            0,
          ),
        ],
        show(
          of(({ longest }) => longest),
          0,
        ),
      ]);
    }
  }
  console.log(table.toString());
  if (options.json) {
    writeFileSync(options.json, JSON.stringify({ options, results: [...results] }, null, 2));
  }
}

void main();
