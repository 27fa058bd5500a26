import type { NetworkRoute } from '../../../lib';
import { PolicyEngine } from '../../../lib/policy/engine/engine';
import type { PolicyEvent } from '../../../lib/policy/policy';
import {
  announced,
  begin,
  CLIENT,
  closed,
  create,
  device,
  established,
  inShort,
  linkChanged,
  machineWith,
  onSubflow,
  PHONE,
  progress,
  progressOf,
  removed,
  Said,
  SERVER,
  subflow,
  TOKEN,
} from './support';

function begun(limits = {}) {
  const policy = new Said();
  const made = machineWith(policy, limits);
  made.at(0, begin(), established());
  return { policy, ...made };
}

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

  test('has what the peer announces', () => {
    const { at, connection } = begun();
    at(1, announced(3, '10.9.1.1'), announced(4, '10.9.2.1', 8443), removed(3));
    expect([...connection().announced]).toEqual([[4, { address: '10.9.2.1', port: 8443 }]]);
    at(2, removed(0));
    expect(connection().denyJoinId0).toBe(true);
  });

  test('has interfaces, and which one the app will lose, until it is back', () => {
    const { at, machine, connection } = begun();
    at(1, { type: 'leaving', interface: 'wlan0' });
    expect([...machine.view.leaving]).toEqual(['wlan0']);
    at(2, linkChanged(2, 'wlan0', false));
    expect(machine.view.interfaces[0]).toMatchObject({ name: 'wlan0', running: false });
    expect(machine.view.interfaces[0]!.addresses).toHaveLength(1);
    expect(machine.view.leaving.size).toBe(1);
    at(3, linkChanged(2, 'wlan0', true));
    expect(machine.view.leaving.size).toBe(0);
    const [address] = PHONE[0]!.addresses;
    at(4, { type: 'addressRemoved', address: address! });
    expect(connection().paths[0]!.interface).toBeUndefined();
    at(5, { type: 'addressAdded', address: address! });
    expect(connection().paths[0]!.interface).toBe('wlan0');
    at(6, { type: 'linkChanged', link: { ...PHONE[0]!, name: 'wifi' } });
    expect(connection().paths[0]!.interface).toBe('wifi');
    at(7, { type: 'linkRemoved', link: { ...PHONE[0]!, name: 'wifi' } });
    expect(machine.view.interfaces).toHaveLength(1);
  });

  test('counts the bytes of interfaces', () => {
    const { at, machine } = begun();
    const carried = (bytesSent: number, bytesReceived: number) =>
      progress(progressOf('10.1.0.1:1000', { bytesSent, bytesReceived }));
    at(1, carried(100, 10), carried(150, 10), carried(150, 1010));
    expect([...machine.view.usage]).toEqual([['wlan0', 1160]]);
  });

  test('keeps nothing of what it is given', () => {
    const { at, machine } = begun();
    const events = structuredClone<PolicyEvent[]>([
      begin([device(2, 'wlan0', '10.1.0.1')]),
      established({ token: 8 }),
      subflow('subflowEstablished', '10.2.0.1:2000'),
      progress(progressOf('10.1.0.1:1000')),
    ]);
    at(5, ...events);
    const before = JSON.stringify([machine.view.interfaces, ...machine.view.connections.values()]);
    const spoil = (value: object): void => {
      for (const [key, each] of Object.entries(value)) {
        if (typeof each === 'object' && each !== null) spoil(each as object);
        else Object.assign(value, { [key]: 'spoilt' });
      }
    };
    spoil(events);
    expect(events).toMatchObject([{ type: 'spoilt' }, {}, {}, {}]);
    expect(JSON.stringify([machine.view.interfaces, ...machine.view.connections.values()])).toBe(
      before,
    );
  });
});

describe('creating', () => {
  test('not what is on its way, nor what is there', () => {
    const { policy, at, connection } = begun();
    policy.say = () => [create('10.2.0.1'), create('10.2.0.1'), create('10.1.0.1')];
    expect(at(1, { type: 'woken' }).map(inShort)).toEqual(['createSubflow 10.2.0.1 10.9.0.1:443']);
    expect(connection().opening).toMatchObject([{ local: '10.2.0.1', since: 1 }]);
    expect(at(2, { type: 'woken' })).toEqual([]);
    expect(at(3, subflow('subflowEstablished', '10.2.0.1:2000'))).toEqual([]);
    expect(connection()).toMatchObject({ opening: [], paths: [{}, { opened: true }] });
  });

  test('as many between two addresses as are wanted, within the limit', () => {
    const { policy, at } = begun({ subflows: 3 });
    policy.say = () => Array.from({ length: 9 }, () => create('10.1.0.1', { max: 3 }));
    expect(at(1, { type: 'woken' })).toHaveLength(2);
    policy.say = () => Array.from({ length: 9 }, () => create('10.1.0.1', { max: 9 }));
    expect(at(2, { type: 'woken' })).toHaveLength(1);
  });

  test('nothing on connections that are closed or unknown', () => {
    const { policy, at } = begun();
    policy.say = () => [create('10.2.0.1'), create('10.2.0.1', { token: 99 })];
    expect(at(1, closed())).toEqual([]);
    expect(at(2, subflow('subflowEstablished', '10.2.0.1:2000'))).toEqual([]);
  });

  test('waits after a failure, for longer each time, and says when to ask again', () => {
    const { policy, machine, at, connection } = begun();
    policy.say = () => [create('10.2.0.1')];
    let now = 1000;
    const pauses: number[] = [];
    expect(at(now, { type: 'woken' })).toHaveLength(1);
    for (let i = 0; i < 6; i++) {
      const { actions, wakeAt = Infinity } = machine.handle(
        now,
        i % 2 === 0
          ? subflow('subflowClosed', `10.2.0.1:${2000 + i}`, undefined, { error: 'ECONNREFUSED' })
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

  test('at once where the address or its route is back', () => {
    const { policy, at } = begun();
    policy.say = () => [create('10.2.0.1')];
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

  test('gives up what stays without an answer, in time for a fresh SYN every 4 s', () => {
    const { policy, machine, at, connection } = begun();
    policy.say = () => [create('10.2.0.1')];
    const { wakeAt = 0 } = machine.handle(0, { type: 'woken' });
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
    expect(at(6750, { type: 'woken' }).map(inShort)).toEqual([
      'createSubflow 10.2.0.1 10.9.0.1:443',
    ]);
    expect(6750 - 3000).toBeLessThan(4000);
  });

  test('gives up what opens from an address that goes', () => {
    const { policy, at, connection } = begun();
    policy.say = () => [create('10.2.0.1')];
    at(1, { type: 'woken' });
    policy.say = () => [];
    expect(at(2, linkChanged(3, 'wwan0', false)).map(inShort)).toEqual([
      'abandonSubflow 10.2.0.1 10.9.0.1:443',
    ]);
    expect(connection()).toMatchObject({ opening: [], failures: [] });
  });

  test('what was given up ends before the next one begins', () => {
    const { policy, at, connection } = begun();
    policy.say = () => [create('10.2.0.1')];
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

  test('what was to be given up is through already, and needs no other one', () => {
    const { policy, at, connection } = begun();
    policy.say = () => [create('10.2.0.1')];
    at(1, { type: 'woken' });
    const [abandoned] = at(2, linkChanged(3, 'wwan0', false));
    expect(at(3, linkChanged(3, 'wwan0', true))).toEqual([]);
    const code = 'ERR_MPTCP_NOT_FOUND';
    expect(at(4, { type: 'refused', action: abandoned!, code })).toEqual([]);
    expect(at(900, subflow('subflowEstablished', '10.2.0.1:2000'))).toEqual([]);
    expect(connection().paths).toHaveLength(2);
  });

  test('a path that soon goes again counts as a failure in a row', () => {
    const { policy, at, connection } = begun();
    policy.say = () => [create('10.2.0.1')];
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

  test('not more than 16 at once and 2 a second, whatever happens', () => {
    const { policy, at } = begun();
    policy.say = ({ interfaces }) => (interfaces[1]!.running ? [create('10.2.0.1')] : []);
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

describe('destroying', () => {
  const destroy = (local: string, last = false) => ({
    ...({ type: 'destroySubflow', ...onSubflow(local), ...(last && { last }) } as const),
  });

  test('not the last path, unless told', () => {
    const { policy, at, connection } = begun();
    at(1, subflow('subflowEstablished', '10.2.0.1:2000'));
    policy.say = () => [destroy('10.1.0.1:1000'), destroy('10.2.0.1:2000')];
    expect(at(2, { type: 'woken' }).map(inShort)).toEqual([
      'destroySubflow 10.1.0.1:1000 10.9.0.1:443',
    ]);
    expect(connection().paths[0]!.closing).toBe('test');
    policy.say = () => [destroy('10.2.0.1:2000', true)];
    expect(at(3, subflow('subflowClosed', '10.1.0.1:1000'))).toHaveLength(1);
    expect(connection().lost).toMatchObject([{ local: '10.1.0.1', reason: 'test' }]);
  });

  test('a refusal: there is no such subflow, or it stays', () => {
    const { policy, at, connection } = begun();
    at(1, subflow('subflowEstablished', '10.2.0.1:2000'));
    policy.say = () => [destroy('10.2.0.1:2000')];
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

describe('priority', () => {
  test('only where it changes something, and not to and fro', () => {
    const { policy, machine, at, connection } = begun();
    const set = (backup: boolean) =>
      ({ type: 'setBackup', ...onSubflow('10.1.0.1:1000'), backup }) as const;
    policy.say = () => [set(false), set(true), set(true), set(false)];
    const { actions, wakeAt } = machine.handle(1, { type: 'woken' });
    expect(actions.map(inShort)).toEqual(['setBackup 10.1.0.1:1000 10.9.0.1:443 backup']);
    expect(connection().paths[0]).toMatchObject({ backup: true, backupSince: 1 });
    expect(wakeAt).toBe(260);
    policy.say = () => [set(true)];
    expect(at(2, { type: 'applied', action: actions[0]! })).toEqual([]);
    policy.say = () => [];
    at(3, { type: 'refused', action: actions[0]!, code: 'ERR_MPTCP_SYSTEM' });
    expect(connection().paths[0]).toMatchObject({ backup: false, backupSince: 3 });
  });
});

describe('announcing', () => {
  test('each once, within the limit, and withdrawn where it is announced', () => {
    const { policy, at, connection } = begun({ addresses: 2 });
    const say = (type: 'announce' | 'withdraw', address: string, port?: number) =>
      ({ ...{ type, token: TOKEN, reason: 'test', address }, ...(port && { port }) }) as const;
    policy.say = () => [
      say('announce', '10.1.0.5'),
      say('announce', '10.1.0.5'),
      say('announce', '10.1.0.5', 8443),
      say('announce', '10.1.0.6'),
      say('withdraw', '10.1.0.7'),
    ];
    expect(at(1, { type: 'woken' }).map(inShort)).toEqual([
      'announce 10.1.0.5',
      'announce 10.1.0.5:8443',
    ]);
    policy.say = () => [say('withdraw', '10.1.0.5')];
    expect(at(2, { type: 'woken' })).toEqual([]);
    expect(at(300, { type: 'woken' }).map(inShort)).toEqual(['withdraw 10.1.0.5']);
    expect(connection().announcing).toEqual([{ address: '10.1.0.5', port: 8443 }]);
  });
});

describe('what goes wrong', () => {
  test('a connection that is gone, or that another path manager has', () => {
    for (const refusal of [
      refusedCreate('ERR_MPTCP_NOT_FOUND', { error: 'EINVAL', extack: 'invalid token' }),
      refusedCreate('ERR_MPTCP_PATH_MANAGER'),
    ]) {
      const { at, machine } = begun();
      at(1, refusal);
      expect(machine.view.connections.size).toBe(0);
    }
    const { at, machine } = begun();
    at(1, refusedCreate('ERR_MPTCP_NOT_FOUND', { extack: 'subflow not found' }));
    expect(machine.view.connections.size).toBe(1);
  });

  test('a policy that throws, or answers nonsense', () => {
    const policy = new Said();
    const machine = new PolicyEngine(policy);
    const boom = new Error('boom');
    policy.say = () => {
      throw boom;
    };
    machine.handle(0, begin());
    expect(machine.handle(1, established())).toEqual({ actions: [], error: boom });
    expect(machine.view.connections.size).toBe(1);
    for (const nonsense of [
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
      policy.say = () => nonsense as never;
      const { actions, error } = machine.handle(2, { type: 'woken' });
      expect(actions).toEqual([]);
      expect((error as NodeJS.ErrnoException).code).toMatch(/^ERR_(INVALID_ARG|OUT_OF_RANGE)/);
    }
    policy.say = () => [create('10.2.0.1')];
    expect(machine.handle(3, { type: 'woken' }).actions).toHaveLength(1);
  });

  test('wrong limits', () => {
    expect(() => new PolicyEngine(new Said(), { limits: { subflows: 1.5 } })).toThrow(RangeError);
    expect(() => new PolicyEngine(new Said(), { limits: { addresses: -1 } })).toThrow(RangeError);
  });
});

test('wakes when it is asked to, and then not again', () => {
  const { policy, machine } = begun();
  policy.say = () => [{ type: 'wake', at: 500 }];
  expect(machine.handle(1, { type: 'woken' }).wakeAt).toBe(500);
  policy.say = () => [];
  expect(machine.handle(2, established({ token: 9 })).wakeAt).toBe(500);
  expect(machine.handle(500, { type: 'woken' }).wakeAt).toBeUndefined();
  policy.say = () => [{ type: 'wake', at: 0 }];
  expect(machine.handle(600, { type: 'woken' }).wakeAt).toBeGreaterThan(600);
});
