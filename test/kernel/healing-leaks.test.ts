/** Storms of connections leak no descriptor, no kernel socket and no memory. */
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { until } from '../lab/until';
import { Peer } from './peers/peer';

const STORMS = 6;
/** The storms after which one-time allocations are made and V8 has compiled the code. */
const FIRST = 2;
const COUNT = 60; // connections of each storm
const MOST_HEAP = 0.7e6; // bytes: 3 kB for each connection after the first storms
const DEADLINE = 90_000; // ms: the kernel gives a silent peer 60 s

describeKernel('storms', { needs: ['tc'] }, () => {
  test('leave no descriptor, no socket and no growth behind', async () => {
    const path = { rate: '100mbit' };
    await using lab = await twoPaths({ join: 'none', paths: [path, path] });
    const server = await Peer.start(lab.server);
    const client = await Peer.start(lab.client, { execArgv: ['--expose-gc'] });
    const [first, second] = lab.paths;
    const port = await server.run(({ net, listen }) =>
      listen(net.createServer((socket) => void socket.on('error', () => undefined).pipe(socket))),
    );
    await client.run(async ({ mptcp, state }) => {
      const { all, fullmesh, heal } = mptcp.policies;
      const policy = all(fullmesh(), heal());
      let calls = 0;
      state.received = 0; // how often the policy threw
      state.pathManager = await mptcp.PathManager.open();
      await state.pathManager.mode.set('userspace');
      state.managed = state.pathManager
        .manage({
          ...policy,
          decide(view, event) {
            // An established event comes only once, and the policy acts on it only then.
            if (event.type !== 'established' && ++calls % 3 === 0) throw new Error('as intended');
            return policy.decide(view, event);
          },
        })
        .on('error', () => state.received++);
      await state.managed.ready;
    });

    const connect = (): Promise<void> =>
      client.run(
        async ({ net, state, until: untilTrue }, count, hosts, to) => {
          let received = 0;
          state.sockets = Array.from({ length: count }, (_, i) => {
            const socket = net.connect(to, hosts[i % hosts.length]);
            socket.on('error', () => undefined).on('data', ({ length }) => (received += length));
            socket.write(Buffer.alloc(1000));
            return socket;
          });
          await untilTrue(() => received === count * 1000, 30_000);
        },
        COUNT,
        FAMILIES.map((family) => first.server.addresses[family]),
        port,
      );
    const untilPaths = (paths: number): Promise<void> =>
      client.run(
        ({ state, until: untilTrue }, count, each) =>
          untilTrue(() => {
            const all = Array.from(state.managed.view.connections.values());
            return (
              all.length === count &&
              all.every(({ paths: open, opening }) => open.length === each && opening.length === 0)
            );
          }, 30_000),
        COUNT,
        paths,
      );
    const end = (): Promise<void> =>
      client.run(async ({ state, until: untilTrue }) => {
        const endings = ['end', 'destroy', 'resetAndDestroy'] as const;
        state.sockets.forEach((socket, i) => socket[endings[i % 3]!]());
        await untilTrue(() => state.sockets.every(({ closed }) => closed), 30_000);
        state.sockets = [];
        await untilTrue(() => state.managed.view.connections.size === 0, 30_000);
      });
    /** The sockets of MPTCP, and those of TCP, which subflows are too. */
    const sockets = (): number =>
      lab.client
        .exec('cat', ['/proc/net/protocols'])
        .split('\n')
        .map((row) => row.split(/\s+/))
        .filter(([name = '']) => /^(MP)?TCP/.test(name))
        .reduce((sum, [, , count]) => sum + Number(count), 0);
    const descriptors = (): Promise<number> => client.run((inside) => inside.descriptors());
    const heapUsed = (): Promise<number> =>
      client.run(async () => {
        for (let i = 0; i < 5; i++) {
          globalThis.gc!();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        return process.memoryUsage().heapUsed;
      });

    const before = { sockets: sockets(), descriptors: await descriptors() };
    const heaps: number[] = [];
    for (let storm = 0; storm < STORMS; storm++) {
      await connect();
      await untilPaths(2);
      for (let flap = 0; flap < 3; flap++) {
        second.cut({ link: true });
        await second.restore();
      }
      for (const each of lab.paths) each.cut({ link: true });
      for (const each of lab.paths) await each.restore();
      await untilPaths(2);
      await end();
      await until('no socket is left', () => sockets() === before.sockets, DEADLINE);
      await until(
        'no descriptor is left',
        async () => (await descriptors()) === before.descriptors,
        DEADLINE,
      );
      heaps.push(await heapUsed());
    }
    expect(heaps.at(-1)! - heaps[FIRST - 1]!).toBeLessThan(MOST_HEAP);
    expect(await client.run(({ state }) => state.received)).toBeGreaterThan(STORMS);
  }, 240_000);
});
