/** heal(): which paths it takes for dark, and what it destroys and reopens. */
import { all } from '../../../lib/policy/policies/all';
import { fullmesh } from '../../../lib/policy/policies/fullmesh';
import { heal } from '../../../lib/policy/policies/heal';
import { ndiffports } from '../../../lib/policy/policies/ndiffports';
import { perInterface } from '../../../lib/policy/policies/per-interface';
import type { ConnectionView, PathPolicy, PathProgress } from '../../../lib/policy/policy';
import {
  address,
  begin,
  device,
  established,
  summaryOf,
  linkChanged,
  engineWith,
  PHONE,
  progress,
  progressOf,
  removed,
  subflow,
} from './support';

const [WIFI, MOBILE] = ['10.1.0.1:1000', '10.2.0.1:2000'];
const INTERVAL = 50; // ms
const REMOTE = '10.9.0.1:443';

/** A connection over both interfaces. */
const begun = (options = {}, begin_: Parameters<typeof established>[0] = {}) =>
  begunWith(heal(options), begin_);

function begunWith(policy: PathPolicy, begin_: Parameters<typeof established>[0] = {}) {
  const made = engineWith(policy);
  made.at(0, begin(), established(begin_));
  made.at(10, subflow('subflowEstablished', MOBILE));
  return made;
}

/**
 * Polls the paths every 50 ms, each as its function says, and returns the actions with their times
 * since the beginning.
 */
function watch(
  { at }: Pick<ReturnType<typeof begun>, 'at'>,
  [from, to]: [number, number],
  ...paths: ((now: number) => PathProgress)[]
): string[] {
  const done: string[] = [];
  for (let now = from; now < to; now += INTERVAL) {
    const actions = [
      ...at(now, progress(...paths.map((path) => path(now)))),
      ...at(now, { type: 'woken' }),
    ];
    done.push(...actions.map((action) => `${now - from} ${summaryOf(action)}`));
    const abandoned = actions.find(({ type }) => type === 'abandonSubflow');
    if (abandoned) at(now, subflow('subflowClosed', '10.1.0.1:3000'));
  }
  return done;
}

/** A stream of packets of 1000 bytes, one a millisecond, acknowledged after `rtt(now)` ms. */
const streaming =
  (local: string, rtt: (now: number) => number, more: Partial<PathProgress> = {}) =>
  (now: number): PathProgress => {
    let acked = now;
    while (acked + rtt(acked) > now) acked--;
    const delay = rtt(acked);
    return progressOf(local, {
      ...{
        bytesSent: now * 1000,
        dataSegsOut: now,
        bytesAcked: acked * 1000,
        unacked: now - acked,
      },
      ...{ rtt: delay * 1000, rttvar: (delay * 1000) / 10, rto: (delay + 200) * 1000 },
      ...{ lastAckRecv: 0, lastDataSent: 0 },
      ...more,
    });
  };

const idle = (local: string) => (now: number) =>
  progressOf(local, { lastAckRecv: now, lastDataSent: now });

/** A path on which nothing arrives after `cut`: the clock and the time-outs continue. */
const cutOff =
  (path: (now: number) => PathProgress, cut: number) =>
  (now: number): PathProgress => {
    if (now <= cut) return path(now);
    const last = path(cut);
    let [retransmits, next] = [0, last.rto / 1000];
    for (let due = next; cut + due <= now; due += next) {
      retransmits++;
      next *= 2;
    }
    return {
      ...last,
      ...{ lastAckRecv: last.lastAckRecv + now - cut, lastDataSent: now - cut },
      ...{ retransmits, rto: next * 1000, totalRetrans: last.totalRetrans + retransmits },
    };
  };

/** Packets that are sent at `from`, after a long pause, and acknowledged at `until`. */
const burst =
  (
    local: string,
    [from, until]: [number, number],
    packets: number,
    more: Partial<PathProgress> = {},
  ) =>
  (now: number): PathProgress => {
    if (now < from) return progressOf(local, { lastAckRecv: now, lastDataSent: now, ...more });
    const answered = now >= until;
    let [retransmits, next] = [0, 220];
    for (let due = next; !answered && from + due <= now; due += next) {
      retransmits++;
      next *= 2;
    }
    const sent = packets * 1000;
    return progressOf(local, {
      ...{ bytesSent: sent, dataSegsOut: packets, bytesAcked: answered ? sent : 0 },
      ...{ unacked: answered ? 0 : packets, lastAckRecv: answered ? now - until : now },
      ...{ lastDataSent: now - from, retransmits, rto: next * 1000, totalRetrans: retransmits },
      ...more,
    });
  };

describe('a path that goes dark', () => {
  test('in the middle of a stream is destroyed within 250 ms, and reopened', () => {
    const made = begun();
    const stream = streaming(WIFI, () => 20);
    expect(
      watch(
        made,
        [10_000, 11_000],
        stream,
        streaming(MOBILE, () => 30),
      ),
    ).toEqual([]);
    const dark = cutOff(stream, 11_000);
    const [first, ...rest] = watch(
      made,
      [11_000, 12_000],
      dark,
      streaming(MOBILE, () => 30),
    );
    expect(first).toMatch(/^(150|200) destroySubflow 10.1.0.1:1000/);
    expect(rest).toEqual([]);
    made.at(12_000, subflow('subflowClosed', WIFI));
    const reopened = watch(
      made,
      [12_000, 30_000],
      streaming(MOBILE, () => 30),
    );
    expect(reopened).toEqual([
      `250 createSubflow 10.1.0.1 ${REMOTE}`,
      `6750 abandonSubflow 10.1.0.1 ${REMOTE}`,
      `7000 createSubflow 10.1.0.1 ${REMOTE}`,
      `13500 abandonSubflow 10.1.0.1 ${REMOTE}`,
      `13750 createSubflow 10.1.0.1 ${REMOTE}`,
    ]);
    made.at(30_000, subflow('subflowEstablished', '10.1.0.1:1001'));
    expect(made.connection().lost).toEqual([]);
    const again = streaming('10.1.0.1:1001', () => 20);
    expect(
      watch(
        made,
        [30_000, 40_000],
        again,
        streaming(MOBILE, () => 30),
      ),
    ).toEqual([]);
  });

  test('is destroyed where the other path is a standby', () => {
    const made = begun();
    const stream = streaming(WIFI, () => 20);
    watch(made, [10_000, 11_000], stream, idle(MOBILE));
    expect(watch(made, [11_000, 12_000], cutOff(stream, 11_000), idle(MOBILE))).toEqual([
      expect.stringMatching(/^(150|200) destroySubflow 10.1.0.1:1000/),
    ]);
  });

  test('is destroyed later with a longer rtt', () => {
    const made = begun();
    const stream = streaming(WIFI, () => 200);
    watch(made, [10_000, 11_000], stream, idle(MOBILE));
    const [first] = watch(made, [11_000, 13_000], cutOff(stream, 11_000), idle(MOBILE));
    expect(Number(first?.split(' ')[0])).toBeGreaterThanOrEqual(2.5 * 200);
    expect(Number(first?.split(' ')[0])).toBeLessThan(800);
  });

  test.each([1, 3, 10])('with %i packets after a pause is destroyed within 1.5 s', (packets) => {
    const made = begun();
    const sent = burst(WIFI, [11_020, Infinity], packets);
    expect(watch(made, [10_000, 12_200], sent, idle(MOBILE))).toEqual([]);
    expect(watch(made, [12_200, 12_600], sent, idle(MOBILE))).toEqual([
      expect.stringContaining('destroySubflow 10.1.0.1:1000'),
    ]);
  });

  test.each([
    ['heal', () => heal()],
    ['perInterface + heal', () => all(perInterface(), heal())],
  ])('with all others is kept, and replacements are opened beside them: %s', (_, policy) => {
    const made = begunWith(policy());
    const [one, other] = [streaming(WIFI, () => 20), streaming(MOBILE, () => 30)];
    watch(made, [10_000, 11_000], one, other);
    const done = watch(made, [11_000, 14_000], cutOff(one, 11_000), cutOff(other, 11_000));
    expect(done).toEqual([
      expect.stringMatching(/^(150|200) createSubflow 10.1.0.1/),
      expect.stringMatching(/^(150|200) createSubflow 10.2.0.1/),
    ]);
    const another = subflow('subflowEstablished', '10.2.0.1:2001');
    expect(made.at(14_000, another).map(summaryOf)).toEqual([
      `destroySubflow ${WIFI} ${REMOTE}`,
      `destroySubflow ${MOBILE} ${REMOTE}`,
    ]);
    made.at(14_050, subflow('subflowClosed', WIFI), subflow('subflowClosed', MOBILE));
    expect(made.connection().lost).toMatchObject([
      { local: '10.1.0.1', reason: 'heal: the path is dark' },
    ]);
    const after = watch(
      made,
      [14_050, 20_000],
      streaming('10.2.0.1:2001', () => 30),
    );
    expect(after.filter((each) => each.includes('10.2.0.1'))).toEqual([]);
  });

  /** Both paths are dark from 11 s on, and a replacement of each is being opened. */
  function allDark() {
    const made = engineWith(all(fullmesh(), heal()));
    made.at(0, begin(), established());
    made.at(10, subflow('subflowEstablished', MOBILE));
    const live = [streaming(WIFI, () => 20), streaming(MOBILE, () => 30)] as const;
    watch(made, [10_000, 11_000], ...live);
    const dark = live.map((path) => cutOff(path, 11_000));
    watch(made, [11_000, 12_000], ...dark);
    expect(made.connection().opening).toHaveLength(2);
    return { ...made, live, dark };
  }
  const portsOf = ({ paths }: ConnectionView): number[] => paths.map(({ local }) => local.port);

  test('and works again before its replacement does, keeps its place', () => {
    for (const [first, second] of [
      ['10.1.0.1:1001', '10.2.0.1:2001'],
      ['10.2.0.1:2001', '10.1.0.1:1001'],
    ] as const) {
      const { live, ...made } = allDark();
      expect(watch(made, [12_000, 12_100], ...live)).toEqual([]);
      for (const each of [first, second]) {
        expect(made.at(12_100, subflow('subflowEstablished', each)).map(summaryOf)).toEqual([
          `destroySubflow ${each} ${REMOTE}`,
        ]);
        made.at(12_110, subflow('subflowClosed', each));
      }
      expect(watch(made, [12_150, 20_000], ...live)).toEqual([]);
      expect(portsOf(made.connection())).toEqual([1000, 2000]);
      expect(made.connection()).toMatchObject({ opening: [], lost: [] });
    }
  });

  test('and works again, keeps its place when an abandoned replacement succeeds', () => {
    const { live, dark, ...made } = allDark();
    const actions = watch(made, [12_000, 17_700], ...dark);
    expect(actions).toContainEqual(expect.stringContaining('abandonSubflow 10.2.0.1'));
    expect(watch(made, [17_700, 17_800], ...live)).toEqual([]);
    expect(made.at(17_800, subflow('subflowEstablished', '10.2.0.1:2001')).map(summaryOf)).toEqual([
      `destroySubflow 10.2.0.1:2001 ${REMOTE}`,
    ]);
  });

  test('and works again, is reopened once both it and its replacement have closed', () => {
    const { live, ...made } = allDark();
    watch(made, [12_000, 12_100], ...live);
    made.at(12_100, subflow('subflowEstablished', '10.2.0.1:2001'));
    made.at(12_110, subflow('subflowClosed', MOBILE));
    expect(made.connection().lost).toEqual([]); // one of the two is still there
    made.at(12_120, subflow('subflowClosed', '10.2.0.1:2001'));
    expect(made.connection().lost).toHaveLength(1);
    expect(watch(made, [12_150, 13_000], live[0])).toEqual([
      expect.stringContaining('createSubflow 10.2.0.1'),
    ]);
  });

  test('has one replacement at most among several between the same addresses', () => {
    const made = engineWith(all(ndiffports(2), heal()));
    made.at(0, begin([device(2, 'wlan0', '10.1.0.1')]), established());
    made.at(10, subflow('subflowEstablished', '10.1.0.1:1001'));
    const live = [streaming(WIFI, () => 20), streaming('10.1.0.1:1001', () => 20)] as const;
    watch(made, [10_000, 11_000], ...live);
    const dark = live.map((path) => cutOff(path, 11_000));
    watch(made, [11_000, 12_000], ...dark);
    expect(made.connection().opening).toMatchObject([{ insteadOf: 1000 }]);
    made.at(12_000, subflow('subflowEstablished', '10.1.0.1:1002'));
    const third = streaming('10.1.0.1:1002', () => 20);
    // The first is replaced. The second, which is dark while another path is alive, is reopened.
    made.at(12_010, subflow('subflowClosed', WIFI), subflow('subflowClosed', '10.1.0.1:1001'));
    expect(watch(made, [12_050, 13_000], third)).toEqual([
      expect.stringContaining('createSubflow 10.1.0.1'),
    ]);
    made.at(13_000, subflow('subflowEstablished', '10.1.0.1:1003'));
    const fourth = streaming('10.1.0.1:1003', () => 20);
    expect(watch(made, [13_050, 20_000], third, fourth)).toEqual([]);
    expect(portsOf(made.connection())).toEqual([1002, 1003]);
  });

  test('as the only one, again and again, never has more than two between its addresses', () => {
    const made = engineWith(heal());
    made.at(0, begin([device(2, 'wlan0', '10.1.0.1')]), established());
    let live: ((now: number) => PathProgress)[] = [streaming(WIFI, () => 20)];
    for (let i = 1; i < 10; i++) {
      const from = i * 20_000;
      watch(made, [from, from + 1000], ...live);
      live = live.map((path) => cutOff(path, from + 1000));
      watch(made, [from + 1000, from + 5000], ...live);
      expect(made.connection().opening).toHaveLength(1);
      made.at(from + 5000, subflow('subflowEstablished', `10.1.0.1:${1000 + i}`));
      live.push(streaming(`10.1.0.1:${1000 + i}`, () => 20));
      watch(made, [from + 5000, from + 10_000], ...live);
      for (const { local, closing } of [...made.connection().paths]) {
        if (closing === undefined) continue;
        made.at(from + 10_000, subflow('subflowClosed', `${local.address}:${local.port}`));
        live.shift();
      }
      expect(made.connection().paths).toHaveLength(1);
      expect(made.connection().opening).toHaveLength(0);
    }
  });
});

describe('a path that is merely slow stays with', () => {
  const healthy = streaming(MOBILE, () => 30);
  const stays = (path: (now: number) => PathProgress, to = 20_000): void =>
    expect(watch(begun(), [10_000, to], path, healthy)).toEqual([]);

  test('a queue that grows to a second', () => {
    stays(streaming(WIFI, (now) => Math.min(1000, 20 + Math.max(0, now - 11_000) / 3)));
  });

  test('a flow that begins on a queue of a second', () => {
    for (const packets of [1, 4, 10]) stays(burst(WIFI, [11_020, 12_045], packets));
  });

  /** As burst(), with retransmissions that the kernel counts as data sent. */
  const retransmitted =
    (path: (now: number) => PathProgress, from: number) =>
    (now: number): PathProgress => {
      const progress = path(now);
      if (now < from || progress.retransmits === 0) return progress;
      const sent = 220 * (2 ** progress.retransmits - 1);
      return { ...progress, lastDataSent: now - from - sent };
    };

  test('a full queue of a second, which drops a flight and its retransmission', () => {
    for (const packets of [1, 4, 10]) {
      // The second retransmission, after 660 ms, waits for a second in the queue.
      const answered = burst(WIFI, [11_020, 12_700], packets);
      stays(retransmitted(answered, 11_020));
      const dead = retransmitted(burst(WIFI, [11_020, Infinity], packets), 11_020);
      expect(watch(begun(), [10_000, 12_950], dead, idle(MOBILE))).toEqual([
        expect.stringContaining('destroySubflow 10.1.0.1:1000'),
      ]);
    }
  });

  test('an acknowledgement every half second', () => {
    stays((now) => {
      const acked = now - (now % 500);
      return progressOf(WIFI, {
        ...{ bytesSent: now * 10, bytesAcked: acked * 10 - 5000, unacked: 8, dataSegsOut: now },
        ...{ lastAckRecv: now % 500, rtt: 900_000, rttvar: 100_000, rto: 1_300_000 },
      });
    });
  });

  test('a loss of 2 %', () => {
    const stream = streaming(WIFI, () => 20);
    stays((now) => {
      // One packet in 50 is retransmitted: half of them after a time-out, as at the end of a burst.
      const lost = Math.floor(now / 50);
      const waits = lost % 2 === 0 && now % 500 < 220;
      return {
        ...stream(now),
        ...{ totalRetrans: lost, lastAckRecv: waits ? now % 500 : 0 },
        ...(waits && { unacked: 2, bytesAcked: (now - (now % 500)) * 1000 }),
      };
    });
  });

  test('no data for long, or a request now and then', () => {
    stays(idle(WIFI));
    stays((now) =>
      progressOf(WIFI, {
        unacked: now % 1000 < 50 ? 1 : 0,
        lastAckRecv: now % 1000,
        lastDataSent: now % 1000,
        bytesAcked: now,
      }),
    );
  });

  test('a peer that does not read, whose closed window is probed and acknowledged', () => {
    stays((now) =>
      progressOf(WIFI, {
        ...{ unacked: now % 5000 < 2000 ? 0 : 1, bytesSent: 50_000, bytesAcked: 49_000 },
        ...{ lastAckRecv: now % 800, lastDataSent: now % 800, retransmits: 3, rto: 1_600_000 },
      }),
    );
  });

  test('a peer that does not read, and has dropped data in flight', () => {
    const stream = streaming(WIFI, () => 20);
    stays((now) => {
      if (now < 11_000) return stream(now);
      let [sent, wait] = [11_000, 220]; // retransmitted and answered with growing pauses
      for (; sent + wait <= now; wait *= 2) sent += wait;
      const since = now - sent;
      return {
        ...stream(11_000),
        sndWnd: 0,
        rto: wait * 1000,
        lastDataSent: since,
        lastAckRecv: since,
      };
    });
  });

  test('arriving data that acknowledge nothing new', () => {
    stays((now) =>
      progressOf(WIFI, { unacked: 2, lastAckRecv: now - 10_000, lastDataRecv: now % 30 }),
    );
  });

  test('late polls, and data that meet a queue after a pause between the polls', () => {
    const made = begun();
    const stream = streaming(WIFI, () => 60);
    watch(made, [10_000, 11_001], stream, healthy);
    // All data are acknowledged at 11.06 s; the next are sent at 11.45 s, and take 140 ms.
    const more = (now: number): PathProgress => ({
      ...stream(11_000),
      ...{ bytesAcked: 11_000_000, unacked: 10, bytesSent: 11_010_000 },
      ...{ lastAckRecv: now - 11_060, lastDataSent: now - 11_450 },
    });
    expect(watch(made, [11_460, 11_590], more, healthy)).toEqual([]);
    expect(watch(made, [11_610, 12_000], stream, healthy)).toEqual([]);
  });

  test('a late poll, after a pause of this host', () => {
    const made = begun();
    const stream = streaming(WIFI, () => 20);
    const paused = cutOff(stream, 11_000);
    watch(made, [10_000, 11_001], stream, healthy);
    expect(made.at(11_400, progress(paused(11_400), healthy(11_400)))).toEqual([]);
    expect(watch(made, [11_450, 12_000], stream, healthy)).toEqual([]);
  });
});

describe('links and addresses', () => {
  test('a path whose link goes and returns is destroyed and reopened', () => {
    const made = begun();
    expect(made.at(100, linkChanged(2, 'wlan0', false)).map(summaryOf)).toEqual([
      `destroySubflow ${WIFI} ${REMOTE}`,
    ]);
    expect(made.at(110, subflow('subflowClosed', WIFI))).toEqual([]);
    expect(made.at(5000, { type: 'woken' })).toEqual([]);
    expect(made.at(6000, linkChanged(2, 'wlan0', true)).map(summaryOf)).toEqual([
      `createSubflow 10.1.0.1 ${REMOTE}`,
    ]);
  });

  test('an address that returns is used when it is no longer tentative', () => {
    const made = begun();
    const gone = address('wlan0', '10.1.0.1');
    expect(made.at(100, { type: 'addressRemoved', address: gone }).map(summaryOf)).toEqual([
      `destroySubflow ${WIFI} ${REMOTE}`,
    ]);
    made.at(110, subflow('subflowClosed', WIFI));
    const tentative = { ...gone, tentative: true };
    expect(made.at(120, { type: 'addressAdded', address: tentative })).toEqual([]);
    expect(made.at(130, { type: 'addressChanged', address: gone }).map(summaryOf)).toEqual([
      `createSubflow 10.1.0.1 ${REMOTE}`,
    ]);
  });

  test('the last path stays', () => {
    const made = engineWith(heal());
    made.at(0, begin(), established());
    expect(made.at(1, linkChanged(2, 'wlan0', false))).toEqual([]);
    const [gone] = PHONE[0]!.addresses;
    expect(made.at(2, { type: 'addressRemoved', address: gone! })).toEqual([]);
  });

  test('a path from an address that no interface ever had stays', () => {
    const made = engineWith(heal());
    made.at(0, begin(), established(), subflow('subflowEstablished', '10.77.0.1:5'));
    expect(made.at(1, linkChanged(3, 'wwan0', false))).toEqual([]);
  });
});

describe('a lost path', () => {
  test('is reopened where the peer or the kernel closed it', () => {
    const made = begun();
    made.at(20, subflow('subflowClosed', MOBILE, undefined, { error: 'ETIMEDOUT' }));
    expect(made.at(270, { type: 'woken' }).map(summaryOf)).toEqual([
      `createSubflow 10.2.0.1 ${REMOTE}`,
    ]);
  });

  test('stays closed where the peer opened it from a port of its own', () => {
    const made = begun();
    made.at(20, subflow('subflowEstablished', '10.2.0.1:3000', '10.9.1.1:50000'));
    made.at(30, subflow('subflowClosed', '10.2.0.1:3000', '10.9.1.1:50000'));
    expect(made.at(1000, { type: 'woken' })).toEqual([]);
  });

  test('stays closed where the peer denies further subflows or withdrew its address', () => {
    const denied = begun({}, { denyJoinId0: true });
    denied.at(20, subflow('subflowClosed', WIFI));
    expect(denied.at(1000, { type: 'woken' })).toEqual([]);
    const withdrawn = begun();
    withdrawn.at(20, removed(0), subflow('subflowClosed', WIFI));
    expect(withdrawn.at(1000, { type: 'woken' })).toEqual([]);
  });

  test('of a server is reopened with `server`, and where the client can be reached', () => {
    for (const server of [false, true]) {
      const made = engineWith(heal({ server }));
      made.at(0, begin(), established({ serverSide: true }));
      made.at(1, {
        type: 'announced',
        source: 'kernel',
        token: 7,
        remoteId: 2,
        address: '10.9.2.1',
        port: 8443,
      });
      made.at(2, subflow('subflowEstablished', '10.2.0.1:443', '10.9.2.1:8443'));
      made.at(3, subflow('subflowEstablished', '10.2.0.1:443', '10.9.2.1:50000'));
      const done = [
        ...made.at(4, subflow('subflowClosed', '10.2.0.1:443', '10.9.2.1:8443')),
        ...made.at(5, subflow('subflowClosed', '10.2.0.1:443', '10.9.2.1:50000')),
        ...made.at(1000, { type: 'woken' }),
      ];
      expect(done.map(summaryOf)).toEqual(server ? ['createSubflow 10.2.0.1 10.9.2.1:8443'] : []);
    }
  });
});

test('wrong options throw', () => {
  expect(() => heal({ interval: 1 })).toThrow(RangeError);
  expect(() => heal({ server: 1 as never })).toThrow(TypeError);
  expect(() => heal(null as never)).toThrow(TypeError);
});
