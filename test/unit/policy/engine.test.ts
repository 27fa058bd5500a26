/** The engine: what the view has after events, and which actions it admits. */
import { type NetworkRoute, policies } from '../../../lib';
import { PolicyEngine } from '../../../lib/policy/engine/engine';
import type { CreateSubflowAction, PathAction, PolicyEvent } from '../../../lib/policy/policy';
import {
  announced,
  begin,
  CLIENT,
  closed,
  create,
  device,
  established,
  summaryOf,
  linkChanged,
  engineWith,
  onSubflow,
  PHONE,
  progress,
  progressOf,
  removed,
  ScriptedPolicy,
  SERVER,
  subflow,
  TOKEN,
} from './support';

function begun(limits = {}) {
  const policy = new ScriptedPolicy();
  const made = engineWith(policy, limits);
  made.at(0, begin(), established());
  return { policy, ...made };
}

const isCreate = (action: PathAction): action is CreateSubflowAction =>
  action.type === 'createSubflow';

const refusedCreate = (code: string, more: object = {}): PolicyEvent => ({
  ...{ type: 'refused', action: create('10.2.0.1'), code },
  ...more,
});

describe('the view', () => {
  test('has a connection, its paths and their interfaces', () => {
    const { at, connection } = begun();
    at(10, subflow('subflowEstablished', '10.2.0.1:2000', undefined, { backup: true }));
    expect(connection()).toMatchObject({ serverSide: false, own: true, since: 0 });
    expect(connection().paths).toMatchObject([
      { local: CLIENT, remote: SERVER, interface: 'wlan0', opened: true, since: 0 },
      { interface: 'wwan0', backup: false, peerBackup: true, opened: true, since: 10 },
    ]);
    at(20, subflow('subflowPriority', '10.2.0.1:2000', undefined, { backup: false }));
    expect(connection().paths[1]!.peerBackup).toBe(false);
    at(30, subflow('subflowClosed', '10.1.0.1:1000', undefined, { error: 'ETIMEDOUT' }));
    expect(connection().paths).toHaveLength(1);
    expect(connection().lost).toMatchObject([{ local: '10.1.0.1', error: 'ETIMEDOUT', at: 30 }]);
    expect(connection().failures).toMatchObject([{ local: '10.1.0.1', count: 1, retryAt: 280 }]);
    at(40, subflow('subflowEstablished', '10.1.0.1:1001'));
    expect(connection()).toMatchObject({ lost: [], failures: [] });
  });

  test('has the addresses that the peer announces', () => {
    const { at, connection } = begun();
    at(1, announced(3, '10.9.1.1'), announced(4, '10.9.2.1', 8443), removed(3));
    expect([...connection().announced]).toEqual([[4, { address: '10.9.2.1', port: 8443 }]]);
    at(2, removed(0));
    expect(connection().denyJoinId0).toBe(true);
  });

  test('has the interfaces, and those that the app will lose until they are back', () => {
    const { at, engine, connection } = begun();
    at(1, { type: 'leaving', interface: 'wlan0' });
    expect([...engine.view.leaving]).toEqual(['wlan0']);
    at(2, linkChanged(2, 'wlan0', false));
    expect(engine.view.interfaces[0]).toMatchObject({ name: 'wlan0', running: false });
    expect(engine.view.interfaces[0]!.addresses).toHaveLength(1);
    expect(engine.view.leaving.size).toBe(1);
    at(3, linkChanged(2, 'wlan0', true));
    expect(engine.view.leaving.size).toBe(0);
    const [address] = PHONE[0]!.addresses;
    at(4, { type: 'addressRemoved', address: address! });
    expect(connection().paths[0]!.interface).toBeUndefined();
    at(5, { type: 'addressAdded', address: address! });
    expect(connection().paths[0]!.interface).toBe('wlan0');
    at(6, { type: 'linkChanged', link: { ...PHONE[0]!, name: 'wifi' } });
    expect(connection().paths[0]!.interface).toBe('wifi');
    at(7, { type: 'linkRemoved', link: { ...PHONE[0]!, name: 'wifi' } });
    expect(engine.view.interfaces).toHaveLength(1);
  });

  test('has the bytes that each interface carried', () => {
    const { at, engine } = begun();
    const carried = (bytesSent: number, bytesReceived: number) =>
      progress(progressOf('10.1.0.1:1000', { bytesSent, bytesReceived }));
    at(1, carried(100, 10), carried(150, 10), carried(150, 1010));
    expect([...engine.view.usage]).toEqual([['wlan0', 1160]]);
  });

  test('keeps no reference to an event', () => {
    const { at, engine } = begun();
    const events = structuredClone<PolicyEvent[]>([
      begin([device(2, 'wlan0', '10.1.0.1')]),
      established({ token: 8 }),
      subflow('subflowEstablished', '10.2.0.1:2000'),
      progress(progressOf('10.1.0.1:1000')),
    ]);
    at(5, ...events);
    const before = JSON.stringify([engine.view.interfaces, ...engine.view.connections.values()]);
    const corrupt = (value: object): void => {
      for (const [key, each] of Object.entries(value)) {
        if (typeof each === 'object' && each !== null) corrupt(each as object);
        else Object.assign(value, { [key]: 'corrupt' });
      }
    };
    corrupt(events);
    expect(events).toMatchObject([{ type: 'corrupt' }, {}, {}, {}]);
    expect(JSON.stringify([engine.view.interfaces, ...engine.view.connections.values()])).toBe(
      before,
    );
  });
});

describe('creating a subflow', () => {
  test('is dropped where one is being opened or is there', () => {
    const { policy, at, connection } = begun();
    policy.answer = () => [create('10.2.0.1'), create('10.2.0.1'), create('10.1.0.1')];
    expect(at(1, { type: 'woken' }).map(summaryOf)).toEqual([
      'createSubflow 10.2.0.1 10.9.0.1:443',
    ]);
    expect(connection().opening).toMatchObject([{ local: '10.2.0.1', since: 1 }]);
    expect(at(2, { type: 'woken' })).toEqual([]);
    expect(at(3, subflow('subflowEstablished', '10.2.0.1:2000'))).toEqual([]);
    expect(connection()).toMatchObject({ opening: [], paths: [{}, { opened: true }] });
  });

  test('is admitted up to `max` between two addresses, and to the limit', () => {
    const { policy, at } = begun({ subflows: 3 });
    policy.answer = () => Array.from({ length: 9 }, () => create('10.1.0.1', { max: 3 }));
    expect(at(1, { type: 'woken' })).toHaveLength(2);
    policy.answer = () => Array.from({ length: 9 }, () => create('10.1.0.1', { max: 9 }));
    expect(at(2, { type: 'woken' })).toHaveLength(1);
  });

  test('is dropped for a connection that is closed or unknown', () => {
    const { policy, at } = begun();
    policy.answer = () => [create('10.2.0.1'), create('10.2.0.1', { token: 99 })];
    expect(at(1, closed())).toEqual([]);
    expect(at(2, subflow('subflowEstablished', '10.2.0.1:2000'))).toEqual([]);
  });

  test('waits after a failure, for longer each time, and wakes the policy then', () => {
    const { policy, engine, at, connection } = begun();
    policy.answer = () => [create('10.2.0.1')];
    let now = 1000;
    const pauses: number[] = [];
    expect(at(now, { type: 'woken' })).toHaveLength(1);
    for (let i = 0; i < 6; i++) {
      const { actions, wakeAt = Infinity } = engine.handle(
        now,
        i % 2 === 0
          ? subflow('subflowClosed', `10.2.0.1:${2000 + i}`, undefined, { error: 'ETIMEDOUT' })
          : refusedCreate('ERR_MPTCP_SYSTEM', { error: 'ENETUNREACH' }),
      );
      expect(actions).toEqual([]);
      expect(connection().failures).toMatchObject([{ count: i + 1, at: now }]);
      const { retryAt } = connection().failures[0]!;
      expect(wakeAt).toBeLessThanOrEqual(retryAt);
      expect(at(retryAt - 1, { type: 'woken' })).toEqual([]);
      expect(at(retryAt, { type: 'woken' })).toHaveLength(1);
      pauses.push(retryAt - now);
      now = retryAt;
    }
    expect(pauses).toEqual([250, 500, 1000, 2000, 3500, 3500]);
  });

  /** The pauses after failures in a row, each attempt made as soon as the engine admits it. */
  function pausesAfter(
    error: string,
    count: number,
    { remote, worked = false }: { remote?: string; worked?: boolean } = {},
  ): number[] {
    const { policy, engine, at } = begun();
    const [address = SERVER.address, port = SERVER.port] = remote?.split(':') ?? [];
    policy.answer = () => [create('10.2.0.1', { remote: { address, port: Number(port) } })];
    let now = 20_000;
    if (worked) at(0, subflow('subflowEstablished', '10.2.0.1:2000', remote));
    if (worked) at(now - 250, subflow('subflowClosed', '10.2.0.1:2000', remote));
    at(now, { type: 'woken' });
    return Array.from({ length: count }, (_, index) => {
      engine.handle(now, subflow('subflowClosed', `10.2.0.1:${3000 + index}`, remote, { error }));
      const { retryAt } = engine.view.connections.get(TOKEN)!.failures[0]!;
      const pause = retryAt - now;
      now = retryAt;
      at(now, { type: 'woken' });
      return pause;
    });
  }

  test('is hardly ever repeated where the peer refuses it', () => {
    expect(pausesAfter('ECONNREFUSED', 7)).toEqual(
      [30, 60, 120, 240, 480, 600, 600].map((seconds) => seconds * 1000),
    );
  });

  test('is repeated a few times where the peer refuses what worked before', () => {
    const worked = true;
    expect(pausesAfter('ECONNREFUSED', 6, { worked })).toEqual([
      500, 1000, 2000, 3500, 30_000, 60_000,
    ]);
    expect(pausesAfter('ETIMEDOUT', 5, { worked })).toEqual([500, 1000, 2000, 3500, 3500]);
  });

  test('waits for longer and longer where nothing ever came from the remote address', () => {
    const pauses = pausesAfter('EHOSTUNREACH', 14, { remote: '10.9.1.1:443' });
    expect(pauses.slice(0, 3)).toEqual([250, 500, 1000]);
    expect(pauses.slice(-2)).toEqual([600_000, 600_000]);
  });

  test('is not made more often where the peer withdraws and announces the address in turns', () => {
    const { policy, at } = begun();
    const remote = { address: '10.9.1.1', port: SERVER.port };
    policy.answer = (_view, event) =>
      event.type === 'announced' || event.type === 'woken' ? [create('10.2.0.1', { remote })] : [];
    let attempts = 0;
    for (let now = 0; now < 60_000; now += 10) {
      if (at(now, announced(1, '10.9.1.1')).some(isCreate)) {
        attempts++;
        const error = 'ECONNREFUSED';
        at(now, subflow('subflowClosed', `10.2.0.1:${2000 + attempts}`, '10.9.1.1:443', { error }));
      }
      at(now + 5, removed(1));
    }
    expect(attempts).toBeLessThanOrEqual(21); // 250 ms, 500 ms, 1 s, 2 s, and then each 3.5 s
  });

  test('is hardly ever repeated where a peer announces many addresses that never answer', () => {
    const { engine, at } = engineWith(policies.fullmesh());
    at(0, begin(), established());
    for (let id = 1; id <= 255; id++) at(1, announced(id, `10.9.1.${id}`));
    expect(engine.view.connections.get(TOKEN)!.announced.size).toBe(32);
    const HOUR = 3_600_000;
    let attempts = 0;
    for (let now = 0; now < 2 * HOUR; now += 60_000) {
      for (const each of at(now, { type: 'woken' }).filter(isCreate)) {
        const { local, remote } = each;
        if (now >= HOUR && remote.address !== SERVER.address) attempts++;
        at(
          now,
          subflow('subflowClosed', `${local.address}:9`, `${remote.address}:${remote.port}`, {
            error: 'EHOSTUNREACH',
          }),
        );
      }
    }
    expect(attempts).toBeLessThanOrEqual(2 * 32 * 6); // each 10 minutes from each local address
  });

  test('is tried again soon where the peer announces the address again, and no sooner', () => {
    const { policy, at, connection } = begun();
    const remote = { address: '10.9.1.1', port: SERVER.port };
    policy.answer = () => [create('10.2.0.1', { remote })];
    const refuse = (now: number, port: number): PathAction[] =>
      at(
        now,
        subflow('subflowClosed', `10.2.0.1:${port}`, '10.9.1.1:443', { error: 'ECONNREFUSED' }),
      );
    expect(at(1, announced(1, '10.9.1.1'))).toHaveLength(1);
    refuse(2, 2000);
    expect(connection().failures[0]?.retryAt).toBe(30_001);
    expect(at(100, announced(1, '10.9.1.1'))).toEqual([]);
    expect(connection().failures[0]?.retryAt).toBe(252);
    expect(at(252, { type: 'woken' })).toHaveLength(1);
    refuse(253, 2001);
    for (let now = 300; now < 700; now += 10) expect(at(now, announced(1, '10.9.1.1'))).toEqual([]);
  });

  describe('to an address and port that never accepted one', () => {
    const remote = { address: '10.9.1.1', port: SERVER.port };
    const fromEach = () => [create('10.1.0.1', { remote }), create('10.2.0.1', { remote })];
    const refuse = (local: string) =>
      subflow('subflowClosed', `${local}:2000`, '10.9.1.1:443', { error: 'ECONNREFUSED' });

    test('is tried from one local address, and from the others once it accepts that', () => {
      const { policy, at } = begun();
      policy.answer = fromEach;
      expect(at(1, { type: 'woken' }).map(summaryOf)).toEqual([
        'createSubflow 10.1.0.1 10.9.1.1:443',
      ]);
      expect(at(2, { type: 'woken' })).toEqual([]);
      expect(
        at(40, subflow('subflowEstablished', '10.1.0.1:2000', '10.9.1.1:443')).map(summaryOf),
      ).toEqual(['createSubflow 10.2.0.1 10.9.1.1:443']);
    });

    test('is tried from the next local address where the first has no answer for a second', () => {
      const { policy, engine, at } = begun();
      policy.answer = fromEach;
      const { wakeAt = Infinity } = engine.handle(5, { type: 'woken' });
      expect(wakeAt).toBeLessThanOrEqual(1010);
      expect(at(1004, { type: 'woken' })).toEqual([]);
      expect(at(1005, { type: 'woken' }).map(summaryOf)).toEqual([
        'createSubflow 10.2.0.1 10.9.1.1:443',
      ]);
    });

    test('is hardly ever repeated where the peer refuses it, from whatever local address', () => {
      const { policy, at, connection } = begun();
      policy.answer = fromEach;
      at(0, { type: 'woken' });
      const tried: [number, string][] = [];
      let [now, local] = [0, '10.1.0.1'];
      for (const answer of [() => fromEach().reverse(), fromEach, () => fromEach().reverse()]) {
        expect(at(now, refuse(local))).toEqual([]);
        policy.answer = answer;
        const next = Math.max(...connection().failures.map(({ retryAt }) => retryAt));
        expect(at(next - 1, { type: 'woken' })).toEqual([]);
        const actions = at(next, { type: 'woken' });
        expect(actions).toHaveLength(1);
        local = 'local' in actions[0]! ? actions[0].local.address : '';
        tried.push([next - now, local]);
        now = next;
      }
      expect(tried).toEqual([
        [30_000, '10.2.0.1'],
        [60_000, '10.1.0.1'],
        [120_000, '10.2.0.1'],
      ]);
    });

    test('is tried from each where the peer announces the address again', () => {
      const { policy, at } = begun();
      policy.answer = fromEach;
      at(0, { type: 'woken' }, refuse('10.1.0.1'));
      expect(at(100, announced(1, '10.9.1.1'))).toEqual([]);
      expect(at(250, { type: 'woken' })).toHaveLength(1);
    });
  });

  test('is admitted at once where the address or its route returns', () => {
    const { policy, at } = begun();
    policy.answer = () => [create('10.2.0.1')];
    at(1, { type: 'woken' }, refusedCreate('ERR_MPTCP_SYSTEM'));
    expect(at(2, linkChanged(3, 'wwan0', false))).toEqual([]);
    expect(at(3, linkChanged(3, 'wwan0', true))).toHaveLength(1);
    at(4, refusedCreate('ERR_MPTCP_SYSTEM', { error: 'ENETUNREACH' }));
    const route = (...names: string[]): NetworkRoute => ({
      ...{ family: 'IPv4', prefixLength: 0, table: 254, metric: 0, type: 'unicast', protocol: 3 },
      nextHops: names.map((name) => ({ interface: name, weight: 1 })),
    });
    expect(at(5, { type: 'routeAdded', route: route('wlan0') })).toEqual([]);
    expect(at(6, { type: 'routeAdded', route: route('wwan0') })).toHaveLength(1);
  });

  test('is abandoned without an answer, in time for a fresh SYN every 4 s', () => {
    const { policy, engine, at, connection } = begun();
    policy.answer = () => [create('10.2.0.1')];
    const { wakeAt = 0 } = engine.handle(0, { type: 'woken' });
    expect(wakeAt).toBe(6500);
    expect(at(6500, { type: 'woken' })).toEqual([
      {
        ...{ type: 'abandonSubflow', token: TOKEN, reason: 'no answer' },
        local: { address: '10.2.0.1' },
        remote: { address: '10.9.0.1', port: 443 },
      },
    ]);
    expect(at(6510, subflow('subflowClosed', '10.2.0.1:2000'))).toEqual([]);
    expect(connection().failures).toMatchObject([{ error: 'ETIMEDOUT', retryAt: 6750, count: 1 }]);
    expect(at(6750, { type: 'woken' }).map(summaryOf)).toEqual([
      'createSubflow 10.2.0.1 10.9.0.1:443',
    ]);
    expect(6750 - 3000).toBeLessThan(4000);
  });

  test('is abandoned where its local address goes', () => {
    const { policy, at, connection } = begun();
    policy.answer = () => [create('10.2.0.1')];
    at(1, { type: 'woken' });
    policy.answer = () => [];
    expect(at(2, linkChanged(3, 'wwan0', false)).map(summaryOf)).toEqual([
      'abandonSubflow 10.2.0.1 10.9.0.1:443',
    ]);
    expect(connection()).toMatchObject({ opening: [], failures: [] });
  });

  test('waits until an abandoned attempt has ended', () => {
    const { policy, at, connection } = begun();
    policy.answer = () => [create('10.2.0.1')];
    at(1, { type: 'woken' });
    at(2, linkChanged(3, 'wwan0', false));
    expect(at(3, linkChanged(3, 'wwan0', true))).toEqual([]);
    expect(at(4, subflow('subflowClosed', '10.2.0.1:2000'))).toHaveLength(1);
    expect(connection()).toMatchObject({ opening: [{ since: 4 }], failures: [] });
    at(5, linkChanged(3, 'wwan0', false));
    expect(at(6, linkChanged(3, 'wwan0', true))).toEqual([]);
    at(7, subflow('subflowClosed', '10.2.0.1:2001'));
    at(8, linkChanged(3, 'wwan0', false));
    at(9, linkChanged(3, 'wwan0', true));
    expect(at(3507, { type: 'woken' })).toEqual([]);
    expect(at(3508, { type: 'woken' })).toHaveLength(1);
  });

  test('is dropped where an abandoned attempt succeeded after all', () => {
    const { policy, at, connection } = begun();
    policy.answer = () => [create('10.2.0.1')];
    at(1, { type: 'woken' });
    const [abandoned] = at(2, linkChanged(3, 'wwan0', false));
    expect(at(3, linkChanged(3, 'wwan0', true))).toEqual([]);
    const code = 'ERR_MPTCP_NOT_FOUND';
    expect(at(4, { type: 'refused', action: abandoned!, code })).toEqual([]);
    expect(at(900, subflow('subflowEstablished', '10.2.0.1:2000'))).toEqual([]);
    expect(connection().paths).toHaveLength(2);
  });

  test('counts a path that soon closes as a failure', () => {
    const { policy, at, connection } = begun();
    policy.answer = () => [create('10.2.0.1')];
    at(0, { type: 'woken' });
    let now = 0;
    for (let i = 1; i <= 3; i++) {
      at(now + 10, subflow('subflowEstablished', `10.2.0.1:${i}`));
      at(now + 20, subflow('subflowClosed', `10.2.0.1:${i}`));
      const [failure] = connection().failures;
      expect(failure).toMatchObject({ count: i });
      now = failure!.retryAt;
      expect(at(now, { type: 'woken' })).toHaveLength(1);
    }
    at(now + 10, subflow('subflowEstablished', '10.2.0.1:9'));
    at(now + 20_000, subflow('subflowClosed', '10.2.0.1:9'));
    expect(connection().failures).toMatchObject([{ count: 1 }]);
  });

  test('is admitted 16 times at once and 2 times a second at most', () => {
    const { policy, at } = begun();
    policy.answer = ({ interfaces }) => (interfaces[1]!.running ? [create('10.2.0.1')] : []);
    let created = 0;
    for (let now = 0; now < 60_000; now += 100) {
      created += at(now, linkChanged(3, 'wwan0', true)).filter(isCreation).length;
      at(now, linkChanged(3, 'wwan0', false), subflow('subflowClosed', '10.2.0.1:2000'));
    }
    expect(created).toBeGreaterThan(100);
    expect(created).toBeLessThanOrEqual(16 + 2 * 60);
  });
});

const isCreation = ({ type }: { type: string }): boolean => type === 'createSubflow';

describe('destroying a subflow', () => {
  const destroy = (local: string, last = false) => ({
    ...({ type: 'destroySubflow', ...onSubflow(local), ...(last && { last }) } as const),
  });

  test('is dropped for the last path, unless `last` is set', () => {
    const { policy, at, connection } = begun();
    at(1, subflow('subflowEstablished', '10.2.0.1:2000'));
    policy.answer = () => [destroy('10.1.0.1:1000'), destroy('10.2.0.1:2000')];
    expect(at(2, { type: 'woken' }).map(summaryOf)).toEqual([
      'destroySubflow 10.1.0.1:1000 10.9.0.1:443',
    ]);
    expect(connection().paths[0]!.closing).toBe('test');
    policy.answer = () => [destroy('10.2.0.1:2000', true)];
    expect(at(3, subflow('subflowClosed', '10.1.0.1:1000'))).toHaveLength(1);
    expect(connection().lost).toMatchObject([{ local: '10.1.0.1', reason: 'test' }]);
  });

  test('removes the path that the kernel does not find, and keeps it at another refusal', () => {
    const { policy, at, connection } = begun();
    at(1, subflow('subflowEstablished', '10.2.0.1:2000'));
    policy.answer = () => [destroy('10.2.0.1:2000')];
    const [action] = at(2, { type: 'woken' });
    const refuse = (now: number, code: string) =>
      at(now, { type: 'refused', action: action!, code, error: 'ESRCH' });
    expect(refuse(3, 'ERR_MPTCP_SYSTEM')).toEqual([]);
    expect(connection().paths[1]!.closing).toBeUndefined();
    expect(at(252, { type: 'woken' })).toEqual([]);
    expect(at(253, { type: 'woken' })).toHaveLength(1);
    expect(refuse(254, 'ERR_MPTCP_NOT_FOUND')).toEqual([]);
    expect(connection().paths).toHaveLength(1);
  });
});

describe('setting a priority', () => {
  test('is admitted where it changes something, and changes back only later', () => {
    const { policy, engine, at, connection } = begun();
    const set = (backup: boolean) =>
      ({ type: 'setBackup', ...onSubflow('10.1.0.1:1000'), backup }) as const;
    policy.answer = () => [set(false), set(true), set(true), set(false)];
    const { actions, wakeAt } = engine.handle(1, { type: 'woken' });
    expect(actions.map(summaryOf)).toEqual(['setBackup 10.1.0.1:1000 10.9.0.1:443 backup']);
    expect(connection().paths[0]).toMatchObject({ backup: true, backupSince: 1 });
    expect(wakeAt).toBe(260);
    policy.answer = () => [set(true)];
    expect(at(2, { type: 'applied', action: actions[0]! })).toEqual([]);
    policy.answer = () => [];
    at(3, { type: 'refused', action: actions[0]!, code: 'ERR_MPTCP_SYSTEM' });
    expect(connection().paths[0]).toMatchObject({ backup: false, backupSince: 3 });
  });
});

describe('announcing an address', () => {
  test('is admitted once, up to the limit, and is withdrawn only where it is announced', () => {
    const { policy, at, connection } = begun({ addresses: 2 });
    const action = (type: 'announce' | 'withdraw', address: string, port?: number) =>
      ({ ...{ type, token: TOKEN, reason: 'test', address }, ...(port && { port }) }) as const;
    policy.answer = () => [
      action('announce', '10.1.0.5'),
      action('announce', '10.1.0.5'),
      action('announce', '10.1.0.5', 8443),
      action('announce', '10.1.0.6'),
      action('withdraw', '10.1.0.7'),
    ];
    expect(at(1, { type: 'woken' }).map(summaryOf)).toEqual([
      'announce 10.1.0.5',
      'announce 10.1.0.5:8443',
    ]);
    policy.answer = () => [action('withdraw', '10.1.0.5')];
    expect(at(2, { type: 'woken' })).toEqual([]);
    expect(at(300, { type: 'woken' }).map(summaryOf)).toEqual(['withdraw 10.1.0.5']);
    expect(connection().announcing).toEqual([{ address: '10.1.0.5', port: 8443 }]);
  });
});

describe('an error', () => {
  test('removes a connection that is gone, or that another path manager manages', () => {
    for (const refusal of [
      refusedCreate('ERR_MPTCP_NOT_FOUND', { error: 'EINVAL', extack: 'invalid token' }),
      refusedCreate('ERR_MPTCP_PATH_MANAGER'),
    ]) {
      const { at, engine } = begun();
      at(1, refusal);
      expect(engine.view.connections.size).toBe(0);
    }
    const { at, engine } = begun();
    at(1, refusedCreate('ERR_MPTCP_NOT_FOUND', { extack: 'subflow not found' }));
    expect(engine.view.connections.size).toBe(1);
  });

  test('is returned where the policy throws or its answer is invalid', () => {
    const policy = new ScriptedPolicy();
    const engine = new PolicyEngine(policy);
    const boom = new Error('boom');
    policy.answer = () => {
      throw boom;
    };
    engine.handle(0, begin());
    expect(engine.handle(1, established())).toEqual({ actions: [], error: boom });
    expect(engine.view.connections.size).toBe(1);
    for (const invalid of [
      undefined,
      [undefined],
      [{ type: 'dance' }],
      [create('10.2.0.1'), create('10.2.0.x')],
      [create('10.2.0.1', { remote: { address: '10.9.0.1', port: 0 } })],
      [create('10.2.0.1', { token: -1 })],
      [{ type: 'wake', at: NaN }],
      [{ type: 'announce', token: 1, reason: '', address: 'here' }],
      [{ type: 'setBackup', ...onSubflow('10.1.0.1:1000') }],
    ]) {
      policy.answer = () => invalid as never;
      const { actions, error } = engine.handle(2, { type: 'woken' });
      expect(actions).toEqual([]);
      expect((error as NodeJS.ErrnoException).code).toMatch(/^ERR_(INVALID_ARG|OUT_OF_RANGE)/);
    }
    policy.answer = () => [create('10.2.0.1')];
    expect(engine.handle(3, { type: 'woken' }).actions).toHaveLength(1);
  });

  test('is thrown for wrong limits', () => {
    expect(() => new PolicyEngine(new ScriptedPolicy(), { limits: { subflows: 1.5 } })).toThrow(
      RangeError,
    );
    expect(() => new PolicyEngine(new ScriptedPolicy(), { limits: { addresses: -1 } })).toThrow(
      RangeError,
    );
  });
});

test('a wake action wakes the policy once', () => {
  const { policy, engine } = begun();
  policy.answer = () => [{ type: 'wake', at: 500 }];
  expect(engine.handle(1, { type: 'woken' }).wakeAt).toBe(500);
  policy.answer = () => [];
  expect(engine.handle(2, established({ token: 9 })).wakeAt).toBe(500);
  expect(engine.handle(500, { type: 'woken' }).wakeAt).toBeUndefined();
  policy.answer = () => [{ type: 'wake', at: 0 }];
  expect(engine.handle(600, { type: 'woken' }).wakeAt).toBeGreaterThan(600);
});
