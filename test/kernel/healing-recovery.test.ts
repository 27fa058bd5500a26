/** heal() reopens all paths when they work again. */
import { describeKernel } from '../lab/jest';
import type { Path } from '../lab/path';
import { FAMILIES, type Family } from '../lab/path-end';
import { type Hosts, twoPaths } from '../lab/topologies';
import { connectFlow, endFlow, receiveMore, serveFlows, untilPaths } from './peers/flows';
import { Peer } from './peers/peer';
import { manage, type Named } from './peers/managed-peer';

const MEGABYTE = 1 << 20;
const RATE = { rate: '20mbit' };

describeKernel('healing', { needs: ['tc', 'nft'] }, () => {
  let lab: Hosts<readonly [Path, Path]>;
  let server: Peer;
  let client: Peer;

  const addresses = (): string[] => lab.paths.map((path) => path.client.address);

  async function setUp(family: Family, policy: Named[0]): Promise<void> {
    lab = await twoPaths({ family, join: 'none', paths: [RATE, RATE] });
    [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    await manage(client, [[policy], ['heal']]);
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

  describe.each(
    FAMILIES.flatMap((family) => [
      [family, 'perInterface'] as const,
      [family, 'fullmesh'] as const,
    ]),
  )('IPv%i, with %s: reopens all paths', (family, policy) => {
    test.each([
      ['a link', 1000, (path: Path) => path.cut({ link: true }), 'its link is down'],
      ['an address', 1000, (path: Path) => path.client.removeAddress(), 'its address is gone'],
      ['a blackhole', 5000, (path: Path) => path.cut({ silent: true }), 'nothing comes back'],
    ] as const)('after %s that returns, within %d ms', async (what, most, fail, reason) => {
      await setUp(family, policy);
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
});
