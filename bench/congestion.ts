/**
 * Measures where bbr collapses over MPTCP: bulk throughput over one path by its round trip time and
 * rate, for each congestion control, over MPTCP and over TCP, interleaved. These are the figures
 * behind `congestionControl: 'auto'`, see docs/congestion-control.md.
 *
 *   npm run bench:congestion -- [--rounds 5] [--seconds 2] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import type { PathOptions } from '../test/lab/topologies';
import { Hosts } from '../test/lab/topologies';
import { setCongestionControl } from './congestion-control';
import { rotated, type Spread, spread } from './statistics';
import { startPeers } from './transfers';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});

const PATHS: Record<string, PathOptions> = {
  'no limit': {},
  'no limit, 0.5 ms': { delay: 0.25 },
  'no limit, 1 ms': { delay: 0.5 },
  'no limit, 2 ms': { delay: 1 },
  'no limit, 10 ms': { delay: 5 },
  '1 Gbit/s': { rate: '1gbit' },
  '100 Mbit/s': { rate: '100mbit' },
};

interface Contender {
  protocol: 'MPTCP' | 'TCP';
  congestion: string;
}

const contenders: readonly Contender[] = ['bbr', 'cubic', 'reno'].flatMap((congestion) => [
  { protocol: 'MPTCP', congestion },
  { protocol: 'TCP', congestion },
]);

const SYSTEM = join(__dirname, 'peers', 'system-congestion.cjs');

async function measure(path: PathOptions, { protocol, congestion }: Contender): Promise<number> {
  await using hosts = await Hosts.connect([path], { join: 'none' });
  setCongestionControl(hosts, congestion);
  const turn = await startPeers(hosts, 'bulk', protocol === 'TCP' ? 'node:net' : SYSTEM);
  return await turn(Number(options.seconds)); // before the hosts are disposed of
}

async function main(): Promise<void> {
  const results: (Contender & { path: string; rates: number[]; spread: Spread })[] = [];
  const table = new Table({
    head: ['path', 'protocol', 'congestion', 'Gbit/s: min', 'median', 'max'],
  });
  for (const [name, path] of Object.entries(PATHS)) {
    const rates = new Map(contenders.map((contender) => [contender, [] as number[]]));
    for (let round = 0; round < Number(options.rounds); ++round) {
      for (const contender of rotated(contenders, round)) {
        rates.get(contender)?.push(await measure(path, contender));
      }
    }
    for (const [contender, its] of rates) {
      const { min, median, max } = spread(its);
      results.push({ ...contender, path: name, rates: its, spread: { min, median, max } });
      const columns = [min, median, max].map((rate) => (rate / 1e9).toFixed(3));
      table.push([name, contender.protocol, contender.congestion, ...columns]);
    }
  }
  console.log(table.toString());
  if (options.json) writeFileSync(options.json, JSON.stringify({ options, results }, null, 2));
}

void main();
