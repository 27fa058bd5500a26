/** Paths that are slow, lossy or unused must not count as dark. */
import { createHash } from 'node:crypto';
import { describeKernel } from '../lab/jest';
import { loseNext, loss } from '../lab/middleboxes';
import type { Path } from '../lab/path';
import { FAMILIES, type Family } from '../lab/path-end';
import { type Hosts, type PathOptions, twoPaths } from '../lab/topologies';
import { connectFlow, drained, endFlow, receiveMore, serveFlows, untilPaths } from './peers/flows';
import { Peer } from './peers/peer';
import { manage } from './peers/managed-peer';

const MEGABYTE = 1 << 20;
const RATE = { rate: '20mbit' };
const SECOND = 20e6 / 8; // bytes

describeKernel(
  'a path that is merely slow stays in use',
  { needs: ['tc', 'nft', 'tun', 'g++'] },
  () => {
    let lab: Hosts<readonly [Path, Path]>;
    let server: Peer;
    let client: Peer;
    let port: number;
    let families: readonly Family[];

    /** Prepares two paths, for a connection of each requested family over both. */
    async function setUp(
      paths: readonly [PathOptions, PathOptions],
      requested: readonly Family[] = FAMILIES,
    ): Promise<void> {
      families = requested;
      lab = await twoPaths({ join: 'none', paths });
      [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      await manage(client, [['fullmesh'], ['heal']]);
      await client.run(({ state }) => {
        state.messages = [];
        state.managed.on('dark', (path) => state.messages.push(path));
      });
    }
    afterEach(() => lab.dispose());

    const all = <T>(work: (flow: number) => Promise<T>): Promise<T[]> =>
      Promise.all(families.map((_family, flow) => work(flow)));
    const untilAllPaths = (): Promise<unknown> =>
      all((flow) =>
        untilPaths(
          client,
          lab.paths.map((path) => path.client.addresses[families[flow]!]),
          flow,
        ),
      );

    async function send(): Promise<void> {
      port = await serveFlows(server, 'receive');
      for (const family of families) {
        await connectFlow(client, 'send', lab.paths[0].server.addresses[family], port);
      }
      await untilAllPaths();
      await all((flow) => receiveMore(server, MEGABYTE / 2, flow));
    }

    async function stays(connections = families.length): Promise<void> {
      const { created, others, dark } = await client.run(({ state }) => ({
        created: state.actions.filter(({ type }) => type === 'createSubflow').length,
        others: state.actions.filter(({ type }) => type !== 'createSubflow'),
        dark: state.messages,
      }));
      expect({ others, dark }).toEqual({ others: [], dark: [] }); // with their reasons
      expect(created).toBe(connections);
      await untilAllPaths();
    }
    const end = (): Promise<unknown> => all((flow) => endFlow(client, server, flow));

    test('with a second of bufferbloat, also for a flow that begins on it', async () => {
      await setUp([{ router: true }, RATE]);
      // This congestion control fills any queue; bbr would not.
      for (const host of [lab.client, lab.server]) {
        host.sysctl('net.ipv4.tcp_congestion_control', 'reno');
      }
      lab.paths[0].router!.limitRate(RATE.rate, 1.05 * SECOND);
      const hosts = FAMILIES.map((family) => lab.paths[0].server.addresses[family]);
      const quiet = await server.run(({ net, listen, receive, state }) => {
        state.messages = [];
        return listen(net.createServer((socket) => void state.messages.push(receive(socket))));
      });
      await client.run(
        async ({ net, once, state }, to, at) => {
          state.sockets = [];
          for (const host of to) {
            const socket = net.connect(at, host);
            await once(socket, 'connect');
            socket.write('x');
            state.sockets.push(socket);
          }
        },
        hosts,
        quiet,
      );
      await client.run(({ state, until }) =>
        until(() => {
          const connections = Array.from(state.managed.view.connections.values());
          return connections.length === 2 && connections.every(({ paths }) => paths.length === 2);
        }),
      );
      await send();
      // Further flows fill the queue: a flow that has lost a packet grows by a packet a second only.
      await client.run(
        async ({ plain, flow, state, until }, host, to, locals) => {
          const slow = new Set<string>();
          const coming = setInterval(() => flow(plain.net.connect(to, host), 'send'), 500);
          await until(() => {
            for (const { connection } of state.flows.slice(0, locals.length)) {
              for (const { local, tcpInfo } of connection.subflows()) {
                if (locals.includes(local.address) && tcpInfo.rtt > 1e6) slow.add(local.address);
              }
            }
            return slow.size === locals.length;
          }, 80_000);
          clearInterval(coming);
        },
        hosts[0]!,
        port,
        FAMILIES.map((family) => lab.paths[0].client.addresses[family]),
      );
      await client.run(({ state }, bytes) => {
        for (const socket of state.sockets) socket.end(Buffer.alloc(bytes));
      }, MEGABYTE);
      const received = await server.run(({ state }) => Promise.all(state.messages));
      const sha256 = createHash('sha256').update('x').update(Buffer.alloc(MEGABYTE)).digest('hex');
      expect(received).toEqual(families.map(() => ({ length: MEGABYTE + 1, sha256 })));
      await all((flow) => receiveMore(server, MEGABYTE, flow));
      await stays(2 * families.length);
      await client.run(({ state }) => {
        for (const { socket } of state.flows.slice(2)) socket.destroy(); // the others
      });
      await end();
    }, 120_000);

    test.each(FAMILIES)(
      'with a second of queue that first loses a packet, IPv%i',
      async (family) => {
        await setUp([{ delay: 1 }, RATE], [family]);
        const [{ client: end, server: peer, router }] = lab.paths;
        port = await serveFlows(server, 'receive');
        await connectFlow(client, 'receive', peer.addresses[family], port);
        const write = (): Promise<void> =>
          client.run(({ state }) => void state.flows[0]!.socket.write('x'));
        await write();
        await untilAllPaths();
        await drained(client, end.addresses[family]);
        await router!.setDelay(1050 / 2);
        lab.paths[0].insert(loseNext(1), 'toServer');
        await write();
        await drained(client, end.addresses[family]);
        const lost = await client.run(({ state }, local) => {
          const subflows = state.flows[0]!.connection.subflows();
          return subflows.find((each) => each.local.address === local)!.tcpInfo.totalRetrans;
        }, end.addresses[family]);
        expect(lost).toBeGreaterThanOrEqual(1);
        await stays();
      },
    );

    test('with 2 % of loss', async () => {
      const path = { ...RATE, delay: 10 };
      await setUp([path, path]);
      for (const each of lab.paths) each.insert(loss(2));
      await send();
      await all((flow) => receiveMore(server, 3 * MEGABYTE, flow));
      await stays();
      await end();
    });

    test.each(FAMILIES)(
      'a peer that does not read, and an idle connection, IPv%i',
      async (family) => {
        await setUp([RATE, RATE], [family]);
        await send();
        await server.run(({ state }) => {
          for (const flow of state.flows) flow.pause();
        });
        await client.run(({ state, until }) =>
          until(() =>
            state.flows[0]!.connection.subflows().some(({ tcpInfo }) => tcpInfo.sndWnd === 0),
          ),
        );
        const polls = (count: number): Promise<void> =>
          client.run(async ({ state, once }, most) => {
            for (let i = 0; i < most;) {
              const [{ event }] = (await once(state.managed, 'event')) as [
                { event: { type: string } },
              ];
              if (event.type === 'progress') i++;
            }
          }, count);
        await polls(12); // meanwhile the closed window is probed three times
        await stays();
        await server.run(({ state }) => {
          for (const flow of state.flows) flow.resume();
        });
        await all((flow) => receiveMore(server, MEGABYTE, flow));
        await client.run(({ state }) => {
          for (const flow of state.flows) flow.pause();
        });
        await client.run(({ state, until }) =>
          until(() =>
            state.flows[0]!.connection.subflows().every(({ tcpInfo }) => tcpInfo.unacked === 0),
          ),
        );
        await polls(10);
        await stays();
        await client.run(({ state }) => {
          for (const flow of state.flows) flow.resume();
        });
        await end();
      },
    );
  },
);
