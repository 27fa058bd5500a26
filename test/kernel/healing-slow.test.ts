/** Paths that are slow, lossy or unused, and must not be taken for dark. */
import { describeKernel } from '../lab/jest';
import { loss } from '../lab/middleboxes';
import type { Path } from '../lab/path';
import { FAMILIES } from '../lab/path-end';
import { type Hosts, type PathOptions, twoPaths } from '../lab/topologies';
import { connectFlow, endFlow, receiveMore, serveFlows, untilPaths } from './peers/flows';
import { Peer } from './peers/peer';
import { manage } from './peers/policies';

const MEGABYTE = 1 << 20;
const RATE = { rate: '20mbit' };
const SECOND = 20e6 / 8; // bytes
const FLOWS = FAMILIES.map((_family, flow) => flow);

describeKernel('what is merely slow stays in use', { needs: ['tc', 'nft', 'tun', 'g++'] }, () => {
  let lab: Hosts<readonly [Path, Path]>;
  let server: Peer;
  let client: Peer;
  let port: number;

  async function setUp(paths: readonly [PathOptions, PathOptions]): Promise<void> {
    lab = await twoPaths({ join: 'none', paths });
    [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    await manage(client, [['fullmesh'], ['heal']]);
    await client.run(({ state }) => {
      state.messages = [];
      state.managed.on('dark', (path) => state.messages.push(path));
    });
  }
  afterEach(() => lab.dispose());

  const all = <T>(work: (flow: number) => Promise<T>): Promise<T[]> => Promise.all(FLOWS.map(work));
  const untilAllPaths = (): Promise<unknown> =>
    all((flow) =>
      untilPaths(
        client,
        lab.paths.map((path) => path.client.addresses[FAMILIES[flow]!]),
        flow,
      ),
    );

  /** A connection of each family. */
  async function send(): Promise<void> {
    port = await serveFlows(server, 'receive');
    for (const family of FAMILIES) {
      await connectFlow(client, 'send', lab.paths[0].server.addresses[family], port);
    }
    await untilAllPaths();
    await all((flow) => receiveMore(server, MEGABYTE / 2, flow));
  }

  async function stays(): Promise<void> {
    const { actions, dark } = await client.run(({ state }) => ({
      actions: state.actions.map(({ type }) => type),
      dark: state.messages,
    }));
    expect(actions).toEqual(FLOWS.map(() => 'createSubflow'));
    expect(dark).toEqual([]);
    await untilAllPaths();
  }
  const end = (): Promise<unknown> => all((flow) => endFlow(client, server, flow));

  test('a second of bufferbloat', async () => {
    await setUp([{ router: true }, RATE]);
    // Congestion control that fills whatever queue there is, which bbr would not.
    for (const host of [lab.client, lab.server]) {
      host.sysctl('net.ipv4.tcp_congestion_control', 'reno');
    }
    lab.paths[0].router!.limitRate(RATE.rate, 1.2 * SECOND);
    await send();
    await client.run(
      async ({ plain, flow, once }, host, to) => {
        for (let i = 0; i < 2; i++) {
          const socket = plain.net.connect(to, host);
          flow(socket, 'send');
          await once(socket, 'connect');
        }
      },
      lab.paths[0].server.address,
      port,
    );
    await all((each) =>
      client.run(
        ({ state, until }, flow, local) =>
          until(() => {
            const subflows = state.flows[flow]!.connection.subflows();
            const slow = subflows.find((subflow) => subflow.local.address === local);
            return slow!.tcpInfo.rtt > 1e6;
          }, 40_000),
        each,
        lab.paths[0].client.addresses[FAMILIES[each]!],
      ),
    );
    await all((flow) => receiveMore(server, 2 * MEGABYTE, flow));
    await stays();
    await client.run(({ state }) => {
      for (const { socket } of state.flows.slice(2)) socket.destroy();
    });
    await end();
  });

  test('2 % of loss', async () => {
    const path = { ...RATE, delay: 10 };
    await setUp([path, path]);
    for (const each of lab.paths) each.insert(loss(2));
    await send();
    await all((flow) => receiveMore(server, 3 * MEGABYTE, flow));
    await stays();
    await end();
  });

  test('a peer that does not read, and an idle connection', async () => {
    await setUp([RATE, RATE]);
    await send();
    await server.run(({ state }) => {
      for (const { socket } of state.flows) socket.pause();
    });
    const looks = (count: number): Promise<void> =>
      client.run(async ({ state, once }, most) => {
        for (let i = 0; i < most;) {
          const [{ event }] = (await once(state.managed, 'event')) as [{ event: { type: string } }];
          if (event.type === 'progress') i++;
        }
      }, count);
    await looks(60);
    await stays();
    await server.run(({ state }) => {
      for (const { socket } of state.flows) socket.resume();
    });
    await all((flow) => receiveMore(server, MEGABYTE, flow));
    await client.run(({ state }) => {
      for (const { sent } of state.flows) sent!.pause();
    });
    await looks(20);
    await stays();
    await client.run(({ state }) => {
      for (const { sent } of state.flows) sent!.resume();
    });
    await end();
  });
});
