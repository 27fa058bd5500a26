/** Trouble in numbers: nothing lost, and no storm of subflows, as the kernel counts them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeKernel } from '../lab/jest';
import type { Path } from '../lab/path';
import { type Hosts, twoPaths } from '../lab/topologies';
import { connectFlow, endFlow, receiveMore, serveFlows, untilPaths } from './peers/flows';
import { Peer } from './peers/peer';
import { manage } from './peers/policies';

const MEGABYTE = 1 << 20;
const RATE = { rate: '10mbit' };
/** What the engine lets a connection ask for: 16 subflows at once, then 2 a second. */
const most = (seconds: number): number => 16 + 2 * seconds;

describeKernel('healing under stress', { needs: ['tc', 'nft'] }, () => {
  let lab: Hosts<readonly [Path, Path]>;
  let server: Peer;
  let client: Peer;

  const addresses = (): string[] => lab.paths.map((path) => path.client.address);
  const joins = (): number => lab.client.counters().MPTcpExtMPJoinSynTx ?? 0;

  async function setUp(family: 4 | 6, rate = RATE): Promise<void> {
    lab = await twoPaths({ family, join: 'none', paths: [rate, rate] });
    [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    await manage(client, [['fullmesh'], ['heal']]);
  }
  afterEach(() => lab.dispose());

  async function send(): Promise<void> {
    const port = await serveFlows(server, 'receive');
    await connectFlow(client, 'send', lab.paths[0].server.address, port);
    await untilPaths(client, addresses());
  }

  test('a path that flaps every 300 ms for a minute, and what is recorded of it', async () => {
    await setUp(6);
    await client.run(async ({ mptcp, state }) => {
      await state.managed.close();
      state.messages = [];
      const { all, fullmesh, heal } = mptcp.policies;
      state.policy = all(fullmesh(), heal());
      state.managed = state.pathManager.manage(state.policy);
      await state.managed.record((line) => state.messages.push(line)).ready;
    });
    await send();
    const before = joins();
    const [, second] = lab.paths;
    const start = performance.now();
    while (performance.now() - start < 60_000) {
      second.cut({ link: true });
      await sleep(300);
      await second.restore();
      await sleep(300);
    }
    const seconds = (performance.now() - start) / 1000;
    expect(joins() - before).toBeLessThanOrEqual(2 * most(seconds)); // the kernel may send one twice
    await untilPaths(client, addresses());
    await receiveMore(server, MEGABYTE);
    await endFlow(client, server);

    const replayed = await client.run(({ mptcp, state }) => {
      const log = mptcp.parseLog(state.messages.join(''));
      const again = mptcp.replay(state.policy, log);
      return [log.entries.length, again.length, mptcp.differences(log, again)] as const;
    });
    expect(replayed[0]).toBeGreaterThan(500);
    expect(replayed).toEqual([replayed[0], replayed[0], []]);
  }, 120_000);

  test('all paths lost, and back within the time-out', async () => {
    await setUp(4);
    await send();
    await receiveMore(server, MEGABYTE / 2);
    for (const path of lab.paths) path.cut({ silent: true });
    await sleep(3000);
    for (const path of lab.paths) await path.restore();
    await untilPaths(client, addresses());
    await receiveMore(server, MEGABYTE);
    await endFlow(client, server);
    expect(joins()).toBeLessThanOrEqual(2 * most(10));
  });

  test('200 connections at once', async () => {
    const COUNT = 200;
    await setUp(4, { rate: '100mbit' });
    const port = await server.run(({ net, listen }) =>
      listen(net.createServer((socket) => void socket.on('error', () => undefined).pipe(socket))),
    );
    await client.run(
      async ({ net, once, state }, count, host, to) => {
        state.sockets = Array.from({ length: count }, () => net.connect(to, host));
        for (const socket of state.sockets) {
          if (socket.connecting) await once(socket, 'connect');
          socket.on('data', (chunk) => (state.received += chunk.length));
        }
        state.received = 0;
        for (const socket of state.sockets) socket.write(Buffer.alloc(1000));
      },
      COUNT,
      lab.paths[0].server.address,
      port,
    );
    const untilAll = (paths: number): Promise<void> =>
      client.run(
        ({ state, until }, count, each) =>
          until(() => {
            const all = Array.from(state.managed.view.connections.values());
            return (
              all.length === count &&
              all.every(
                ({ paths: open }) =>
                  new Set(open.filter((one) => !one.closing).map(({ local }) => local.address))
                    .size === each,
              )
            );
          }, 30_000),
        COUNT,
        paths,
      );
    await untilAll(2);
    expect(joins()).toBeLessThanOrEqual(2 * COUNT);
    lab.paths[1].cut({ link: true });
    await untilAll(1);
    await lab.paths[1].restore();
    await untilAll(2);
    await client.run(async ({ state, until }, bytes) => {
      await until(() => state.received === bytes);
      for (const socket of state.sockets) socket.destroy();
      // Nothing stays behind.
      await until(() => state.managed.view.connections.size === 0, 30_000);
    }, COUNT * 1000);
    expect(joins()).toBeLessThanOrEqual(4 * COUNT);
    // What was to be given up may be connected by then.
    const refusals = await client.run(({ state }) => state.refusals);
    expect(refusals.filter((each) => !each.startsWith('abandonSubflow'))).toEqual([]);
  });
});
