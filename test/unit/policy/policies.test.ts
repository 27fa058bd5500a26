import { type NetworkInterface, type PathPolicy, policies } from '../../../lib';
import type { PolicyAction, PolicyEvent } from '../../../lib/policy/policy';
import {
  announced,
  begin,
  create,
  device,
  end,
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
  subflow,
} from './support';

const [WIFI, MOBILE] = ['10.1.0.1:1000', '10.2.0.1:2000'];
const REMOTE = '10.9.0.1:443';
const woken: PolicyEvent = { type: 'woken' };
const leaving = (name: string): PolicyEvent => ({ type: 'leaving', interface: name });

const { all, fullmesh, ndiffports, signalAll, backup, perInterface, dataCap, heal } = policies;
const { aggregate, interactive, handover } = policies;

function begun(policy: PathPolicy, options: Parameters<typeof established>[0] = {}, limits = {}) {
  const made = machineWith(policy, limits);
  const first = made.at(0, begin(), established(options));
  return { ...made, first: first.map(inShort), short: short(made.at) };
}

const short =
  (at: ReturnType<typeof machineWith>['at']) =>
  (now: number, ...events: PolicyEvent[]): string[] =>
    at(now, ...events).map(inShort);

const SERVER_SIDE = { serverSide: true } as const;
const view = (interfaces: NetworkInterface[], left: string[] = []) => ({
  interfaces,
  leaving: new Set(left),
});

describe('fullmesh', () => {
  test('every local address with every remote one, one more where one comes', () => {
    const { first, short } = begun(fullmesh());
    expect(first).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    expect(short(1, announced(4, '10.9.2.1'), announced(5, '10.9.3.1', 8443))).toEqual([
      'createSubflow 10.1.0.1 10.9.2.1:443',
      'createSubflow 10.2.0.1 10.9.2.1:443',
      'createSubflow 10.1.0.1 10.9.3.1:8443',
      'createSubflow 10.2.0.1 10.9.3.1:8443',
    ]);
    expect(short(2, { type: 'linkAdded', link: device(4, 'eth0') })).toEqual([]);
    const [address] = device(4, 'eth0', '10.3.0.1').addresses;
    expect(short(3, { type: 'addressAdded', address: address! })).toHaveLength(3);
  });

  test('within a limit those that share least', () => {
    const three = [...PHONE, device(4, 'eth0', '10.3.0.1', '10.3.0.2')];
    const made = machineWith(fullmesh(), { subflows: 3 });
    made.at(0, begin(three));
    const actions = made.at(1, established());
    expect(actions.map(inShort)).toEqual([
      `createSubflow 10.2.0.1 ${REMOTE}`,
      `createSubflow 10.3.0.1 ${REMOTE}`,
      `createSubflow 10.3.0.2 ${REMOTE}`,
    ]);
    const wide = machineWith(fullmesh(), { subflows: 2 });
    wide.at(0, begin());
    wide.at(1, established({ denyJoinId0: true }));
    expect(short(wide.at)(2, announced(2, '10.9.1.1'))).toEqual([
      'createSubflow 10.2.0.1 10.9.1.1:443',
      'createSubflow 10.1.0.1 10.9.1.1:443',
    ]);
  });

  test('not to the first address where the peer denies that, nor after it withdrew it', () => {
    expect(begun(fullmesh(), { denyJoinId0: true }).first).toEqual([]);
    const { short } = begun(fullmesh(), { denyJoinId0: true });
    expect(short(1, announced(1, '10.9.0.1'))).toEqual([]);
    expect(short(2, announced(1, '10.9.0.1', 8443))).toHaveLength(2);
    const withdrawn = machineWith(fullmesh());
    withdrawn.at(0, begin([PHONE[0]!]), established(), removed(0));
    expect(withdrawn.at(1, begin())).toEqual([]);
  });

  test('of one family each', () => {
    const made = machineWith(fullmesh());
    made.at(0, begin([device(2, 'wlan0', '10.1.0.1', 'fd00:1::1')]), established());
    expect(short(made.at)(1, announced(2, 'fd00:9::1'))).toEqual([
      'createSubflow fd00:1::1 fd00:9::1:443',
    ]);
  });

  test('from addresses that can be used alone', () => {
    const [usable] = PHONE;
    const odd = device(5, 'eth1', '10.5.0.1', '10.5.0.2', '10.5.0.3', 'fe80::1', '169.254.1.1');
    odd.addresses[0]!.tentative = true;
    odd.addresses[1]!.deprecated = true;
    odd.addresses[2]!.duplicate = true;
    odd.addresses[3]!.scope = 'link';
    const lo = { ...device(1, 'lo', '127.0.0.1'), loopback: true };
    const down = { ...device(6, 'eth2', '10.6.0.1'), running: false };
    const made = machineWith(fullmesh());
    made.at(0, begin([lo, usable!, odd, down]));
    expect(made.at(1, established())).toEqual([]);
    expect(fullmesh().endpoints!(view([lo, usable!, odd, down]))).toMatchObject([
      { address: '10.1.0.1' },
    ]);
  });

  test('to no address that leads nowhere else', () => {
    const { short } = begun(fullmesh());
    const odd = ['127.0.0.1', '169.254.1.1', '0.0.0.0', '224.0.0.1', 'fe80::1', '::1', 'ff02::1'];
    expect(odd.flatMap((each, id) => short(id + 1, announced(id + 1, each)))).toEqual([]);
  });

  test('a connection on the loopback stays on it', () => {
    const lo = { ...device(1, 'lo', '127.0.0.1', '127.0.0.2', '10.8.0.1'), loopback: true };
    lo.addresses.forEach((each) => (each.scope = 'host'));
    const made = machineWith(fullmesh());
    made.at(0, begin([lo, ...PHONE]));
    const local = end('127.0.0.1', 1000);
    const actions = made.at(1, established({ local, remote: end('127.0.0.1', 443) }));
    expect(actions.map(inShort)).toEqual(['createSubflow 127.0.0.2 127.0.0.1:443']);
    expect(made.at(2, announced(1, '10.9.1.1'))).toEqual([]);
  });

  test('a server announces, and opens to where a client listens', () => {
    const { first, short } = begun(fullmesh(), SERVER_SIDE);
    expect(first).toEqual(['announce 10.2.0.1']);
    expect(short(1, announced(3, '10.9.2.1'))).toEqual([]);
    expect(short(2, announced(4, '10.9.3.1', 8443))).toEqual([
      'createSubflow 10.2.0.1 10.9.3.1:8443',
      'createSubflow 10.1.0.1 10.9.3.1:8443',
    ]);
    expect(short(1000, linkChanged(3, 'wwan0', false))).toContain('withdraw 10.2.0.1');
    expect(short(2000, linkChanged(3, 'wwan0', true))).toContain('announce 10.2.0.1');
  });

  test('leaves an interface that the app will lose, where there is another', () => {
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
  test('so many between the first two addresses', () => {
    const { first, short } = begun(ndiffports(4));
    expect(first).toEqual(Array(3).fill(`createSubflow 10.1.0.1 ${REMOTE}`));
    expect(short(1, announced(2, '10.9.1.1'), subflow('subflowEstablished', '10.1.0.1:2'))).toEqual(
      [],
    );
    expect(short(2, subflow('subflowClosed', '10.1.0.1:2'))).toEqual([]);
    expect(short(252, woken)).toEqual([`createSubflow 10.1.0.1 ${REMOTE}`]);
  });

  test('of a client alone, and not where the peer denies it', () => {
    expect(begun(ndiffports(4), SERVER_SIDE).first).toEqual([]);
    expect(begun(ndiffports(4), { denyJoinId0: true }).first).toEqual([]);
    expect(() => ndiffports(0)).toThrow(RangeError);
  });
});

describe('signalAll', () => {
  test('announces, with a port the first address too', () => {
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
  test('a standby, and the first path is one where it is on it', () => {
    const { first, connection, short } = begun(backup({ standby: 'wwan0' }));
    expect(first).toEqual([`createSubflow 10.2.0.1 ${REMOTE} backup`]);
    expect(short(1, subflow('subflowEstablished', MOBILE))).toEqual([]);
    expect(connection().paths.map((path) => path.backup)).toEqual([false, true]);
    expect(begun(backup({ standby: /^wlan/, primary: 'wwan0' })).first).toEqual([
      `createSubflow 10.2.0.1 ${REMOTE}`,
      `setBackup ${WIFI} ${REMOTE} backup`,
    ]);
  });

  test('no other interface where the primary ones are named', () => {
    const three = [...PHONE, device(4, 'eth0', '10.3.0.1')];
    const policy = backup({ primary: 'wlan0', standby: ({ name }) => name === 'wwan0' });
    const made = machineWith(policy);
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
  test('so many on each, to different addresses first, and none beyond', () => {
    const made = begun(perInterface({ limit: 2 }));
    expect(made.first).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    expect(made.short(1, announced(2, '10.9.1.1'), announced(3, '10.9.2.1'))).toEqual([
      'createSubflow 10.1.0.1 10.9.1.1:443',
      'createSubflow 10.2.0.1 10.9.1.1:443',
    ]);
    made.at(2, subflow('subflowEstablished', '10.1.0.1:5', '10.9.1.1:443'));
    expect(made.short(3, subflow('subflowEstablished', '10.1.0.1:443', '10.9.2.1:5000'))).toEqual([
      'destroySubflow 10.1.0.1:443 10.9.2.1:5000',
    ]);
  });

  test('where it matches', () => {
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
  ] as const)('beyond it: %s', (then, done) => {
    const made = begun(all(fullmesh(), dataCap({ interface: /^ww/, bytes: 1000, then })));
    made.at(1, subflow('subflowEstablished', MOBILE));
    expect(made.short(2, carried(999))).toEqual([]);
    expect(made.short(3, carried(1000))).toEqual([done]);
    made.at(4, subflow('subflowClosed', MOBILE));
    expect(made.short(5000, woken)).toEqual([]);
    expect(made.short(5001, established({ token: 9, local: end('10.1.0.1', 7) }))).toEqual([]);
  });

  test('the last path stays', () => {
    const made = begun(dataCap({ interface: 'wlan0', bytes: 0, then: 'destroy' }));
    expect(made.short(1, progress(progressOf(WIFI, { bytesSent: 9 })))).toEqual([]);
    expect(() => dataCap({ interface: 'wlan0', bytes: -1 })).toThrow(RangeError);
  });
});

describe('aggregate', () => {
  test('all paths, none as a backup', () => {
    const made = begun(aggregate());
    expect(made.first).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    made.at(1, subflow('subflowEstablished', MOBILE));
    const joined = begun(all(new SaidOnce(), aggregate()));
    expect(joined.first).toEqual([`createSubflow 10.2.0.1 ${REMOTE} backup`]);
    expect(joined.short(1, subflow('subflowEstablished', MOBILE))).toEqual([
      `setBackup ${MOBILE} ${REMOTE} regular`,
    ]);
  });
});

/** Asks for a backup subflow at once. */
class SaidOnce extends Said {
  override say = () => [create('10.2.0.1', { backup: true })];
}

describe('interactive', () => {
  const looked = (now: number, wifi: object, mobile: object) =>
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

  test('moves where the path in use is clearly slower, not to and fro', () => {
    const made = twoPaths();
    for (let now = 100; now < 5000; now += 100) {
      expect(made.short(now, looked(now, { rtt: 60_000 }, {}))).toEqual([]);
    }
    expect(made.short(5000, looked(5000, { rtt: 80_000 }, {}))).toEqual(moved);
    const back = looked(5100, { rtt: 20_000 }, {});
    for (let now = 5100; now < 7000; now += 100) expect(made.short(now, back)).toEqual([]);
    expect(made.short(7000, back)).toHaveLength(2);
  });

  test('moves on loss', () => {
    const made = twoPaths();
    const lossy = (sent: number, totalRetrans: number) => ({ dataSegsOut: sent, totalRetrans });
    made.at(3000, looked(3000, lossy(0, 0), {}));
    expect(made.short(3100, looked(3100, lossy(100, 2), {}))).toEqual([]);
    expect(made.short(3200, looked(3200, lossy(200, 22), {}))).toEqual(moved);
  });

  test('moves at once when it goes dark', () => {
    const made = twoPaths();
    const stream = (now: number) => ({ unacked: 10, bytesAcked: now });
    made.at(300, looked(300, stream(300), {}));
    made.at(400, looked(400, stream(400), {}));
    const dark = (now: number) => ({ unacked: 10, bytesAcked: 400, lastAckRecv: now - 400 });
    expect(made.short(500, looked(500, dark(500), {}))).toEqual([]);
    expect(made.short(600, looked(600, dark(600), {}))).toEqual(moved);
  });

  test('a data cap: the path in use is another one, for as long as there is one', () => {
    const made = begun(all(interactive(), dataCap({ interface: 'wlan0', bytes: 1000 })));
    made.at(10, subflow('subflowEstablished', MOBILE));
    expect(made.short(100, looked(100, { bytesSent: 1 }, {}))).toEqual([]);
    expect(made.short(200, looked(200, { bytesSent: 2000 }, {}))).toEqual(moved);
    for (let now = 300; now < 5000; now += 100) {
      expect(made.short(now, looked(now, { bytesSent: 2000 }, {}))).toEqual([]);
    }
    made.at(5000, subflow('subflowClosed', MOBILE));
    expect(made.short(5000, progress(progressOf(WIFI, { bytesSent: 2000 })))).toEqual([]);
    expect(made.connection().paths).toMatchObject([{ backup: true }]);
  });

  test('leaves an interface', () => {
    const made = twoPaths();
    expect(made.short(20, leaving('wlan0'))).toEqual([
      `destroySubflow ${WIFI} ${REMOTE}`,
      `setBackup ${MOBILE} ${REMOTE} regular`,
    ]);
  });
});

describe('handover', () => {
  test('make before break', () => {
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

  describe('of a path that is left', () => {
    const left = () => {
      const made = begun(handover({ mode: 'make-before-break' }));
      made.at(100, leaving('wlan0'));
      made.at(150, subflow('subflowEstablished', MOBILE));
      const look = (now: number, wifi: object, mobile: object = { unacked: 9 }) =>
        made.short(now, progress(progressOf(WIFI, wifi), progressOf(MOBILE, mobile)));
      return { ...made, look };
    };
    const END = [`destroySubflow ${WIFI} ${REMOTE}`];

    test('what still moves arrives, for five times as long', () => {
      const { look } = left();
      for (let now = 200; now < 5150; now += 100) expect(look(now, { unacked: 9 })).toEqual([]);
      expect(look(5150, { unacked: 9 })).toEqual(END);
    });

    test('what comes in counts as what goes out', () => {
      const { look, short } = left();
      const came = { lastDataSent: 90_000, lastDataRecv: 20 };
      for (let now = 200; now <= 2000; now += 100) expect(look(now, came)).toEqual([]);
      const since = { lastDataSent: 90_000, lastDataRecv: 300 };
      expect(look(2280, since, { lastDataSent: 300 })).toEqual([]);
      expect(short(2979, woken)).toEqual([]);
      expect(short(2980, woken)).toEqual(END);
    });

    test('what waits for acknowledgements that come is on its way', () => {
      const { look } = left();
      const sent = { unacked: 9, lastDataSent: 1500 };
      expect(look(1700, { ...sent, lastAckRecv: 200 })).toEqual([]);
      expect(look(2600, { ...sent, lastAckRecv: 1100 })).toEqual(END);
    });

    test('an empty one stays while another one carries something', () => {
      const { look } = left();
      for (let now = 200; now < 9000; now += 100) {
        expect(look(now, { lastDataSent: now })).toEqual([]);
      }
      expect(look(9000, { lastDataSent: 8000 }, { lastDataSent: 249 })).toEqual([]);
      expect(look(9100, { lastDataSent: 8100 }, { lastDataSent: 250 })).toEqual(END);
    });

    test('the link goes: the end, unless it is empty', () => {
      const { look, short } = left();
      look(200, { unacked: 9 });
      expect(short(250, linkChanged(2, 'wlan0', false))).toEqual(END);
      const empty = left();
      empty.look(500, { lastDataSent: 300 });
      expect(empty.short(550, linkChanged(2, 'wlan0', false))).toEqual([]);
    });

    test('it goes dark: the end', () => {
      const { look } = left();
      look(200, { unacked: 9, bytesAcked: 1 });
      look(250, { unacked: 9, bytesAcked: 2 });
      const dark = { unacked: 9, bytesAcked: 2, lastDataSent: 0 };
      expect(look(350, { ...dark, lastAckRecv: 100 })).toEqual([]);
      expect(look(450, { ...dark, lastAckRecv: 200 })).toEqual(END);
    });
  });

  test('the link or the address goes before: what was there is destroyed at once', () => {
    const made = begun(handover({ mode: 'make-before-break' }));
    expect(made.short(1, linkChanged(2, 'wlan0', false))).toEqual([
      `createSubflow 10.2.0.1 ${REMOTE}`,
    ]);
    expect(made.short(2, subflow('subflowEstablished', MOBILE))).toEqual([
      `destroySubflow ${WIFI} ${REMOTE}`,
    ]);
  });

  test('the next one takes too long or fails: one after it', () => {
    const three = [...PHONE, device(4, 'eth0', '10.3.0.1')];
    const made = machineWith(handover({ mode: 'make-before-break' }));
    made.at(0, begin(three), established());
    const at = short(made.at);
    expect(at(1, leaving('wlan0'))).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    expect(at(1000, woken)).toEqual([]);
    expect(at(1001, woken)).toEqual([`createSubflow 10.3.0.1 ${REMOTE}`]);
    expect(
      at(1100, subflow('subflowClosed', MOBILE, undefined, { error: 'ECONNREFUSED' })),
    ).toEqual([]);
  });

  test('break before make', () => {
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

  test('simultaneous', () => {
    const made = begun(handover({ mode: 'simultaneous' }));
    expect(made.first).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    expect(made.short(1, subflow('subflowEstablished', MOBILE))).toEqual([]);
    expect(made.short(500, leaving('wlan0'))).toEqual([`setBackup ${WIFI} ${REMOTE} backup`]);
    expect(made.short(1500, woken)).toEqual([`destroySubflow ${WIFI} ${REMOTE}`]);
  });

  test('on loss or a long rtt, and not back at once', () => {
    const made = begun(
      handover({ mode: 'make-before-break', loss: 0.1, rtt: 300, prefer: ['wlan0'] }),
    );
    const look = (now: number, more: object) => made.short(now, progress(progressOf(WIFI, more)));
    expect(look(100, { rtt: 299_000 })).toEqual([]);
    expect(look(200, { rtt: 301_000 })).toEqual([`createSubflow 10.2.0.1 ${REMOTE}`]);
    made.at(300, subflow('subflowEstablished', MOBILE));
    expect(made.short(1299, woken)).toEqual([]);
    expect(look(1300, { rtt: 301_000, lastDataSent: 1100 })).toEqual([
      `destroySubflow ${WIFI} ${REMOTE}`,
    ]);
    made.at(1310, subflow('subflowClosed', WIFI));
    expect(made.short(11_000, woken)).toEqual([]);
    expect(made.short(11_400, woken)).toEqual([`createSubflow 10.1.0.1 ${REMOTE}`]);
  });

  test('a server takes a path out of use, and announces others where none is left', () => {
    const made = begun(handover({ mode: 'make-before-break' }), SERVER_SIDE);
    made.at(1, subflow('subflowEstablished', '10.2.0.1:443', '10.9.0.1:5000'));
    expect(made.connection().paths).toHaveLength(2);
    expect(made.short(2, leaving('wlan0'))).toEqual([`setBackup ${WIFI} ${REMOTE} backup`]);
    const alone = begun(handover({ mode: 'make-before-break' }), SERVER_SIDE);
    expect(alone.short(2, leaving('wlan0'))).toEqual(['announce 10.2.0.1']);
  });

  test('wrong options', () => {
    expect(() => handover({ mode: 'other' as never })).toThrow(TypeError);
    expect(() => handover({ mode: 'simultaneous', prefer: 'wlan0' as never })).toThrow(TypeError);
    expect(() => handover({ mode: 'simultaneous', loss: 2 })).toThrow(RangeError);
    expect(() => handover({ mode: 'simultaneous', rtt: -1 })).toThrow(RangeError);
  });
});

describe('all', () => {
  test('what one takes away no other one makes, and the first one has its way', () => {
    const on = (local: string, backup: boolean): PolicyAction => ({
      ...{ type: 'setBackup', ...onSubflow(`${local}:1000`), backup },
    });
    const [one, other] = [new Said(), new Said()];
    one.say = () => [on('10.1.0.1', true)];
    other.say = () => [on('10.1.0.1', false)];
    const made = begun(all(one, other));
    expect(made.first).toEqual([`setBackup ${WIFI} ${REMOTE} backup`]);
    expect(made.short(1000, woken)).toEqual([]);
  });

  test('has the shortest interval, and endpoints of each', () => {
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

  test('a path that is healed is not taken twice, nor handed over to and fro', () => {
    const made = begun(all(handover({ mode: 'make-before-break' }), heal()));
    expect(made.short(1, linkChanged(2, 'wlan0', false))).toEqual([
      `createSubflow 10.2.0.1 ${REMOTE}`,
    ]);
    expect(made.short(2, subflow('subflowEstablished', MOBILE))).toHaveLength(1);
    made.at(3, subflow('subflowClosed', WIFI));
    expect(made.short(9000, linkChanged(2, 'wlan0', true))).toEqual([]);
  });
});
