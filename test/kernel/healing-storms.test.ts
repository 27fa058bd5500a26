/** Many failures or connections at once: no data are lost, and the kernel counts no storm of subflows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeKernel } from '../lab/jest';
import type { Path } from '../lab/path';
import { FAMILIES } from '../lab/path-end';
import { type Hosts, twoPaths } from '../lab/topologies';
import { connectFlow, endFlow, receiveMore, serveFlows, untilPaths } from './peers/flows';
import { Peer } from './peers/peer';
import { manage } from './peers/managed-peer';

const MEGABYTE = 1 << 20;
const RATE = { rate: '10mbit' };

describeKernel('healing under stress', { needs: ['tc', 'nft'] }, () => {
  let lab: Hosts<readonly [Path, Path]>;
  let server: Peer;
  let client: Peer;
  let start: number;

  /** The client's addresses. A connection of each family runs: links and routers fail for both. */
  const addresses = (): string[][] =>
    FAMILIES.map((family) => lab.paths.map((path) => path.client.addresses[family]));
  const joins = (): number => lab.client.counters().MPTcpExtMPJoinSynTx ?? 0;

  async function setUp(rate = RATE): Promise<void> {
    lab = await twoPaths({ join: 'none', paths: [rate, rate] });
    [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    await manage(client, [['fullmesh'], ['heal']]);
  }
  afterEach(() => lab.dispose());

  async function send(): Promise<void> {
    start = performance.now();
    const port = await serveFlows(server, 'receive');
    for (const family of FAMILIES) {
      await connectFlow(client, 'send', lab.paths[0].server.addresses[family], port);
    }
    await untilAllPaths();
  }

  const untilAllPaths = (): Promise<unknown> =>
    Promise.all(addresses().map((each, flow) => untilPaths(client, each, flow)));
  /** Waits until no subflow is being opened, replacements of paths that work again included. */
  const untilNothingOpens = (): Promise<void> =>
    client.run(({ state, until }) =>
      until(
        () =>
          [...state.managed.view.connections.values()].every(({ opening }) => opening.length === 0),
        30_000,
      ),
    );
  const receive = (bytes: number): Promise<unknown> =>
    Promise.all(FAMILIES.map((_family, flow) => receiveMore(server, bytes, flow)));
  async function end(): Promise<void> {
    await Promise.all(FAMILIES.map((_family, flow) => endFlow(client, server, flow)));
    await untilForgotten();
  }
  const untilForgotten = (): Promise<void> =>
    client.run(({ state, until }) =>
      until(() => state.managed.view.connections.size === 0, 30_000),
    );

  /**
   * The engine admits 16 subflows of a connection at once, then 2 a second; and the kernel counts a
   * requested subflow once, however often its SYN is retransmitted.
   */
  async function expectNoStorm(): Promise<void> {
    const sent = joins();
    const requested = await client.run(({ state }) =>
      state.actions.filter(({ type }) => type === 'createSubflow').map(({ token }) => token),
    );
    const most = 16 + (2 * (performance.now() - start)) / 1000;
    expect(sent).toBeLessThanOrEqual(requested.length);
    for (const token of new Set(requested)) {
      expect(requested.filter((each) => each === token).length).toBeLessThanOrEqual(most);
    }
  }

  test('a path that flaps every 300 ms for a minute, and the log of it', async () => {
    await setUp();
    await client.run(async ({ mptcp, state }) => {
      await state.managed.close();
      state.messages = [];
      const { all, fullmesh, heal } = mptcp.policies;
      state.policy = all(fullmesh(), heal());
      state.managed = state.pathManager
        .manage(state.policy)
        .on('action', (action) => state.actions.push(action));
      await state.managed.record((line) => state.messages.push(line)).ready;
    });
    await send();
    const [, second] = lab.paths;
    const until = performance.now() + 60_000;
    while (performance.now() < until) {
      second.cut({ link: true });
      await sleep(300);
      await second.restore();
      await sleep(300);
    }
    await expectNoStorm();
    await untilAllPaths();
    await receive(MEGABYTE);
    await end();

    const replayed = await client.run(({ mptcp, state }) => {
      const log = mptcp.parseLog(state.messages.join(''));
      const again = mptcp.replay(state.policy, log);
      return [log.entries.length, again.length, mptcp.differences(log, again)] as const;
    });
    expect(replayed[0]).toBeGreaterThan(500);
    expect(replayed).toEqual([replayed[0], replayed[0], []]);
  }, 120_000);

  test('all paths that fail, and return within the time-out', async () => {
    await setUp();
    await send();
    await receive(MEGABYTE / 2);
    for (const path of lab.paths) path.cut({ silent: true });
    await sleep(3000);
    for (const path of lab.paths) await path.restore();
    await receive(MEGABYTE);
    await untilNothingOpens();
    await untilAllPaths();
    await end();
    await expectNoStorm();
  });

  test('a policy that throws', async () => {
    await setUp();
    await client.run(async ({ mptcp, state }) => {
      await state.managed.close();
      const { all, fullmesh, heal } = mptcp.policies;
      const policy = all(fullmesh(), heal());
      let calls = 0; // without the established events, which come only once
      state.managed = state.pathManager
        .manage({
          ...policy,
          decide(view, event) {
            if (event.type !== 'established' && ++calls % 3 === 0)
              throw new Error('every third time');
            return policy.decide(view, event);
          },
        })
        .on('action', (action) => state.actions.push(action));
      await state.managed.ready;
    });
    await send();
    for (let i = 0; i < 3; i++) {
      lab.paths[1].cut({ link: true });
      await receive(MEGABYTE / 8);
      await lab.paths[1].restore();
      await untilAllPaths();
    }
    await receive(MEGABYTE / 8);
    await end();
    await expectNoStorm();
    const warnings = await client.run(({ warnings: emitted }) => emitted);
    expect(warnings).toMatchObject([{ code: 'MPTCP_POLICY' }]);
  });

  test.each(FAMILIES)('200 connections at once, IPv%i', async (family) => {
    const COUNT = 200;
    await setUp({ rate: '100mbit' });
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
      lab.paths[0].server.addresses[family],
      port,
    );
    /** Waits until every connection has exactly one path from each address. */
    const untilAll = (paths: number): Promise<void> =>
      client.run(
        ({ state, until }, count, expected) =>
          until(() => {
            const all = Array.from(state.managed.view.connections.values());
            return (
              all.length === count &&
              all.every(
                ({ paths: open, opening }) =>
                  opening.length === 0 &&
                  open
                    .map(({ local }) => local.address)
                    .sort()
                    .join() === expected,
              )
            );
          }, 30_000),
        COUNT,
        lab.paths
          .slice(0, paths)
          .map((path) => path.client.addresses[family])
          .sort()
          .join(),
      );
    await untilAll(2);
    expect(joins()).toBe(COUNT); // each subflow once: none was abandoned and requested again
    lab.paths[1].cut({ link: true });
    await untilAll(1);
    await lab.paths[1].restore();
    await untilAll(2);
    // As the kernel counts them: those of the path that was cut have yet to close.
    await client.run(
      ({ state, until }, remotePort, count) =>
        until(async () => {
          const counts: (number | undefined)[] = [];
          for await (const each of state.pathManager.connections({ remotePort })) {
            counts.push(each.subflows?.length);
          }
          return counts.length === count && counts.every((subflows) => subflows === 2);
        }, 30_000),
      port,
      COUNT,
    );
    await client.run(async ({ state, until }, bytes) => {
      await until(() => state.received === bytes, 30_000);
      for (const socket of state.sockets) socket.destroy();
    }, COUNT * 1000);
    await untilForgotten();
    const refusals = await client.run(({ state }) => state.refusals);
    expect(joins()).toBe(2 * COUNT); // each once more
    expect(refusals).toEqual([]);
  });
});
