/** Each policy: the actions that it requests for a phone with two interfaces. */
import { type NetworkInterface, type PathPolicy, policies } from '../../../lib';
import type { PolicyAction, PolicyEvent } from '../../../lib/policy/policy';
import {
  announced,
  begin,
  create,
  device,
  end,
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
  subflow,
} from './support';

const [WIFI, MOBILE] = ['10.1.0.1:1000', '10.2.0.1:2000'];
const REMOTE = '10.9.0.1:443';
const woken: PolicyEvent = { type: 'woken' };
const leaving = (name: string): PolicyEvent => ({ type: 'leaving', interface: name });

const { all, fullmesh, ndiffports, signalAll, backup, perInterface, dataCap, heal } = policies;
const { aggregate, interactive, handover } = policies;

function begun(policy: PathPolicy, options: Parameters<typeof established>[0] = {}, limits = {}) {
  const made = engineWith(policy, limits);
  const first = made.at(0, begin(), established(options));
  return { ...made, first: first.map(summaryOf), short: short(made.at) };
}

const short =
  (at: ReturnType<typeof engineWith>['at']) =>
  (now: number, ...events: PolicyEvent[]): string[] =>
    at(now, ...events).map(summaryOf);

const SERVER_SIDE = { serverSide: true } as const;
const view = (interfaces: NetworkInterface[], left: string[] = []) => ({
  interfaces,
  leaving: new Set(left),
});

describe('fullmesh', () => {
  test('connects every local address with every remote one, also later ones', () => {
    const { first, short } = begun(fullmesh());
    expect(first).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    expect(short(1, announced(4, '10.9.2.1'), announced(5, '10.9.3.1', 8443))).toEqual([
      'createSubflow 10.1.0.1 10.9.2.1:443',
      'createSubflow 10.2.0.1 10.9.3.1:8443',
    ]);
    expect(short(2, subflow('subflowEstablished', '10.1.0.1:5', '10.9.2.1:443'))).toEqual([
      'createSubflow 10.2.0.1 10.9.2.1:443',
    ]);
    expect(short(2, subflow('subflowEstablished', '10.2.0.1:6', '10.9.3.1:8443'))).toEqual([
      'createSubflow 10.1.0.1 10.9.3.1:8443',
    ]);
    expect(short(2, { type: 'linkAdded', link: device(4, 'eth0') })).toEqual([]);
    const [address] = device(4, 'eth0', '10.3.0.1').addresses;
    expect(short(3, { type: 'addressAdded', address: address! })).toHaveLength(3);
  });

  test('tries an announced address from one local address where the peer refuses it', () => {
    const { short } = begun(fullmesh());
    short(1, subflow('subflowEstablished', MOBILE));
    const [first = ''] = short(2, announced(4, '10.9.2.1'));
    expect(first).toMatch(/^createSubflow 10\.[12]\.0\.1 10\.9\.2\.1:443$/);
    const local = `${first.split(' ')[1]}:7`;
    const refused = subflow('subflowClosed', local, '10.9.2.1:443', { error: 'ECONNREFUSED' });
    expect(short(3, refused)).toEqual([]);
    expect(short(29_999, woken)).toEqual([]);
    const [second = '', ...more] = short(30_002, woken);
    expect(more).toEqual([]);
    expect(second).toMatch(/^createSubflow 10\.[12]\.0\.1 10\.9\.2\.1:443$/);
    expect(second).not.toBe(first);
  });

  test('never connects to an address of this host that the peer announces too', () => {
    const { short } = begun(fullmesh());
    expect(short(1, announced(4, '10.1.0.1'), announced(5, '10.2.0.1', 8443))).toEqual([]);
    const local = begun(fullmesh(), { remote: end('10.1.0.1', 443) });
    expect(local.short(1, announced(4, '10.2.0.1'))).toEqual([
      'createSubflow 10.1.0.1 10.2.0.1:443',
    ]);
    expect(local.short(1001, woken)).toEqual(['createSubflow 10.2.0.1 10.2.0.1:443']);
  });

  test('opens those first that have least in common, where a limit does not admit all', () => {
    const three = [...PHONE, device(4, 'eth0', '10.3.0.1', '10.3.0.2')];
    const made = engineWith(fullmesh(), { subflows: 3 });
    made.at(0, begin(three));
    const actions = made.at(1, established());
    expect(actions.map(summaryOf)).toEqual([
      `createSubflow 10.2.0.1 ${REMOTE}`,
      `createSubflow 10.3.0.1 ${REMOTE}`,
      `createSubflow 10.3.0.2 ${REMOTE}`,
    ]);
    const wide = engineWith(fullmesh(), { subflows: 2 });
    wide.at(0, begin());
    wide.at(1, established({ denyJoinId0: true }));
    expect(short(wide.at)(2, announced(2, '10.9.1.1'))).toEqual([
      'createSubflow 10.2.0.1 10.9.1.1:443',
    ]);
    expect(short(wide.at)(1002, woken)).toEqual(['createSubflow 10.1.0.1 10.9.1.1:443']);
  });

  test('opens none to the first address where the peer denies that or withdrew it', () => {
    expect(begun(fullmesh(), { denyJoinId0: true }).first).toEqual([]);
    const { short } = begun(fullmesh(), { denyJoinId0: true });
    expect(short(1, announced(1, '10.9.0.1'))).toEqual([]);
    expect(short(2, announced(1, '10.9.0.1', 8443))).toHaveLength(1);
    expect(short(1002, woken)).toHaveLength(1);
    const withdrawn = engineWith(fullmesh());
    withdrawn.at(0, begin([PHONE[0]!]), established(), removed(0));
    expect(withdrawn.at(1, begin())).toEqual([]);
  });

  test('connects addresses of one family', () => {
    const made = engineWith(fullmesh());
    made.at(0, begin([device(2, 'wlan0', '10.1.0.1', 'fd00:1::1')]), established());
    expect(short(made.at)(1, announced(2, 'fd00:9::1'))).toEqual([
      'createSubflow fd00:1::1 fd00:9::1:443',
    ]);
  });

  test('opens subflows from usable addresses only', () => {
    const [usable] = PHONE;
    const odd = device(5, 'eth1', '10.5.0.1', '10.5.0.2', '10.5.0.3', 'fe80::1', '169.254.1.1');
    odd.addresses[0]!.tentative = true;
    odd.addresses[1]!.deprecated = true;
    odd.addresses[2]!.duplicate = true;
    odd.addresses[3]!.scope = 'link';
    const lo = { ...device(1, 'lo', '127.0.0.1'), loopback: true };
    const down = { ...device(6, 'eth2', '10.6.0.1'), running: false };
    const made = engineWith(fullmesh());
    made.at(0, begin([lo, usable!, odd, down]));
    expect(made.at(1, established())).toEqual([]);
    expect(fullmesh().endpoints!(view([lo, usable!, odd, down]))).toMatchObject([
      { address: '10.1.0.1' },
    ]);
  });

  test('opens none to a loopback, link-local, multicast or unspecified address', () => {
    const { short } = begun(fullmesh());
    const odd = ['127.0.0.1', '169.254.1.1', '0.0.0.0', '224.0.0.1', 'fe80::1', '::1', 'ff02::1'];
    expect(odd.flatMap((each, id) => short(id + 1, announced(id + 1, each)))).toEqual([]);
  });

  test('keeps a connection on the loopback there', () => {
    const lo = { ...device(1, 'lo', '127.0.0.1', '127.0.0.2', '10.8.0.1'), loopback: true };
    lo.addresses.forEach((each) => (each.scope = 'host'));
    const made = engineWith(fullmesh());
    made.at(0, begin([lo, ...PHONE]));
    const local = end('127.0.0.1', 1000);
    const actions = made.at(1, established({ local, remote: end('127.0.0.1', 443) }));
    expect(actions.map(summaryOf)).toEqual(['createSubflow 127.0.0.2 127.0.0.1:443']);
    expect(made.at(2, announced(1, '10.9.1.1'))).toEqual([]);
  });

  test('of a server announces, and opens subflows to where a client listens', () => {
    const { first, short } = begun(fullmesh(), SERVER_SIDE);
    expect(first).toEqual(['announce 10.2.0.1']);
    expect(short(1, announced(3, '10.9.2.1'))).toEqual([]);
    expect(short(2, announced(4, '10.9.3.1', 8443))).toEqual([
      'createSubflow 10.2.0.1 10.9.3.1:8443',
    ]);
    expect(short(3, subflow('subflowEstablished', '10.2.0.1:9', '10.9.3.1:8443'))).toEqual([
      'createSubflow 10.1.0.1 10.9.3.1:8443',
    ]);
    expect(short(1000, linkChanged(3, 'wwan0', false))).toContain('withdraw 10.2.0.1');
    expect(short(2000, linkChanged(3, 'wwan0', true))).toContain('announce 10.2.0.1');
  });

  test('vacates an interface that the app will lose, where there is another one', () => {
    const made = begun(fullmesh());
    expect(made.short(1, leaving('wlan0'))).toEqual([]);
    expect(made.short(2, subflow('subflowEstablished', MOBILE))).toEqual([
      `destroySubflow ${WIFI} ${REMOTE}`,
    ]);
    made.at(3, subflow('subflowClosed', WIFI));
    expect(made.short(1000, woken)).toEqual([]);
    expect(made.short(1001, { type: 'staying', interface: 'wlan0' })).toEqual([
      `createSubflow 10.1.0.1 ${REMOTE}`,
    ]);
    const endpoints = fullmesh().endpoints!(view(PHONE, ['wlan0']));
    expect(endpoints).toEqual([
      { address: '10.2.0.1', interface: 'wwan0', subflow: true, fullmesh: true },
    ]);
  });
});

describe('ndiffports', () => {
  test('keeps a number of subflows between the first two addresses', () => {
    const { first, short } = begun(ndiffports(4));
    expect(first).toEqual(Array(3).fill(`createSubflow 10.1.0.1 ${REMOTE}`));
    expect(short(1, announced(2, '10.9.1.1'), subflow('subflowEstablished', '10.1.0.1:2'))).toEqual(
      [],
    );
    expect(short(2, subflow('subflowClosed', '10.1.0.1:2'))).toEqual([]);
    expect(short(252, woken)).toEqual([`createSubflow 10.1.0.1 ${REMOTE}`]);
  });

  test('opens none of a server, or where the peer denies it', () => {
    expect(begun(ndiffports(4), SERVER_SIDE).first).toEqual([]);
    expect(begun(ndiffports(4), { denyJoinId0: true }).first).toEqual([]);
    expect(() => ndiffports(0)).toThrow(RangeError);
  });
});

describe('signalAll', () => {
  test('announces every address, with a port the first one too', () => {
    expect(begun(signalAll(), SERVER_SIDE).first).toEqual(['announce 10.2.0.1']);
    expect(begun(signalAll({ port: 8443 }), SERVER_SIDE).first).toEqual([
      'announce 10.1.0.1:8443',
      'announce 10.2.0.1:8443',
    ]);
    expect(begun(signalAll({ port: 8443 }), SERVER_SIDE, { addresses: 1 }).first).toHaveLength(1);
    expect(signalAll({ port: 8443 }).endpoints!(view([PHONE[0]!]))).toEqual([
      { address: '10.1.0.1', interface: 'wlan0', signal: true, port: 8443 },
    ]);
    expect(() => signalAll({ port: 0 })).toThrow(RangeError);
  });
});

describe('backup', () => {
  test('makes every path on the standby interface a backup, the first one too', () => {
    const { first, connection, short } = begun(backup({ standby: 'wwan0' }));
    expect(first).toEqual([`createSubflow 10.2.0.1 ${REMOTE} backup`]);
    expect(short(1, subflow('subflowEstablished', MOBILE))).toEqual([]);
    expect(connection().paths.map((path) => path.backup)).toEqual([false, true]);
    expect(begun(backup({ standby: /^wlan/, primary: 'wwan0' })).first).toEqual([
      `createSubflow 10.2.0.1 ${REMOTE}`,
      `setBackup ${WIFI} ${REMOTE} backup`,
    ]);
  });

  test('uses no other interface where the primary ones are given', () => {
    const three = [...PHONE, device(4, 'eth0', '10.3.0.1')];
    const policy = backup({ primary: 'wlan0', standby: ({ name }) => name === 'wwan0' });
    const made = engineWith(policy);
    made.at(0, begin(three));
    expect(made.at(1, established())).toHaveLength(1);
    expect(policy.endpoints!(view(three))).toEqual([
      { address: '10.1.0.1', interface: 'wlan0', subflow: true, fullmesh: true, backup: false },
      { address: '10.2.0.1', interface: 'wwan0', subflow: true, fullmesh: true, backup: true },
    ]);
    expect(() => backup({ standby: 5 as never })).toThrow(TypeError);
    expect(() => backup({} as never)).toThrow(TypeError);
  });
});

describe('perInterface', () => {
  test('keeps a number of subflows on each, to different addresses first', () => {
    const made = begun(perInterface({ limit: 2 }));
    expect(made.first).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    expect(made.short(1, announced(2, '10.9.1.1'), announced(3, '10.9.2.1'))).toEqual([
      'createSubflow 10.1.0.1 10.9.1.1:443',
      'createSubflow 10.2.0.1 10.9.2.1:443',
    ]);
    made.at(2, subflow('subflowEstablished', '10.1.0.1:5', '10.9.1.1:443'));
    expect(made.short(3, subflow('subflowEstablished', '10.1.0.1:443', '10.9.2.1:5000'))).toEqual([
      'destroySubflow 10.1.0.1:443 10.9.2.1:5000',
    ]);
  });

  test('turns to another address of the peer where one is refused', () => {
    const made = engineWith(perInterface());
    made.at(0, begin([PHONE[0]!]), established());
    made.at(1, announced(2, '10.9.1.1'));
    const here = short(made.at);
    expect(here(2, begin())).toEqual(['createSubflow 10.2.0.1 10.9.1.1:443']);
    const refused = subflow('subflowClosed', '10.2.0.1:7', '10.9.1.1:443', {
      error: 'ECONNREFUSED',
    });
    expect(here(3, refused)).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
  });

  test('opens one path in place of a lost one, also with heal, and waits for none elsewhere', () => {
    const made = begun(all(perInterface(), heal()));
    made.at(1, subflow('subflowEstablished', MOBILE), announced(2, '10.9.1.1'));
    expect(
      made.short(2, subflow('subflowClosed', MOBILE, undefined, { error: 'ECONNRESET' })),
    ).toEqual(['createSubflow 10.2.0.1 10.9.1.1:443']);
    const refused = { error: 'ECONNREFUSED' };
    expect(made.short(3, subflow('subflowClosed', '10.2.0.1:7', '10.9.1.1:443', refused))).toEqual(
      [],
    );
    expect(made.short(252, woken)).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
  });

  test('of a server keeps a number for each address of its client', () => {
    const { first, ...made } = begun(perInterface(), {
      ...SERVER_SIDE,
      remote: end('10.9.0.1', 50_000),
    });
    expect(first).toEqual([]);
    expect(made.short(1, subflow('subflowEstablished', WIFI, '10.9.1.1:50001'))).toEqual([]);
    expect(made.short(2, subflow('subflowEstablished', WIFI, '10.9.0.1:50002'))).toEqual([
      `destroySubflow ${WIFI} 10.9.0.1:50002`,
    ]);
  });

  test('leaves other interfaces alone', () => {
    expect(begun(perInterface({ match: 'wlan0' })).first).toEqual([]);
    expect(perInterface({ match: 'wlan0' }).endpoints!(view(PHONE))).toEqual([
      { address: '10.1.0.1', interface: 'wlan0', subflow: true },
    ]);
    expect(perInterface({ limit: 2 })).not.toHaveProperty('endpoints');
    expect(() => perInterface({ limit: -1 })).toThrow(RangeError);
  });
});

describe('dataCap', () => {
  const carried = (bytesSent: number) =>
    progress(progressOf(WIFI), progressOf(MOBILE, { bytesSent }));

  test.each([
    ['backup', `setBackup ${MOBILE} ${REMOTE} backup`],
    ['destroy', `destroySubflow ${MOBILE} ${REMOTE}`],
  ] as const)('takes the interface out of use beyond the cap: %s', (then, done) => {
    const made = begun(all(fullmesh(), dataCap({ interface: /^ww/, bytes: 1000, then })));
    made.at(1, subflow('subflowEstablished', MOBILE));
    expect(made.short(2, carried(999))).toEqual([]);
    expect(made.short(3, carried(1000))).toEqual([done]);
    made.at(4, subflow('subflowClosed', MOBILE));
    expect(made.short(5000, woken)).toEqual([]);
    expect(made.short(5001, established({ token: 9, local: end('10.1.0.1', 7) }))).toEqual([]);
  });

  test('keeps the last path', () => {
    const made = begun(dataCap({ interface: 'wlan0', bytes: 0, then: 'destroy' }));
    expect(made.short(1, progress(progressOf(WIFI, { bytesSent: 9 })))).toEqual([]);
    expect(() => dataCap({ interface: 'wlan0', bytes: -1 })).toThrow(RangeError);
  });
});

describe('aggregate', () => {
  test('uses all paths, none as a backup', () => {
    const made = begun(aggregate());
    expect(made.first).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    made.at(1, subflow('subflowEstablished', MOBILE));
    const joined = begun(all(new ScriptedOnce(), aggregate()));
    expect(joined.first).toEqual([`createSubflow 10.2.0.1 ${REMOTE} backup`]);
    expect(joined.short(1, subflow('subflowEstablished', MOBILE))).toEqual([
      `setBackup ${MOBILE} ${REMOTE} regular`,
    ]);
  });
});

/** Requests a backup subflow. */
class ScriptedOnce extends ScriptedPolicy {
  override answer = () => [create('10.2.0.1', { backup: true })];
}

describe('interactive', () => {
  const polled = (now: number, wifi: object, mobile: object) =>
    progress(
      progressOf(WIFI, { lastAckRecv: 0, ...wifi }),
      progressOf(MOBILE, { rtt: 50_000, lastAckRecv: now, ...mobile }),
    );

  function twoPaths() {
    const made = begun(interactive());
    expect(made.first).toEqual([`createSubflow 10.2.0.1 ${REMOTE} backup`]);
    expect(made.short(10, subflow('subflowEstablished', MOBILE))).toEqual([]);
    return made;
  }
  const moved = [`setBackup ${MOBILE} ${REMOTE} regular`, `setBackup ${WIFI} ${REMOTE} backup`];

  test('moves from a path that is clearly slower, and back only after `hold`', () => {
    const made = twoPaths();
    for (let now = 100; now < 5000; now += 100) {
      expect(made.short(now, polled(now, { rtt: 60_000 }, {}))).toEqual([]);
    }
    expect(made.short(5000, polled(5000, { rtt: 80_000 }, {}))).toEqual(moved);
    const back = polled(5100, { rtt: 20_000 }, {});
    for (let now = 5100; now < 7000; now += 100) expect(made.short(now, back)).toEqual([]);
    expect(made.short(7000, back)).toHaveLength(2);
  });

  test('moves on loss', () => {
    const made = twoPaths();
    const lossy = (sent: number, totalRetrans: number) => ({ dataSegsOut: sent, totalRetrans });
    made.at(3000, polled(3000, lossy(0, 0), {}));
    expect(made.short(3100, polled(3100, lossy(100, 2), {}))).toEqual([]);
    expect(made.short(3200, polled(3200, lossy(200, 22), {}))).toEqual(moved);
  });

  test('moves at once from a path that goes dark', () => {
    const made = twoPaths();
    const stream = (now: number) => ({ unacked: 10, bytesAcked: now });
    made.at(300, polled(300, stream(300), {}));
    made.at(400, polled(400, stream(400), {}));
    const dark = (now: number) => ({ unacked: 10, bytesAcked: 400, lastAckRecv: now - 400 });
    expect(made.short(500, polled(500, dark(500), {}))).toEqual([]);
    expect(made.short(600, polled(600, dark(600), {}))).toEqual(moved);
  });

  test('uses no path beyond a data cap while another one is there', () => {
    const made = begun(all(interactive(), dataCap({ interface: 'wlan0', bytes: 1000 })));
    made.at(10, subflow('subflowEstablished', MOBILE));
    expect(made.short(100, polled(100, { bytesSent: 1 }, {}))).toEqual([]);
    expect(made.short(200, polled(200, { bytesSent: 2000 }, {}))).toEqual(moved);
    for (let now = 300; now < 5000; now += 100) {
      expect(made.short(now, polled(now, { bytesSent: 2000 }, {}))).toEqual([]);
    }
    made.at(5000, subflow('subflowClosed', MOBILE));
    expect(made.short(5000, progress(progressOf(WIFI, { bytesSent: 2000 })))).toEqual([]);
    expect(made.connection().paths).toMatchObject([{ backup: true }]);
  });

  test('leaves an interface that the app will lose', () => {
    const made = twoPaths();
    expect(made.short(20, leaving('wlan0'))).toEqual([
      `destroySubflow ${WIFI} ${REMOTE}`,
      `setBackup ${MOBILE} ${REMOTE} regular`,
    ]);
  });
});

describe('handover', () => {
  test('makes before it breaks', () => {
    const made = begun(handover({ mode: 'make-before-break', prefer: ['wlan0', 'wwan0'] }));
    expect(made.first).toEqual([]);
    expect(made.short(100, leaving('wlan0'))).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    expect(made.short(150, subflow('subflowEstablished', MOBILE))).toEqual([
      `setBackup ${WIFI} ${REMOTE} backup`,
    ]);
    expect(made.short(1149, woken)).toEqual([]);
    expect(made.short(1150, woken)).toEqual([`destroySubflow ${WIFI} ${REMOTE}`]);
    expect(made.short(1160, subflow('subflowClosed', WIFI))).toEqual([]);
    expect(made.short(2000, linkChanged(2, 'wlan0', false))).toEqual([]);
    expect(made.short(9000, linkChanged(2, 'wlan0', true))).toEqual([
      `createSubflow 10.1.0.1 ${REMOTE}`,
    ]);
    expect(made.short(9020, subflow('subflowEstablished', '10.1.0.1:1001'))).toEqual([
      `setBackup ${MOBILE} ${REMOTE} backup`,
    ]);
  });

  describe('a path that is left', () => {
    const leftPath = () => {
      const made = begun(handover({ mode: 'make-before-break' }));
      made.at(100, leaving('wlan0'));
      made.at(150, subflow('subflowEstablished', MOBILE));
      const poll = (now: number, wifi: object, mobile: object = { unacked: 9 }) =>
        made.short(now, progress(progressOf(WIFI, wifi), progressOf(MOBILE, mobile)));
      return { ...made, poll };
    };
    const END = [`destroySubflow ${WIFI} ${REMOTE}`];

    test('stays while data move on it, for five times `drain` at most', () => {
      const { poll } = leftPath();
      for (let now = 200; now < 5150; now += 100) expect(poll(now, { unacked: 9 })).toEqual([]);
      expect(poll(5150, { unacked: 9 })).toEqual(END);
    });

    test('stays while data arrive', () => {
      const { poll, short } = leftPath();
      const came = { lastDataSent: 90_000, lastDataRecv: 20 };
      for (let now = 200; now <= 2000; now += 100) expect(poll(now, came)).toEqual([]);
      const since = { lastDataSent: 90_000, lastDataRecv: 300 };
      expect(poll(2280, since, { lastDataSent: 300 })).toEqual([]);
      expect(short(2979, woken)).toEqual([]);
      expect(short(2980, woken)).toEqual(END);
    });

    test('stays while acknowledgements arrive for its data', () => {
      const { poll } = leftPath();
      const sent = { unacked: 9, lastDataSent: 1500 };
      expect(poll(1700, { ...sent, lastAckRecv: 200 })).toEqual([]);
      expect(poll(2600, { ...sent, lastAckRecv: 1100 })).toEqual(END);
    });

    test('stays while it is empty and another path carries data', () => {
      const { poll } = leftPath();
      for (let now = 200; now < 9000; now += 100) {
        expect(poll(now, { lastDataSent: now })).toEqual([]);
      }
      expect(poll(9000, { lastDataSent: 8000 }, { lastDataSent: 249 })).toEqual([]);
      expect(poll(9100, { lastDataSent: 8100 }, { lastDataSent: 250 })).toEqual(END);
    });

    test('is destroyed where its link goes, unless it is empty', () => {
      const { poll, short } = leftPath();
      poll(200, { unacked: 9 });
      expect(short(250, linkChanged(2, 'wlan0', false))).toEqual(END);
      const empty = leftPath();
      empty.poll(500, { lastDataSent: 300 });
      expect(empty.short(550, linkChanged(2, 'wlan0', false))).toEqual([]);
    });

    test('is destroyed where it goes dark', () => {
      const { poll } = leftPath();
      poll(200, { unacked: 9, bytesAcked: 1 });
      poll(250, { unacked: 9, bytesAcked: 2 });
      const dark = { unacked: 9, bytesAcked: 2, lastDataSent: 0 };
      expect(poll(350, { ...dark, lastAckRecv: 100 })).toEqual([]);
      expect(poll(450, { ...dark, lastAckRecv: 200 })).toEqual(END);
    });
  });

  test('destroys a path at once whose link goes', () => {
    const made = begun(handover({ mode: 'make-before-break' }));
    expect(made.short(1, linkChanged(2, 'wlan0', false))).toEqual([
      `createSubflow 10.2.0.1 ${REMOTE}`,
    ]);
    expect(made.short(2, subflow('subflowEstablished', MOBILE))).toEqual([
      `destroySubflow ${WIFI} ${REMOTE}`,
    ]);
  });

  test('tries another path where the next one takes too long', () => {
    const three = [...PHONE, device(4, 'eth0', '10.3.0.1')];
    const made = engineWith(handover({ mode: 'make-before-break' }));
    made.at(0, begin(three), established());
    const at = short(made.at);
    expect(at(1, leaving('wlan0'))).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    expect(at(1000, woken)).toEqual([]);
    expect(at(1001, woken)).toEqual([`createSubflow 10.3.0.1 ${REMOTE}`]);
    expect(
      at(1100, subflow('subflowClosed', MOBILE, undefined, { error: 'ECONNREFUSED' })),
    ).toEqual([]);
  });

  test('breaks before it makes', () => {
    const made = begun(handover({ mode: 'break-before-make' }));
    expect(made.first).toEqual([]);
    const [destroy] = made.at(1, leaving('wlan0'));
    expect(destroy).toMatchObject({ type: 'destroySubflow', last: true });
    expect(made.short(2, subflow('subflowClosed', WIFI))).toEqual([
      `createSubflow 10.2.0.1 ${REMOTE}`,
    ]);
    expect(made.short(3, subflow('subflowEstablished', MOBILE))).toEqual([]);
    expect(made.short(4, leaving('wwan0'))).toEqual([]);
  });

  test('uses a path on each interface simultaneously', () => {
    const made = begun(handover({ mode: 'simultaneous' }));
    expect(made.first).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    expect(made.short(1, subflow('subflowEstablished', MOBILE))).toEqual([]);
    expect(made.short(500, leaving('wlan0'))).toEqual([`setBackup ${WIFI} ${REMOTE} backup`]);
    expect(made.short(1500, woken)).toEqual([`destroySubflow ${WIFI} ${REMOTE}`]);
  });

  test('leaves a path for a long rtt, and returns only after `hold`', () => {
    const made = begun(
      handover({ mode: 'make-before-break', loss: 0.1, rtt: 300, prefer: ['wlan0'] }),
    );
    const poll = (now: number, more: object) => made.short(now, progress(progressOf(WIFI, more)));
    expect(poll(100, { rtt: 299_000 })).toEqual([]);
    expect(poll(200, { rtt: 301_000 })).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    made.at(300, subflow('subflowEstablished', MOBILE));
    expect(made.short(1299, woken)).toEqual([]);
    expect(poll(1300, { rtt: 301_000, lastDataSent: 1100 })).toEqual([
      `destroySubflow ${WIFI} ${REMOTE}`,
    ]);
    made.at(1310, subflow('subflowClosed', WIFI));
    expect(made.short(11_000, woken)).toEqual([]);
    expect(made.short(11_400, woken)).toEqual([`createSubflow 10.1.0.1 ${REMOTE}`]);
  });

  test('of a server makes a path a backup, and announces addresses where no path works', () => {
    const made = begun(handover({ mode: 'make-before-break' }), SERVER_SIDE);
    made.at(1, subflow('subflowEstablished', '10.2.0.1:443', '10.9.0.1:5000'));
    expect(made.connection().paths).toHaveLength(2);
    expect(made.short(2, leaving('wlan0'))).toEqual([`setBackup ${WIFI} ${REMOTE} backup`]);
    const alone = begun(handover({ mode: 'make-before-break' }), SERVER_SIDE);
    expect(alone.short(2, leaving('wlan0'))).toEqual(['announce 10.2.0.1']);
  });

  test('throws for wrong options', () => {
    expect(() => handover({ mode: 'other' as never })).toThrow(TypeError);
    expect(() => handover({ mode: 'simultaneous', prefer: 'wlan0' as never })).toThrow(TypeError);
    expect(() => handover({ mode: 'simultaneous', loss: 2 })).toThrow(RangeError);
    expect(() => handover({ mode: 'simultaneous', rtt: -1 })).toThrow(RangeError);
  });
});

describe('all', () => {
  test('prefers the priorities of the first policy', () => {
    const on = (local: string, backup: boolean): PolicyAction => ({
      ...{ type: 'setBackup', ...onSubflow(`${local}:1000`), backup },
    });
    const [one, other] = [new ScriptedPolicy(), new ScriptedPolicy()];
    one.answer = () => [on('10.1.0.1', true)];
    other.answer = () => [on('10.1.0.1', false)];
    const made = begun(all(one, other));
    expect(made.first).toEqual([`setBackup ${WIFI} ${REMOTE} backup`]);
    expect(made.short(1000, woken)).toEqual([]);
  });

  test('lets a policy decide with what the policies before it open in the same answer', () => {
    const one = new ScriptedPolicy();
    one.answer = () => [create('10.2.0.1'), create('10.3.0.1')];
    const atMostOne: PathPolicy = {
      name: 'at most one',
      decide: () => [],
      permits: ({ connections }, { token, type }) =>
        type !== 'createSubflow' || connections.get(token)?.opening.length === 0,
    };
    expect(begun(all(one, atMostOne)).first).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
  });

  test('has the shortest interval, and the endpoints of each policy', () => {
    const policy = all(fullmesh(), heal(), dataCap({ interface: 'wwan0', bytes: 1 }));
    expect(policy).toMatchObject({ name: 'fullmesh + heal + dataCap', progress: 50 });
    expect(all(fullmesh(), signalAll()).progress).toBeUndefined();
    const [endpoint, ...rest] = all(fullmesh(), signalAll()).endpoints!(view([PHONE[0]!]));
    expect(endpoint).toEqual({
      ...{ address: '10.1.0.1', interface: 'wlan0', subflow: true, signal: true, fullmesh: false },
    });
    expect(rest).toEqual([]);
    expect(all(heal())).not.toHaveProperty('endpoints');
    expect(() => all({} as never)).toThrow(TypeError);
  });

  test('destroys a path once, and does not return to it, with handover and heal', () => {
    const made = begun(all(handover({ mode: 'make-before-break' }), heal()));
    expect(made.short(1, linkChanged(2, 'wlan0', false))).toEqual([
      `createSubflow 10.2.0.1 ${REMOTE}`,
    ]);
    expect(made.short(2, subflow('subflowEstablished', MOBILE))).toHaveLength(1);
    made.at(3, subflow('subflowClosed', WIFI));
    expect(made.short(9000, linkChanged(2, 'wlan0', true))).toEqual([]);
  });
});
