/** Properties of policies under any events in any order: late, twice, or of what never existed. */
import fc from 'fast-check';
import { differences, parseLog, type PathPolicy, policies, replay } from '../../../lib';
import { PolicyEngine } from '../../../lib/policy/engine/engine';
import { encodeLine, logEntry, logHeader } from '../../../lib/policy/engine/log';
import type {
  ConnectionView,
  PathAction,
  PathProgress,
  PolicyAction,
  PolicyEvent,
} from '../../../lib/policy/policy';
import { address, begin, device, end, established, link, progressOf, subflow } from './support';

const RUNS = 100; // for each policy
const seed = Number(process.env.SEED ?? 1);
const LIMITS = { subflows: 3, addresses: 2 };
const CONNECTIONS = [
  established({ token: 1 }),
  established({ token: 2, serverSide: true, remote: end('10.9.0.1', 50_000) }),
  established({ token: 3, denyJoinId0: true, own: false }),
];
const NAMES = ['wlan0', 'wwan0', 'eth0'];
const LOCALS = ['10.1.0.1', '10.2.0.1', '10.3.0.1'];
const REMOTES = [end('10.9.0.1', 443), end('10.9.1.1', 443), end('10.9.1.1', 8443)];
const PHONE = NAMES.map((name, index) => device(index + 2, name, LOCALS[index]!));

const POLICIES: Record<string, () => PathPolicy> = {
  fullmesh: () => policies.fullmesh(),
  ndiffports: () => policies.ndiffports(3),
  signalAll: () => policies.signalAll(),
  backup: () => policies.backup({ standby: 'wwan0' }),
  perInterface: () => policies.perInterface({ limit: 2 }),
  aggregate: () => policies.all(policies.aggregate(), policies.heal()),
  interactive: () => policies.all(policies.interactive(), policies.heal({ server: true })),
  'interactive, metered': () =>
    policies.all(policies.interactive(), policies.dataCap({ interface: 'wlan0', bytes: 5000 })),
  'make-before-break': () =>
    policies.handover({
      mode: 'make-before-break',
      prefer: ['wlan0', 'eth0'],
      loss: 0.1,
      rtt: 100,
    }),
  'break-before-make': () =>
    policies.handover({ mode: 'break-before-make', prefer: ['wlan0'], hold: 500 }),
  simultaneous: () => policies.all(policies.handover({ mode: 'simultaneous' }), policies.heal()),
  dataCap: () =>
    policies.all(
      policies.fullmesh(),
      policies.dataCap({ interface: 'wwan0', bytes: 5000, then: 'destroy' }),
      policies.heal(),
    ),
};

const token = fc.constantFrom(1, 2, 3, 4);
const localAddress = fc.constantFrom(...LOCALS, '10.77.0.1');
const port = fc.constantFrom(1000, 1001, 1002, 443);
const remote = fc.constantFrom(...REMOTES);
const name = fc.constantFrom(...NAMES);
const count = fc.nat(20);

const ends = fc
  .record({ address: localAddress, port, remote })
  .map((of) => ({ local: end(of.address, of.port), remote: of.remote }));

const progressEvent = fc
  .record({
    token,
    paths: fc.array(
      fc
        .record({
          ends,
          unacked: count,
          lastAckRecv: fc.nat(3000),
          bytesAcked: fc.nat(5000),
          bytesSent: fc.nat(5000),
          rtt: fc.nat(300_000),
          retransmits: fc.nat(4),
          totalRetrans: count,
          dataSegsOut: fc.nat(200),
        })
        .map(({ ends: { local, remote: to }, ...more }) => ({
          ...progressOf('10.1.0.1:1', more),
          ...{ local, remote: to },
        })),
      { maxLength: 4 },
    ),
  })
  .map((each) => ({ type: 'progress', ...each }) as const);

/** Any event, also one that is late or of an unknown connection. */
const anyEvent: fc.Arbitrary<PolicyEvent> = fc.oneof(
  fc.constantFrom(...CONNECTIONS),
  { arbitrary: fc.constant<PolicyEvent>({ type: 'woken' }), weight: 5 },
  token.map((each) => ({ type: 'closed', source: 'kernel', token: each }) as const),
  ...(['subflowEstablished', 'subflowClosed', 'subflowPriority'] as const).map((type) =>
    fc
      .record({ token, ends, backup: fc.boolean() })
      .map(({ ends: of, ...more }): PolicyEvent => ({ type, source: 'kernel', ...of, ...more })),
  ),
  fc
    .record({ token, remoteId: fc.nat(3), to: remote, own: fc.boolean() })
    .map(({ to, own, ...of }): PolicyEvent => ({
      ...{ type: 'announced', source: 'kernel', ...of, address: to.address },
      ...(own && { port: to.port }),
    })),
  fc
    .record({ token, remoteId: fc.nat(3) })
    .map((of) => ({ type: 'removed', source: 'dump', ...of }) as const),
  fc.record({ index: fc.nat(2), running: fc.boolean() }).map(
    ({ index, running }) =>
      ({
        type: 'linkChanged',
        link: link(index + 2, NAMES[index]!, { running }),
      }) as const,
  ),
  fc.record({ index: fc.nat(2), gone: fc.boolean() }).map(
    ({ index, gone }) =>
      ({
        type: gone ? 'addressRemoved' : 'addressAdded',
        address: address(NAMES[index]!, LOCALS[index]!),
      }) as const,
  ),
  fc
    .record({ leaving: fc.boolean(), interface: name })
    .map(({ leaving, ...of }): PolicyEvent => ({ type: leaving ? 'leaving' : 'staying', ...of })),
  { arbitrary: progressEvent, weight: 4 },
);

interface Step {
  pause: number;
  event: PolicyEvent;
  /** The outcome of an earlier action, in place of the event. */
  outcome: 'applied' | 'refused' | 'gone' | 'foreign' | undefined;
  which: number;
  twice: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  pause: fc.oneof(fc.constant(0), fc.nat(50), fc.nat(4000)),
  event: anyEvent,
  outcome: fc.option(
    fc.oneof(
      { arbitrary: fc.constantFrom('applied' as const, 'refused' as const), weight: 8 },
      { arbitrary: fc.constantFrom('gone' as const, 'foreign' as const), weight: 1 },
    ),
    { nil: undefined, freq: 3 },
  ),
  which: fc.nat(),
  twice: fc.boolean(),
});

const steps = fc.array(step, { minLength: 5, maxLength: 60 });

const CODES = {
  refused: { code: 'ERR_MPTCP_SYSTEM', error: 'ENETUNREACH' },
  gone: { code: 'ERR_MPTCP_NOT_FOUND', error: 'EINVAL', extack: 'invalid token' },
  foreign: { code: 'ERR_MPTCP_PATH_MANAGER' },
};

function outcomeOf(action: PathAction, outcome: NonNullable<Step['outcome']>): PolicyEvent {
  if (outcome !== 'applied') return { type: 'refused', action, ...CODES[outcome] };
  return { type: 'applied', action };
}

/** The events of the steps, the outcomes of earlier actions included. */
function* eventsOf(
  all: readonly Step[],
  requested: readonly PathAction[],
): Generator<[number, PolicyEvent]> {
  let now = 0;
  yield [now, structuredClone(begin(PHONE))];
  for (const each of CONNECTIONS) yield [now, structuredClone(each)];
  for (const { pause, event, outcome, which, twice } of all) {
    now += pause;
    const action = requested[which % Math.max(1, requested.length)];
    const next = outcome && action ? outcomeOf(action, outcome) : event;
    yield [now, structuredClone(next)];
    if (twice) yield [now, structuredClone(next)];
  }
}

/** Checks a property without expect(), which would take most of the time. */
function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/**
 * Runs a policy through the steps, and checks each action. `after` gets what the engine must no
 * longer depend on. Returns the log, and `late`, a log that begins after `begun` events.
 */
function run(
  policy: PathPolicy,
  all: readonly Step[],
  { after = (_used: object): void => undefined, begun = 0 } = {},
) {
  const engine = new PolicyEngine(policy, { limits: LIMITS });
  const requested: PathAction[] = [];
  const lines: string[] = [encodeLine(logHeader(policy, engine.view.limits))];
  const late: string[] = [];
  const created: [number, number][] = [];
  const open = new Set<number>();
  for (const [now, event] of eventsOf(all, requested)) {
    const written = JSON.stringify(event);
    if (event.type === 'established') open.add(event.token);
    if (event.type === 'closed') open.delete(event.token);
    if (event.type === 'refused' && event.code !== CODES.refused.code) {
      open.delete(event.action.token);
    }
    const handled = engine.handle(now, event);
    if ('error' in handled) throw handled.error as Error;
    check(
      [...engine.view.connections.keys()].sort().join() === [...open].sort().join(),
      'the connections that are open',
    );
    for (const action of handled.actions) {
      check(open.has(action.token), 'no action on a closed connection');
      checkAction(engine.view.connections.get(action.token)!, action, handled.actions);
      if (action.type === 'createSubflow') created.push([action.token, now]);
    }
    if (event.type === 'woken') check((handled.wakeAt ?? Infinity) > now, 'wakes later');
    requested.push(...structuredClone(handled.actions));
    const line = encodeLine(logEntry(now, JSON.parse(written) as PolicyEvent, handled));
    if (late.length > 0) late.push(line);
    if (lines.push(line) === begun + 1) {
      late.push(encodeLine(logHeader(policy, engine.view.limits, engine.view)));
    }
    after({ event, actions: handled.actions });
  }
  checkRate(created);
  return { text: lines.join(''), late: late.join(''), requested };
}

/** Checks an action by the view after all actions of the answer. */
function checkAction(
  connection: ConnectionView,
  action: PathAction,
  all: readonly PathAction[],
): void {
  const { paths, opening, announcing, serverSide, remote: first } = connection;
  switch (action.type) {
    case 'createSubflow':
      check(paths.length + opening.length <= LIMITS.subflows + 1, 'the limit of subflows');
      check(opening.length > 0, 'it is being opened');
      if (serverSide && action.reason !== 'test') {
        check(action.remote.port !== first.port, 'a server cannot connect to its client');
      }
      break;
    case 'announce':
      check(announcing.length <= LIMITS.addresses, 'the limit of addresses');
      break;
    case 'destroySubflow':
      check(
        paths.some(({ closing }) => closing === undefined) ||
          // Another action of the answer may have closed the last one.
          all.some(
            (each) => each.type === 'destroySubflow' && each.last && each.token === action.token,
          ),
        'the last path stays',
      );
      break;
    case 'setBackup':
    case 'withdraw':
    case 'abandonSubflow':
  }
}

/** Checks that no t seconds have more than 16 + 2 t requests. */
function checkRate(created: readonly (readonly [token: number, at: number])[]): void {
  for (const { token: each } of CONNECTIONS) {
    const times = created.flatMap(([of, at]) => (of === each ? [at] : []));
    times.forEach((from, first) =>
      times.slice(first).forEach((to, more) => {
        check(more + 1 <= 16 + (2 * (to - from)) / 1000, 'no storm of subflows');
      }),
    );
  }
}

/** Clears every value in an object, at any depth. */
function corrupt(value: object): void {
  for (const [key, each] of Object.entries(value)) {
    if (typeof each === 'object' && each !== null) corrupt(each as object);
    else Object.assign(value, { [key]: undefined });
  }
}

describe.each(Object.entries(POLICIES))('%s', (_name, policy) => {
  test('keeps the limits, acts on open connections only, and a replay does the same', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const log = parseLog(run(policy(), all).text);
        expect(differences(log, replay(policy(), log))).toEqual([]);
      }),
      { numRuns: RUNS, seed },
    );
  });

  test('a log that begins later can be replayed', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 8 }), (all, begun) => {
        const log = parseLog(run(policy(), all, { begun }).late);
        expect(log.entries.length).toBeGreaterThan(0);
        expect(differences(log, replay(policy(), log))).toEqual([]);
      }),
      { numRuns: RUNS, seed },
    );
  });
});

test('the engine does not depend on an event afterwards', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const policy = POLICIES.aggregate!();
      expect(run(policy, all, { after: corrupt }).text).toBe(run(policy, all).text);
    }),
    { numRuns: 100, seed },
  );
});

describe('a policy that requests anything', () => {
  const anything: fc.Arbitrary<PolicyAction> = fc.oneof(
    fc
      .record({ token, local: localAddress, remote, max: fc.integer({ min: 1, max: 9 }) })
      .map(({ local, remote: { address: to, port: at }, ...more }): PolicyAction => ({
        ...{ type: 'createSubflow', reason: 'test', local: { address: local } },
        ...{ remote: { address: to, port: at }, ...more },
      })),
    fc.record({ token, ends, last: fc.boolean() }).map(({ ends: of, ...more }): PolicyAction => ({
      ...{ type: 'destroySubflow', reason: 'test', ...of, ...more },
    })),
    fc.record({ token, ends, backup: fc.boolean() }).map(({ ends: of, ...more }): PolicyAction => ({
      ...{ type: 'setBackup', reason: 'test', ...of, ...more },
    })),
    fc
      .record({ token, address: localAddress, withdraw: fc.boolean() })
      .map(({ withdraw, ...more }): PolicyAction => ({
        ...{ type: withdraw ? 'withdraw' : 'announce', reason: 'test', ...more },
      })),
    fc.integer({ min: -10, max: 10_000 }).map((at): PolicyAction => ({ type: 'wake', at })),
  );

  /** Answers each event with the next one of the answers. */
  const wild = (answers: readonly PolicyAction[][]): PathPolicy => {
    let count = 0;
    return { name: 'wild', decide: () => answers[count++ % answers.length] ?? [] };
  };

  test('exceeds no limit, and gets no action on a closed connection', () => {
    const answers = fc.array(fc.array(anything, { maxLength: 12 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(steps, answers, (all, script) => {
        run(wild(script), all);
      }),
      { numRuns: 800, seed },
    );
  });
});

describe('a network that comes and goes', () => {
  interface Carrier extends Pick<PathProgress, 'local' | 'remote' | 'bytesAcked'> {
    /** Since when nothing arrives; until the next retransmission, also where the network works. */
    stuck?: number;
    retryAt: number;
  }

  /**
   * A simulated network. A subflow is established 20 ms after its request where the link is up; on a
   * silent link, when the silence is over and the SYN is retransmitted. Each path carries a stream.
   */
  class Network {
    readonly engine: PolicyEngine;
    readonly created: [number, number][] = [];
    readonly #up = new Set(NAMES);
    readonly #silent = new Set<string>();
    readonly #due: { at: number; event: PolicyEvent }[] = [];
    readonly #carriers: Carrier[] = [];
    #now = 0;
    #port = 2000;

    constructor(policy: PathPolicy) {
      this.engine = new PolicyEngine(policy);
    }

    deliver(event: PolicyEvent): void {
      if (event.type === 'established' || event.type === 'subflowEstablished') {
        const { local, remote: to } = event;
        this.#carriers.push({ local, remote: to, bytesAcked: 0, retryAt: 0 });
      }
      if (event.type === 'subflowClosed') {
        const index = this.#carriers.findIndex(({ local }) => local.port === event.local.port);
        if (index >= 0) this.#carriers.splice(index, 1);
      }
      for (const action of this.engine.handle(this.#now, event).actions) this.#carryOut(action);
    }

    /** Advances the clock, and delivers what is due. */
    pass(until: number, { polls = false } = {}): void {
      for (; this.#now < until; this.#now += 10) {
        if (polls && this.#now % 50 === 0) this.#poll();
        const due = this.#due.filter(
          ({ at, event }) =>
            at <= this.#now && !(event.type === 'subflowEstablished' && this.#isSilent(event)),
        );
        for (const each of due) {
          this.#due.splice(this.#due.indexOf(each), 1);
          this.deliver(each.event);
        }
        this.deliver({ type: 'woken' });
      }
    }

    setLink(index: number, running: boolean): void {
      const each = NAMES[index]!;
      if (running) this.#up.add(each);
      else this.#up.delete(each);
      this.deliver({ type: 'linkChanged', link: link(index + 2, each, { running }) });
    }

    /** After a silence, waiting data are retransmitted at any time within a second. */
    setSilent(index: number, silent: boolean, random: () => number): void {
      const each = NAMES[index]!;
      if (silent) this.#silent.add(each);
      else this.#silent.delete(each);
      for (const waiting of this.#due) {
        if (waiting.event.type === 'subflowEstablished') waiting.at = this.#now + random();
      }
      for (const carrier of this.#carriers) carrier.retryAt = this.#now + random();
    }

    #isSilent({ local }: Pick<Carrier, 'local'>): boolean {
      return this.#silent.has(NAMES[LOCALS.indexOf(local.address)]!);
    }

    #poll(): void {
      const paths = this.#carriers.map((each) => {
        if (this.#isSilent(each)) each.stuck ??= this.#now;
        else if (each.retryAt <= this.#now) delete each.stuck;
        if (each.stuck === undefined) each.bytesAcked = this.#now * 1000;
        const { local, remote: to, bytesAcked, stuck = this.#now } = each;
        const waits = { lastAckRecv: this.#now - stuck, lastDataSent: this.#now - stuck };
        return {
          ...progressOf('10.1.0.1:1', { bytesAcked, unacked: 10, ...waits }),
          local,
          remote: to,
        };
      });
      this.deliver({ type: 'progress', token: 1, paths });
    }

    #carryOut(action: PathAction): void {
      if (action.type === 'createSubflow') {
        this.created.push([action.token, this.#now]);
        const index = LOCALS.indexOf(action.local.address);
        const { address: to, port: at } = action.remote;
        const ends = [`${action.local.address}:${this.#port++}`, `${to}:${at}`] as const;
        const up = this.#up.has(NAMES[index]!);
        const type = up ? 'subflowEstablished' : 'subflowClosed';
        this.#later(20, subflow(type, ...ends, { token: 1, ...(!up && { error: 'ENETUNREACH' }) }));
      }
      if (action.type === 'destroySubflow') {
        const { local, remote: to } = action;
        const ends = [`${local.address}:${local.port}`, `${to.address}:${to.port}`] as const;
        this.#later(5, subflow('subflowClosed', ...ends, { token: 1 }));
      }
      if (action.type === 'abandonSubflow') this.#abandon(action.local.address);
      this.#later(1, { type: 'applied', action });
    }

    /** Drops the outcome of an attempt: the kernel reports that it is closed. */
    #abandon(local: string): void {
      const index = this.#due.findIndex(
        ({ event }) =>
          (event.type === 'subflowEstablished' || event.type === 'subflowClosed') &&
          event.local.address === local,
      );
      if (index < 0) return;
      const [due] = this.#due.splice(index, 1);
      this.#later(5, { ...due!.event, type: 'subflowClosed' } as PolicyEvent);
    }

    #later(delay: number, event: PolicyEvent): void {
      this.#due.push({ at: this.#now + delay, event });
    }
  }

  test('gets no storm of subflows, and all paths within a second of the last change', () => {
    const flaps = fc.integer({ min: 20, max: 600 }).chain((longest) =>
      fc.array(fc.record({ index: fc.nat(2), pause: fc.integer({ min: 10, max: longest }) }), {
        ...{ minLength: 1, maxLength: 150, size: 'max' },
      }),
    );
    fc.assert(
      fc.property(flaps, (all) => {
        const network = new Network(policies.all(policies.fullmesh(), policies.heal()));
        network.deliver(begin(PHONE));
        network.deliver(established({ token: 1 }));
        let now = 1000;
        network.pass(now);
        const up = [true, true, true];
        for (const { index, pause } of all) {
          up[index] = !up[index];
          network.setLink(index, up[index]);
          now += pause;
          network.pass(now);
        }
        up.forEach((running, index) => {
          if (!running) network.setLink(index, true);
        });
        const { creations } = network.engine.view.connections.get(1) as never as {
          creations: { level: number; rate: number };
        };
        const waits = Math.max(0, (3 - creations.level) / creations.rate) * 1000;
        network.pass(now + 1000 + waits);
        const { paths } = network.engine.view.connections.get(1)!;
        expect(new Set(paths.map((path) => path.interface))).toEqual(new Set(NAMES));
        expect(paths).toHaveLength(3);
        checkRate(network.created);
      }),
      { numRuns: 20, seed },
    );
  });

  test.each([
    ['a path on each interface', () => policies.fullmesh(), NAMES],
    ['three from the first address', () => policies.ndiffports(3), Array(3).fill('wlan0')],
  ] as [string, () => PathPolicy, string[]][])(
    'gets each path once after a silence: %s',
    (_name, policy, expected) => {
      const silences = fc.array(
        fc.record({
          silent: fc.subarray([0, 1, 2], { minLength: 1 }),
          lasts: fc.integer({ min: 50, max: 9000 }),
          pause: fc.integer({ min: 50, max: 3000 }),
        }),
        { minLength: 1, maxLength: 5 },
      );
      fc.assert(
        fc.property(silences, fc.infiniteStream(fc.nat(1000)), (all, stream) => {
          const random = (): number => stream.next().value as number;
          const network = new Network(policies.all(policy(), policies.heal()));
          network.deliver(begin(PHONE));
          network.deliver(established({ token: 1 }));
          let now = 2000;
          network.pass(now, { polls: true });
          for (const { silent, lasts, pause } of all) {
            for (const index of silent) network.setSilent(index, true, random);
            network.pass((now += lasts), { polls: true });
            for (const index of silent) network.setSilent(index, false, random);
            network.pass((now += pause), { polls: true });
          }
          network.pass(now + 15_000, { polls: true });
          const { paths, opening } = network.engine.view.connections.get(1)!;
          expect(paths.map((path) => path.interface).sort()).toEqual([...expected].sort());
          expect(opening).toEqual([]);
          checkRate(network.created);
        }),
        { numRuns: 20, seed },
      );
    },
  );
});
