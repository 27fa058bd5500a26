/**
 * The work of an event does not grow with the number of connections. The tests count the connections
 * whose paths are read, not the time.
 */
import { policies } from '../../../lib';
import { PolicyEngine } from '../../../lib/policy/engine/engine';
import { EngineClock } from '../../../lib/policy/manage/clock';
import { DarkPaths } from '../../../lib/policy/manage/dark-paths';
import type { PathAction, PathPolicy, PathView, PolicyEvent } from '../../../lib/policy/policy';
import {
  begin,
  create,
  end,
  established,
  linkChanged,
  progress,
  progressOf,
  subflow,
} from './support';

const POLICIES: Record<string, () => PathPolicy> = {
  fullmesh: () => policies.fullmesh(),
  aggregate: () => policies.aggregate(),
  'fullmesh + heal': () => policies.all(policies.fullmesh(), policies.heal()),
  ndiffports: () => policies.ndiffports(3),
  signalAll: () => policies.signalAll(),
  backup: () => policies.backup({ standby: 'wwan0' }),
  perInterface: () => policies.perInterface({ limit: 2 }),
  interactive: () => policies.interactive(),
  handover: () => policies.handover({ mode: 'make-before-break', prefer: ['wwan0'] }),
  dataCap: () => policies.dataCap({ interface: 'wwan0', bytes: 0 }),
};

const action: PathAction = { ...create('10.2.0.1'), token: 1 };

/** The events of one connection, that of the token 1. */
const EVENTS: PolicyEvent[] = [
  subflow('subflowEstablished', '10.2.0.1:2000', undefined, { token: 1 }),
  { type: 'applied', action },
  { type: 'refused', action, code: 'ERR_MPTCP_SYSTEM', error: 'ENETUNREACH' },
  { ...progress(progressOf('10.1.0.1:1001')), token: 1 } as PolicyEvent,
  { type: 'announced', source: 'kernel', token: 1, remoteId: 3, address: '10.9.1.1' },
  { type: 'removed', source: 'kernel', token: 1, remoteId: 3 },
  subflow('subflowPriority', '10.2.0.1:2000', undefined, { token: 1, backup: true }),
  subflow('subflowClosed', '10.2.0.1:2000', undefined, { token: 1, error: 'ETIMEDOUT' }),
];

/** Counts how often the paths of each connection are read. */
class Reads {
  count = 0;
  readonly tokens = new Set<number>();

  watch(engine: Pick<PolicyEngine, 'view'>): void {
    for (const [token, connection] of engine.view.connections) {
      let { paths } = connection;
      Object.defineProperty(connection, 'paths', {
        get: (): readonly PathView[] => {
          this.count++;
          this.tokens.add(token);
          return paths;
        },
        set: (value: readonly PathView[]) => (paths = value),
        enumerable: true,
      });
    }
  }

  reset(): void {
    this.count = 0;
    this.tokens.clear();
  }
}

const connection = (token: number): PolicyEvent =>
  established({ token, local: end('10.1.0.1', 1000 + token) });

/** An engine with so many connections, whose reads are counted. */
function engineOf(policy: PathPolicy, connections: number) {
  const engine = new PolicyEngine(policy);
  engine.handle(0, begin());
  const requested = Array.from({ length: connections }, (_, index) =>
    engine.handle(0, connection(index + 1)),
  ).flatMap(({ actions }) => actions);
  const reads = new Reads();
  reads.watch(engine);
  return { engine, reads, requested };
}

/** How often paths are read for each of the events, and of which connections. */
function readsOf(policy: PathPolicy, connections: number) {
  const { engine, reads } = engineOf(policy, connections);
  const dark = new DarkPaths({ dark: () => undefined, alive: () => undefined });
  return EVENTS.map((event, index) => {
    reads.reset();
    engine.handle(1000 + index, event);
    dark.update(engine.view, event);
    return { type: event.type, count: reads.count, tokens: [...reads.tokens] };
  });
}

describe.each(Object.entries(POLICIES))('%s', (_name, policy) => {
  test('reads the paths of the connection that an event is about, and no others', () => {
    const few = readsOf(policy(), 3);
    expect(readsOf(policy(), 300)).toEqual(few);
    for (const { tokens } of few) expect([[], [1]]).toContainEqual(tokens);
  });

  test('reads the paths of the connections whose back-off ends, and no others', () => {
    const { engine, reads, requested } = engineOf(policy(), 300);
    const first = requested.find((each) => each.token === 1);
    if (!first) return; // the policy does nothing here that could fail
    engine.handle(1, { type: 'refused', action: first, code: 'ERR_MPTCP_SYSTEM' });
    engine.handle(2, { type: 'woken', tokens: [1] });
    reads.reset();
    const event = engine.woken(300);
    engine.handle(300, event);
    expect(event).toEqual({ type: 'woken', tokens: [1] });
    expect([[], [1]]).toContainEqual([...reads.tokens]);
  });

  test('decides on many connections in parts after a change of a link', () => {
    const { engine, reads } = engineOf(policy(), 300);
    const decided: number[] = [];
    let event = engine.inParts(1000, linkChanged(3, 'wwan0', false));
    for (let n = 0; n < 300 && decided.length < 300; n++) {
      reads.reset();
      const { wakeAt } = engine.handle(1000, event);
      const { tokens = [] } = event as { tokens?: readonly number[] };
      expect(tokens.length).toBeLessThanOrEqual(25);
      decided.push(...tokens);
      expect(decided.length === 300 || wakeAt === 1000).toBe(true);
      event = engine.woken(1000);
    }
    expect(decided.sort((one, other) => one - other)).toEqual(
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
  });
});

test('a policy that does not decide for each connection alone gets every event as a whole', () => {
  const { engine } = engineOf({ name: 'own', decide: () => [{ type: 'wake', at: 1000 }] }, 300);
  const event = linkChanged(3, 'wwan0', false);
  expect(engine.inParts(500, event)).toBe(event);
  expect(engine.woken(1000)).toEqual({ type: 'woken' });
});

test('events that arrive at the same time are handled in order, in several turns', async () => {
  const order: number[] = [];
  const turns = new Set<number>();
  let turn = 0;
  const spend = (): void => {
    const until = performance.now() + 3;
    while (performance.now() < until);
  };
  const done = new Promise<void>((resolve) => {
    const clock = new EngineClock({ name: 'slow', decide: () => (spend(), []) }, undefined, {
      act: () => undefined,
      failed: () => undefined,
      decided: (_at, event) => {
        order.push((event as { token: number }).token);
        turns.add(turn);
        if (order.length === 20) resolve();
      },
    });
    for (let token = 1; token <= 20; token++) clock.receive(connection(token));
  });
  const count = (): void => {
    turn++;
    if (order.length < 20) setImmediate(count);
  };
  setImmediate(count);
  await done;
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  expect(turns.size).toBeGreaterThan(3);
});
