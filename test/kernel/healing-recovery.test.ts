/** Paths that come back, and paths that are slow and must not be taken for dark. */
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

describeKernel('healing', { needs: ['tc', 'nft', 'tun', 'g++'] }, () => {
  let lab: Hosts<readonly [Path, Path]>;
  let server: Peer;
  let client: Peer;

  const addresses = (): string[] => lab.paths.map((path) => path.client.address);

  async function setUp(paths: readonly [PathOptions, PathOptions], family: 4 | 6): Promise<void> {
    lab = await twoPaths({ family, join: 'none', paths });
    [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    await manage(client, [['fullmesh'], ['heal']]);
    await client.run(({ state }) => {
      state.messages = [];
      for (const name of ['dark', 'alive'] as const) {
        state.managed.on(name, ({ reason }) => state.messages.push(`${name}: ${reason}`));
      }
    });
  }
  afterEach(() => lab.dispose());

  async function send(): Promise<void> {
    const port = await serveFlows(server, 'receive');
    await connectFlow(client, 'send', lab.paths[0].server.address, port);
    await untilPaths(client, addresses());
    await receiveMore(server, MEGABYTE);
  }

  const messages = (): Promise<unknown[]> => client.run(({ state }) => state.messages);
  const destroyed = (): Promise<string[]> =>
    client.run(({ state }) =>
      state.actions.filter(({ type }) => type !== 'createSubflow').map(({ reason }) => reason),
    );

  describe.each(FAMILIES)('IPv%i: the full set is there again', (family) => {
    test.each([
      ['a link', 1000, (path: Path) => path.cut({ link: true }), 'its link is down'],
      ['an address', 1000, (path: Path) => path.client.removeAddress(), 'its address is gone'],
      ['a blackhole', 5000, (path: Path) => path.cut({ silent: true }), 'nothing comes back'],
    ] as const)('after %s that returns, within %d ms', async (what, most, fail, reason) => {
      await setUp([RATE, RATE], family);
      await send();
      const [first] = lab.paths;
      fail(first);
      await untilPaths(client, addresses().slice(1));
      await receiveMore(server, MEGABYTE);
      if (what === 'an address') first.client.addAddress();
      else await first.restore();
      const back = performance.now();
      await untilPaths(client, addresses());
      expect(performance.now() - back).toBeLessThan(most);
      await client.run(({ state, until }) => until(() => state.messages.length === 2));
      expect(await messages()).toEqual([`dark: ${reason}`, `alive: ${reason}`]);
      await endFlow(client, server);
    });
  });

  describe('what is merely slow stays in use', () => {
    const stays = async (): Promise<void> => {
      expect(await destroyed()).toEqual([]);
      expect(await messages()).toEqual([]);
      await untilPaths(client, addresses());
    };

    test('a second of bufferbloat', async () => {
      await setUp(
        [
          { ...RATE, delay: 10 },
          { ...RATE, delay: 10 },
        ],
        4,
      );
      await send();
      const { router } = lab.paths[0];
      for (let delay = 40; delay <= 500; delay += 20) {
        await router!.setDelay(delay);
        await receiveMore(server, MEGABYTE / 8);
      }
      await client.run(({ state, until }) =>
        until(() => {
          const subflows = state.flows[0]!.connection.subflows();
          return subflows.some(({ tcpInfo }) => tcpInfo.rtt > 700_000);
        }, 30_000),
      );
      await stays();
      await endFlow(client, server);
    });

    test('2 % of loss', async () => {
      await setUp(
        [
          { ...RATE, delay: 10 },
          { ...RATE, delay: 10 },
        ],
        6,
      );
      for (const path of lab.paths) path.insert(loss(2));
      await send();
      await receiveMore(server, 6 * MEGABYTE);
      await stays();
      await endFlow(client, server);
    });

    test('a peer that does not read, and an idle connection', async () => {
      await setUp([RATE, RATE], 4);
      await send();
      await server.run(({ state }) => void state.flows[0]!.socket.pause());
      const looks = (count: number): Promise<void> =>
        client.run(async ({ state, once }, most) => {
          for (let i = 0; i < most;) {
            const [{ event }] = (await once(state.managed, 'event')) as [
              { event: { type: string } },
            ];
            if (event.type === 'progress') i++;
          }
        }, count);
      await looks(30);
      await stays();
      await server.run(({ state }) => void state.flows[0]!.socket.resume());
      await receiveMore(server, MEGABYTE);
      await client.run(({ state }) => void state.flows[0]!.sent!.pause());
      await looks(10);
      await stays();
      await client.run(({ state }) => void state.flows[0]!.sent!.resume());
      await endFlow(client, server);
    });
  });
});
