/** Hints on every subflow, also on those that join when they are set already. */
import type { HintResult, SchedulingHints, Subflow } from '../../lib';
import { describeKernel } from '../lab/jest';
import { FAMILIES, type Family } from '../lab/path-end';
import { Hosts, twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { type Inside, Peer } from './peers/peer';
import { ssSubflows } from './peers/ss-subflows';

interface Case {
  hints: SchedulingHints;
  /** What ss shows of each subflow, by the hint. */
  shown: Partial<Record<keyof SchedulingHints, RegExp>>;
  /** The hint that needs a capability. */
  privileged?: keyof SchedulingHints;
}

const HINTS: SchedulingHints = {
  congestionControl: 'reno',
  noDelay: true,
  notsentLowat: 30_000,
  sendBuffer: 60_000,
  receiveBuffer: 70_000,
  keepAlive: { idle: 1111, interval: 7, count: 3 },
};
const SHOWN = {
  congestionControl: /\breno\b/,
  sendBuffer: /tb120000\b/,
  receiveBuffer: /rb140000\b/,
  keepAlive: /timer:\(keepalive,1[78]min/,
};

/** Not dscp beside priority: the kernel derives the one from the other. */
const CASES: readonly Case[] = [
  {
    hints: { ...HINTS, dscp: 10, mark: 0xffff_fff0 },
    shown: { ...SHOWN, dscp: /tos:0x28\b/, mark: /fwmark:0xfffffff0\b/ },
    privileged: 'mark',
  },
  { hints: { ...HINTS, priority: 5 }, shown: { ...SHOWN, priority: /class_id:0x5\b/ } },
  {
    hints: { ...HINTS, priority: 7 },
    shown: { ...SHOWN, priority: /class_id:0x7\b/ },
    privileged: 'priority',
  },
];

const WRITES = 8;
const LONG = 30_000; // ms

/** Listens, and keeps what it accepts; gives the port. */
const serve = async ({ net, once, state }: Inside, hints: SchedulingHints) => {
  const server = net.createServer({ mptcp: { hints } }, (socket) => {
    state.sockets.push(socket);
    socket.on('error', () => undefined).pipe(socket);
  });
  await once(server.listen(0, '::'), 'listening');
  return (server.address() as unknown as { port: number }).port;
};

/** Connects, and has an answer: subflows can join. */
const open = async (
  { net, once, state }: Inside,
  host: string,
  port: number,
  hints: SchedulingHints,
) => {
  const socket = net.connect({ host, port, mptcp: { hints } });
  state.sockets.push(socket);
  await once(socket, 'connect');
  socket.write('hello');
  await once(socket, 'data');
};

/** Waits until every connection has so many subflows. */
const untilAllHave = ({ mptcp, state, until }: Inside, count: number) =>
  until(() =>
    state.sockets.every((socket) => {
      const subflows = mptcp.connectionOf(socket).subflows();
      return subflows.filter(({ tcpInfo }) => tcpInfo.state === 1).length === count;
    }),
  );

/** Each connection has a server's port of its own. */
const hint = (
  { mptcp, state }: Inside,
  port: number,
  hints: SchedulingHints,
): Promise<HintResult[]> => {
  const all = state.sockets.map((socket) => mptcp.connectionOf(socket));
  const ofPort = all.find((each) => {
    const [{ local, remote }] = each.subflows() as [Subflow];
    return (each.serverSide ? local : remote).port === port;
  })!;
  return ofPort.hint(hints);
};

/** Of hints and subflows. */
const stateOf = ({ mptcp, state }: Inside, port: number) => {
  const all = state.sockets.map((socket) => mptcp.connectionOf(socket));
  const { hints, ...ofPort } = all
    .map((each) => ({ hints: each.hints, serverSide: each.serverSide, subflows: each.subflows() }))
    .find(({ serverSide, subflows: [first] }) => {
      return (serverSide ? first!.local : first!.remote).port === port;
    })!;
  return { hints, subflows: ofPort.subflows.length };
};

/** Waits until what is sent goes by the path that a client has from this address. */
const untilUsed = async ({ mptcp, once, state }: Inside, address: string) => {
  const [socket] = state.sockets;
  const path = () =>
    mptcp
      .connectionOf(socket!)
      .subflows()
      .find(({ local }) => local.address === address)!;
  for (let before = 0, now = 0; now === before;) {
    before = path().tcpInfo.bytesReceived ?? 0;
    socket!.write('x');
    await once(socket!, 'data'); // the other side uses it, too
    now = path().tcpInfo.bytesReceived ?? 0;
  }
};

/** In how many packets so many small writes go by the path of that address, of either side. */
const packetsOf = async ({ mptcp, state, until }: Inside, address: string, writes: number) => {
  const [socket] = state.sockets;
  const path = () =>
    mptcp
      .connectionOf(socket!)
      .subflows()
      .find(({ local, remote }) => [local.address, remote.address].includes(address))!.tcpInfo;
  await until(() => path().unacked === 0);
  const before = path();
  for (let i = 0; i < writes; i++) socket!.write('x');
  await until(() => path().bytesAcked! >= before.bytesAcked! + writes);
  return path().dataSegsOut! - before.dataSegsOut!;
};

/** Waits until the client has received so many bytes in all. */
const untilReceived = ({ state, until }: Inside, bytes: number) =>
  until(() => state.sockets[0]!.bytesRead >= bytes);

/** As the two families have it: IPV6_TCLASS is not for an MPTCP socket. */
const isTold = ({ hint: name, by, applied, reason }: HintResult, refused?: string): boolean => {
  if (name !== refused && by !== 'IPV6_TCLASS') return applied;
  const code = name === refused ? 'ERR_MPTCP_PERMISSION' : 'ERR_MPTCP_UNSUPPORTED';
  return !applied && reason?.code === code;
};

describeKernel('hints on subflows that join', {}, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    test.each([
      ['with privileges', false],
      ['without', true],
    ])('%s: each, given at creation and later, by the client and by the server', async (...of) => {
      const [, unprivileged] = of;
      await using lab = await Hosts.connect([{}, {}, {}], { family, join: 'none' });
      const [first, second, third] = lab.paths;
      const [server, client] = await Promise.all([
        Peer.start(lab.server, { unprivileged }),
        Peer.start(lab.client, { unprivileged }),
      ]);
      const connect = async (hints: SchedulingHints): Promise<number> => {
        const port = await server.run(serve, hints);
        await client.run(open, first.server.address, port, hints);
        return port;
      };
      const created: number[] = [];
      const hinted: number[] = [];
      for (const { hints } of CASES) {
        created.push(await connect(hints));
        hinted.push(await connect({ congestionControl: 'system' }));
      }
      second.client.addEndpoint('subflow');
      for (const peer of [client, server]) await peer.run(untilAllHave, 2);
      for (const peer of [client, server]) {
        for (const [index, { hints }] of CASES.entries()) {
          await peer.run(hint, hinted[index]!, hints);
        }
      }
      third.client.addEndpoint('subflow');
      for (const peer of [client, server]) await peer.run(untilAllHave, 3);

      for (const ports of [created, hinted]) {
        for (const [index, { hints, shown, privileged }] of CASES.entries()) {
          const refused = unprivileged ? privileged : undefined;
          for (const [peer, host] of [
            [client, lab.client],
            [server, lab.server],
          ] as const) {
            const { hints: results } = await peer.run(stateOf, ports[index]!);
            const names = new Set(results.map((each) => each.hint));
            expect(names).toEqual(new Set(Object.keys(hints)));
            expect(results.filter((each) => !isTold(each, refused))).toEqual([]);
            const lines = ssSubflows(host, ports[index]!, peer === client ? 'dport' : 'sport');
            expect(lines).toHaveLength(3);
            for (const [name, pattern] of Object.entries(shown)) {
              for (const line of lines) {
                if (name === refused) expect(line).not.toMatch(pattern);
                else expect(line).toMatch(pattern);
              }
            }
          }
        }
      }
    });
  });

  test('keepAlive: a side that has it knows that a subflow which joined later is gone', async () => {
    const alone = async (family: Family) => {
      await using lab = await twoPaths({ family, join: 'none' });
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const asking = { keepAlive: { idle: 1, interval: 1, count: 2 } };
      const host = lab.paths[0].server.address;
      // Of two connections, each side asks on one.
      const [first, second] = [await server.run(serve, {}), await server.run(serve, asking)];
      await client.run(open, host, first, asking);
      await client.run(open, host, second, {});
      lab.paths[1].client.addEndpoint('subflow');
      for (const peer of [client, server]) await peer.run(untilAllHave, 2);
      lab.paths[1].cut({ silent: true });
      await until(
        'the client knows',
        async () => (await client.run(stateOf, first)).subflows === 1,
        LONG,
      );
      await until(
        'the server knows',
        async () => (await server.run(stateOf, second)).subflows === 1,
        LONG,
      );
    };
    await Promise.all(FAMILIES.map(alone));
  });

  test('noDelay: in how many packets small writes go', async () => {
    const alone = async (family: Family): Promise<number[]> => {
      const paths = [{ delay: 20 }, { delay: 20 }] as const;
      await using lab = await twoPaths({ family, paths, join: 'none' });
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const port = await server.run(serve, { noDelay: true });
      lab.paths[0].client.addEndpoint('subflow', 'id', '3');
      await client.run(open, lab.paths[0].server.address, port, { noDelay: true });
      lab.paths[1].client.addEndpoint('subflow');
      for (const peer of [client, server]) await peer.run(untilAllHave, 2);
      // From now on both sides use what has joined.
      lab.client.ip('mptcp', 'endpoint', 'change', 'id', '3', 'backup');
      const joined = lab.paths[1].client.address;
      await client.run(untilUsed, joined);
      const packets: number[] = [];
      for (const noDelay of [true, false]) {
        for (const peer of [client, server]) await peer.run(hint, port, { noDelay });
        const received = await client.run(({ state }) => state.sockets[0]!.bytesRead);
        packets.push(await client.run(packetsOf, joined, WRITES));
        await client.run(untilReceived, received + WRITES); // the server has no more to send
        packets.push(await server.run(packetsOf, joined, WRITES));
        await client.run(untilReceived, received + 2 * WRITES);
      }
      return packets;
    };
    for (const packets of await Promise.all(FAMILIES.map(alone))) {
      // A probe of a tail may be sent beside them.
      for (const each of packets.slice(0, 2)) expect(each).toBeGreaterThanOrEqual(WRITES);
      for (const each of packets.slice(2)) expect(each).toBeLessThan(WRITES - 1);
    }
  });
});
