/**
 * Measures what policies cost as connections grow: CPU time of an event, and of the longest turn of
 * the event loop after a link goes and returns. The kernel is simulated: it carries out every action.
 * Few and many connections are measured in turns.
 *
 *   npm run bench:policy-engine -- [--rounds 5] [--few 100] [--many 1000] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type PathPolicy, policies } from '../lib';
import { EngineClock } from '../lib/policy/manage/clock';
import { DarkPaths } from '../lib/policy/manage/dark-paths';
import type { PathAction, PathView, PolicyEvent } from '../lib/policy/policy';
import {
  announced,
  begin,
  device,
  end,
  established,
  linkChanged,
  progressOf,
  subflow,
} from '../test/unit/policy/support';
import { ratios, rotated, type Spread, spread } from './statistics';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    few: { type: 'string', default: '100' },
    many: { type: 'string', default: '1000' },
    json: { type: 'string' },
  },
});

const POLICIES: Record<string, () => PathPolicy> = {
  perInterface: () => policies.perInterface(),
  fullmesh: () => policies.fullmesh(),
  'all(fullmesh, heal)': () => policies.all(policies.fullmesh(), policies.heal()),
  handover: () => policies.handover({ mode: 'simultaneous' }),
};

/** Two interfaces here, and a second address of the peer: four paths in a full mesh. */
const HOST = [device(2, 'eth0', '10.1.0.1'), device(3, 'eth1', '10.2.0.1')];

/** The CPU time of this process in milliseconds. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A policy at work on so many connections of a simulated kernel. */
class World {
  /** What the kernel reports in the next turn. */
  #due: PolicyEvent[] = [];
  /** The CPU time of the longest turn since the last call of settle(), in milliseconds. */
  longest = 0;
  readonly #clock: EngineClock;
  readonly #dark = new DarkPaths({ dark: () => undefined, alive: () => undefined });
  #port = 2000;

  constructor(policy: PathPolicy) {
    this.#clock = new EngineClock(policy, undefined, {
      act: (action) => this.#carryOut(action),
      decided: (_at, event) => this.#dark.update(this.#clock.view, event),
      failed: (error) => {
        throw error;
      },
    });
    this.#clock.receive(begin(HOST));
  }

  /** The subflows of all connections. */
  get paths(): number {
    let sum = 0;
    for (const { paths } of this.#clock.view.connections.values()) sum += paths.length;
    return sum;
  }

  pathsOf(token: number): readonly PathView[] {
    return this.#clock.view.connections.get(token)?.paths ?? [];
  }

  receive(...events: PolicyEvent[]): void {
    this.#due.push(...events);
  }

  /** Delivers events, turn by turn, until `done` holds. */
  async settle(done: () => boolean): Promise<void> {
    this.longest = 0;
    for (let before = cpu(); !done();) {
      const due = this.#due.splice(0, 64);
      for (const each of due) this.#clock.receive(each);
      await turn();
      const now = cpu();
      this.longest = Math.max(this.longest, now - before);
      before = now;
    }
  }

  get idle(): boolean {
    return this.#due.length === 0;
  }

  close(): void {
    this.#clock.close();
  }

  #carryOut(action: PathAction): void {
    const { token } = action;
    this.#due.push({ type: 'applied', action });
    if (action.type !== 'createSubflow' && action.type !== 'destroySubflow') return;
    const { remote } = action;
    const { address, port = (this.#port = 2000 + ((this.#port + 1) % 60_000)) } = {
      port: undefined,
      ...action.local,
    };
    const type = action.type === 'createSubflow' ? 'subflowEstablished' : 'subflowClosed';
    this.#due.push(
      subflow(type, `${address}:${port}`, `${remote.address}:${remote.port}`, { token }),
    );
  }
}

interface Cost {
  /** The CPU time of each kind of event, in microseconds. */
  progress: number;
  applied: number;
  announced: number;
  /** The longest turns, in milliseconds of CPU time. */
  begin: number;
  link: number;
}

/** So many connections, spread evenly over all, have so many events of a kind each. */
const VISITED = 100;
const EVENTS = 5;

/** The CPU time of an event in microseconds; the first ones, which make V8 adapt, do not count. */
async function costOf(
  world: World,
  count: number,
  eventFor: (token: number) => PolicyEvent,
): Promise<number> {
  const visit = async (times: number): Promise<number> => {
    const events = Array.from({ length: VISITED * times }, (_, n) =>
      eventFor(1 + Math.floor(((n % VISITED) * count) / VISITED)),
    );
    const before = cpu();
    world.receive(...events);
    await world.settle(() => world.idle);
    await turn();
    return cpu() - before;
  };
  await visit(1);
  return ((await visit(EVENTS)) * 1000) / (VISITED * EVENTS);
}

async function measure(policy: PathPolicy, count: number): Promise<Cost> {
  const world = new World(policy);
  for (let token = 1; token <= count; token++) {
    world.receive(established({ token, local: end('10.1.0.1', 1000 + token) }), {
      ...announced(1, '10.9.1.1'),
      token,
    } as PolicyEvent);
  }
  const least = count * 2;
  await world.settle(() => world.paths >= least && world.idle);
  const begun = world.longest;
  const full = world.paths;
  world.receive(linkChanged(3, 'eth1', false));
  await world.settle(() => world.idle);
  let link = world.longest;
  world.receive(linkChanged(3, 'eth1', true));
  await world.settle(() => world.paths >= full && world.idle);
  link = Math.max(link, world.longest);
  const cost = {
    progress: await costOf(world, count, (token) => ({
      ...{ type: 'progress', token },
      paths: world
        .pathsOf(token)
        .map(({ local, remote }) => ({ ...progressOf('10.1.0.1:1'), local, remote })),
    })),
    applied: await costOf(world, count, (token) => ({
      ...{ type: 'applied' },
      action: {
        ...{ type: 'createSubflow', token, reason: '', local: { address: '10.2.0.1' } },
        remote: { address: '10.9.0.1', port: 443 },
      },
    })),
    announced: await costOf(
      world,
      count,
      (token) => ({ ...announced(1, '10.9.1.1'), token }) as PolicyEvent,
    ),
  };
  world.close();
  return { ...cost, begin: begun, link };
}

const show = ({ min, median, max }: Spread, digits: number): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

async function main(): Promise<void> {
  const sizes = [Number(options.few), Number(options.many)];
  const costs = new Map<string, Cost[][]>();
  for (const policy of Object.values(POLICIES)) await measure(policy(), 50); // until it is compiled
  for (let round = 0; round < Number(options.rounds); ++round) {
    for (const [name, policy] of Object.entries(POLICIES)) {
      const bySize = costs.get(name) ?? [[], []];
      costs.set(name, bySize);
      for (const index of rotated([0, 1], round)) {
        bySize[index]!.push(await measure(policy(), sizes[index]!));
      }
    }
  }
  const events = new Table({
    head: ['µs of an event', 'event', ...sizes.map((size) => `${size} connections`), 'ratio'],
  });
  const turns = new Table({
    head: ['longest turn, ms', 'change', ...sizes.map((size) => `${size} connections`), 'goal'],
  });
  for (const [name, [few = [], many = []]] of costs) {
    for (const event of ['progress', 'applied', 'announced'] as const) {
      const [one, other] = [few.map((each) => each[event]), many.map((each) => each[event])];
      const ratio = show(ratios(other, one), 2);
      events.push([name, event, show(spread(one), 0), show(spread(other), 0), ratio]);
    }
    for (const [change, label] of [
      ['begin', 'connections begin'],
      ['link', 'a link goes and returns'],
    ] as const) {
      const columns = [few, many].map((all) => show(spread(all.map((each) => each[change])), 0));
      turns.push([name, label, ...columns, '<= 50']);
    }
  }
  console.log(events.toString());
  console.log(turns.toString());
  if (options.json) {
    writeFileSync(options.json, JSON.stringify({ options, costs: [...costs] }, null, 2));
  }
}

void main();
