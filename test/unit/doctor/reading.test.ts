/** Tests what doctor() makes of the texts that the kernel and nft give. */
import { parseCounters } from '../../../lib/doctor/reading/counters';
import { nodeOptions } from '../../../lib/doctor/reading/examined-process';
import { missingFeatures } from '../../../lib/doctor/reading/kernel-features';
import { rulesAboutMptcp } from '../../../lib/doctor/reading/nftables';
import { isReadOnly, parseStatus } from '../../../lib/doctor/reading/process-status';
import { sourceRoute } from '../../../lib/doctor/source-route';
import type { NetworkRoute } from '../../../lib/interfaces/interface';

const MOUNTS = `22 1 0:20 / / rw - overlay overlay rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
24 23 0:21 /sys /proc/sys ro,nosuid - proc proc rw
25 22 0:22 / /proc/system rw - tmpfs tmpfs rw`;

test('the mount of a path is the longest one, and the last of equals', () => {
  expect(isReadOnly(MOUNTS, '/proc/sys/net/mptcp')).toBe(true);
  expect(isReadOnly(MOUNTS, '/proc/self')).toBe(false);
  expect(isReadOnly(MOUNTS, '/proc/system/x')).toBe(false);
  const again = `${MOUNTS}\n26 24 0:21 /sys /proc/sys rw - proc proc rw`;
  expect(isReadOnly(again, '/proc/sys/net/mptcp')).toBe(false);
  expect(isReadOnly('1 0 0:1 / / rw - ext4 sda ro', '/proc/sys')).toBe(true);
});

test('capabilities and filters of system calls are read', () => {
  const status = (bits: string, seccomp: number) =>
    parseStatus(`Name:\tnode\nCapEff:\t${bits}\nSeccomp:\t${seccomp}\n`, MOUNTS);
  expect(status('0000000000001000', 2)).toEqual({
    ...{ netAdmin: true, filtered: true, readOnlySettings: true },
  });
  expect(status('000001ffffffefff', 0)).toMatchObject({ netAdmin: false, filtered: false });
});

test('counters have the names of nstat', () => {
  const text = `TcpExt: SyncookiesSent IPReversePathFilter\nTcpExt: 1 2\nMPTcpExt: Blackhole\nMPTcpExt: 3\n`;
  expect(parseCounters(text)).toEqual({
    ...{ TcpExtSyncookiesSent: 1, TcpExtIPReversePathFilter: 2, MPTcpExtBlackhole: 3 },
  });
});

describe('rules about MPTCP', () => {
  const option = { left: { 'tcp option': { name: 'mptcp' } }, op: '==', right: true };
  const rules = (...expr: object[]) =>
    rulesAboutMptcp(
      JSON.stringify({
        nftables: [
          { metainfo: {} },
          { rule: { family: 'ip', table: 'filter', chain: 'in', handle: 7, expr } },
        ],
      }),
    );
  const found = (effect: string) => [{ chain: 'ip filter in', handle: 7, effect }];

  test.each([
    ['drop', [{ match: option }, { drop: null }]],
    ['drop', [{ match: option }, { reject: { type: 'tcp reset' } }]],
    [
      'drop',
      [
        { match: { ...option, left: { 'tcp option': { base: 30, offset: 0, len: 8 } } } },
        { drop: null },
      ],
    ],
    ['strip', [{ reset: { 'tcp option': { name: 'mptcp' } } }]],
    ['strip', [{ xt: { type: 'target', name: 'TCPOPTSTRIP' } }]],
  ])('%s: %j', (effect, expr) => expect(rules(...expr)).toEqual(found(effect)));

  test.each([
    [[{ match: option }, { accept: null }]],
    [[{ drop: null }]],
    [[{ match: { left: { 'tcp option': { name: 'maxseg' } } } }, { drop: null }]],
    [[{ reset: { 'tcp option': { name: 'maxseg' } } }]],
  ])('none: %j', (expr) => expect(rules(...expr)).toEqual([]));
});

test.each([
  [['node', 'app.js', '--permission'], [], []],
  [
    ['node', '--permission', '-r', 'x', 'app.js', '--allow-addons'],
    [],
    ['--permission', '-r', 'x'],
  ],
  [
    ['node', 'app.js'],
    ['A=1', 'NODE_OPTIONS=--import mptcp/register'],
    ['--import', 'mptcp/register'],
  ],
])('the options of %j with %j', (command, environment, options) => {
  expect(nodeOptions(command, environment)).toEqual(options);
});

test('an old kernel is asked for what it lacks', () => {
  const getsockopt = { info: true, tcpInfo: true, subflowAddresses: true, fullInfo: true };
  const sysctls = { 'net.mptcp.blackhole_timeout': '3600' };
  const all = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
  expect(missingFeatures({ mptcp: true, getsockopt }, all, sysctls)).toEqual([]);
  const older = { ...getsockopt, fullInfo: false };
  expect(
    missingFeatures({ mptcp: true, getsockopt: older }, all, {}).map(({ since }) => since),
  ).toEqual(['6.5', '6.12']);
  const oldest = { info: false, tcpInfo: false, subflowAddresses: false, fullInfo: false };
  expect(
    missingFeatures({ mptcp: true, getsockopt: oldest }, all.slice(0, 7), {}).map(
      (each) => each.since,
    ),
  ).toEqual(['5.16', '5.19', '6.5', '6.12']);
});

describe('source routes', () => {
  const route = (more: Partial<NetworkRoute>): NetworkRoute => ({
    ...{ family: 'IPv4', prefixLength: 0, nextHops: [], table: 254, metric: 0, type: 'unicast' },
    ...{ protocol: 4, ...more },
  });
  const link = {
    ...{ name: 'eth1', index: 3 },
    addresses: [
      {
        ...{ interface: 'eth1', address: '10.2.0.5', prefixLength: 24, family: 'IPv4' as const },
        ...{ scope: 'global' as const, tentative: false, deprecated: false, duplicate: false },
      },
    ],
  };
  const connected = route({
    ...{ destination: '10.2.0.0', prefixLength: 24, nextHops: [{ interface: 'eth1', weight: 1 }] },
  });
  const through = (gateway?: string) => [
    { interface: 'eth1', weight: 1, ...(gateway !== undefined && { gateway }) },
  ];
  const write = (routes: NetworkRoute[], peer = '192.0.2.1') =>
    sourceRoute('10.2.0.5', link, peer, routes);

  test('use the router that a route names, in a table that is free', () => {
    const routes = [connected, route({ nextHops: through('10.2.0.1') }), route({ table: 103 })];
    expect(write(routes)).toBe(
      'ip route add 10.2.0.0/24 dev eth1 table 104 && ip route add default via 10.2.0.1 dev eth1 table 104 && ip rule add from 10.2.0.5 table 104',
    );
  });

  test('need no router for a peer on the link', () => {
    expect(write([connected], '10.2.0.9')).toBe(
      'ip route add 10.2.0.0/24 dev eth1 table 103 && ip rule add from 10.2.0.5 table 103',
    );
  });

  test('use a table that leads there', () => {
    expect(write([route({ table: 7, nextHops: through('10.2.0.1') })])).toBe(
      'ip rule add from 10.2.0.5 table 7',
    );
  });

  test('say that the router is not known', () => {
    expect(write([connected])).toContain('default via GATEWAY dev eth1');
  });
});
