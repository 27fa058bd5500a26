/**
 * Measures what policies and intents cost a connection whose paths are all healthy: bytes received
 * and the longest pause of a transfer, against the in-kernel path manager, in turns. The server
 * announces an address besides its first; where it is bound to the first, joins there are refused.
 *
 *   npm run bench:policies -- [--rounds 3] [--seconds 3] [--subflows 2,4,8] [--bound all,one]
 *     [--roles client-sends,server-sends,client-receives] [--congestion reno,default]
 *     [--rate 50mbit] [--only NAME]... [--json FILE]
 *
 * `--only` names a contender, with what it is compared to: "fullmesh()", "intent 'backup'".
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Hosts } from '../test/lab/topologies';
import { setCongestionControl } from './congestion-control';
import { type Contender, contenders, type Role } from './policy-contenders';
import { ratios, rotated, type Spread, spread } from './statistics';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    subflows: { type: 'string', default: '2,4,8' },
    bound: { type: 'string', default: 'all,one' },
    roles: { type: 'string', default: 'client-sends,server-sends,client-receives' },
    congestion: { type: 'string', default: 'reno,default' },
    rate: { type: 'string', default: '50mbit' },
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
  },
});

interface Scenario {
  role: Role;
  bound: string;
  /** The subflows of a full mesh between the addresses that accept any. */
  subflows: number;
  congestion: string;
}

interface Result {
  bytes: number;
  /** The longest time without data in milliseconds. */
  pause: number;
  /** The pauses that were notable, as [beginning, length] in milliseconds. */
  pauses: [number, number][];
  /** The subflows at the end. */
  subflows: number;
  /** The subflows that the client requested of the server. */
  joins: number;
  /** Data that MPTCP sent again on another subflow, in packets. */
  reinjected: number;
  /** Packets that TCP sent again. */
  retransmitted: number;
}

const PEER = join(__dirname, 'peers', 'policies.cjs');
const TIMEOUT = 60_000; // ms
/** The arguments of chrt(1): other work on the machine then makes no pauses. */
const REAL_TIME = ['--fifo', '10'];

const list = (values: string): string[] => values.split(',').map((each) => each.trim());

const scenarios: Scenario[] = list(options.congestion).flatMap((congestion) =>
  list(options.roles).flatMap((role) =>
    list(options.bound).flatMap((bound) =>
      list(options.subflows).map((subflows) => ({
        role: role.replace('-', ' ') as Role,
        ...{ bound, subflows: Number(subflows), congestion },
      })),
    ),
  ),
);

/** Two addresses of the server accept joins, so that half as many links suffice. */
const hasTwoAddresses = ({ bound, subflows }: Scenario): boolean => bound === 'all' && subflows > 2;

const linksOf = (scenario: Scenario): number =>
  hasTwoAddresses(scenario) ? scenario.subflows / 2 : scenario.subflows;

/** With one address that accepts joins, the server announces another one only to refuse them. */
const announces = (scenario: Scenario): boolean =>
  hasTwoAddresses(scenario) || scenario.bound === 'one';

async function measure(scenario: Scenario, contender: Contender): Promise<Result> {
  const { role, bound, congestion } = scenario;
  const { management, endpoints } = contender;
  const paths = Array.from({ length: linksOf(scenario) }, () => ({ rate: options.rate }));
  await using hosts = await Hosts.connect(paths, { join: 'none' });
  if (congestion !== 'default') setCongestionControl(hosts, congestion);
  const { client, server } = hosts;
  // The in-kernel path manager joins an announced address over any link, and never as a backup.
  if (endpoints === 'none' || endpoints === 'backup') {
    client.limits({ subflows: 8, addAddrAccepted: 0 });
  }
  if (announces(scenario)) hosts.paths[1]!.server.addEndpoint('signal');
  for (const [index, path] of hosts.paths.entries()) {
    if (endpoints === 'fullmesh') path.client.addEndpoint('subflow', 'fullmesh');
    else if (endpoints === 'backup' && index > 0) path.client.addEndpoint('subflow', 'backup');
    else if (endpoints === 'subflow' && index > 0) path.client.addEndpoint('subflow');
  }
  const managed = role === 'server sends' ? 'server' : 'client';
  const argumentsOf = (side: 'client' | 'server', more: object): string[] => [
    ...[...REAL_TIME, process.execPath, PEER],
    JSON.stringify({
      ...{ side, seconds: Number(options.seconds) },
      sends: (side === 'client') === (role === 'client sends'),
      management: side === managed ? management : { kind: 'kernel' },
      ...more,
    }),
  ];
  const { address } = hosts.paths[0]!.server;
  const host = bound === 'one' ? address : '::';
  const serving = server.spawn('chrt', argumentsOf('server', { host }));
  const [port = ''] = await serving.line(/^\d+$/);
  const connecting = client.spawn(
    'chrt',
    argumentsOf('client', { host: address, port: Number(port) }),
  );
  const [sender, receiver] =
    role === 'client sends' ? [client, serving] : ([server, connecting] as const);
  const received = await receiver.json<Pick<Result, 'bytes' | 'pause' | 'pauses' | 'subflows'>>(
    undefined,
    TIMEOUT,
  );
  await Promise.all([serving.exited, connecting.exited]);
  const counters = sender.counters();
  return {
    ...received,
    joins: client.counters().MPTcpExtMPJoinSynTx ?? NaN,
    reinjected: counters.MPTcpExtMPTCPRetrans ?? NaN,
    retransmitted: counters.TcpRetransSegs ?? NaN,
  };
}

const show = ({ min, median, max }: Spread, digits: number): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

/** The contenders of a scenario that were asked for, with those that they are compared to. */
function chosen(scenario: Scenario): Map<string, Contender> {
  const links = Array.from({ length: linksOf(scenario) }, (_, index) => `eth${index + 1}`);
  const all = contenders(scenario.role, links);
  const only = options.only ?? [...all.keys()];
  for (const name of only) if (!all.has(name)) throw new Error(`no contender is called ${name}`);
  const needed = new Set(only.flatMap((name) => [all.get(name)?.against, name]));
  return new Map([...all].filter(([name]) => needed.has(name)));
}

async function main(): Promise<void> {
  const table = new Table({
    head: [
      ...['scenario', 'contender', 'bytes / in-kernel', 'longest pause, ms', 'in-kernel, ms'],
      ...['joins', 'subflows', 'reinjected', 'retransmitted'],
    ],
    style: { head: [], border: [] },
  });
  const all: object[] = [];
  for (const scenario of scenarios) {
    const found = chosen(scenario);
    const names = [...found.keys()];
    const results = new Map(names.map((name) => [name, [] as Result[]]));
    for (let round = 0; round < Number(options.rounds); ++round) {
      for (const name of rotated(names, round)) {
        results.get(name)!.push(await measure(scenario, found.get(name)!));
      }
    }
    const { role, bound, subflows, congestion } = scenario;
    const title = `${role}, ${bound}, ${subflows}, ${congestion}`;
    const column = (name: string, key: Exclude<keyof Result, 'pauses'>): number[] =>
      results.get(name)!.map((each) => each[key]);
    for (const [name, { against }] of found) {
      const cell = (key: Exclude<keyof Result, 'pauses'>): string =>
        show(spread(column(name, key)), 0);
      table.push([
        ...[title, name, show(ratios(column(name, 'bytes'), column(against, 'bytes')), 3)],
        ...[cell('pause'), show(spread(column(against, 'pause')), 0)],
        ...[cell('joins'), cell('subflows'), cell('reinjected'), cell('retransmitted')],
      ]);
      all.push({ ...scenario, name, against, results: results.get(name) });
    }
    if (options.json) writeFileSync(options.json, JSON.stringify({ options, all }, null, 2));
  }
  console.log(table.toString());
}

void main();
