/** Policies under the in-kernel path manager: their endpoints, and reports of dark paths. */
import type { ManageOptions } from '../../lib';
import { describeKernel } from '../lab/jest';
import type { Path } from '../lab/path';
import { type Hosts, twoPaths } from '../lab/topologies';
import { connectFlow, endFlow, receiveMore, serveFlows, untilPaths } from './peers/flows';
import { Peer } from './peers/peer';
import { manage } from './peers/managed-peer';

const MEGABYTE = 1 << 20;
const RATE = { rate: '20mbit' };

describeKernel('a policy under the in-kernel path manager', { needs: ['tc', 'nft'] }, () => {
  let lab: Hosts<readonly [Path, Path]>;
  let server: Peer;
  let client: Peer;

  const addresses = (): string[] => lab.paths.map((path) => path.client.address);

  async function setUp(options: Omit<ManageOptions, 'match' | 'signal'>): Promise<void> {
    lab = await twoPaths({ join: 'none', paths: [RATE, RATE] });
    [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    await manage(client, [['fullmesh'], ['heal']], options);
    await client.run(({ state }) => {
      state.messages = [];
      for (const name of ['dark', 'alive'] as const) {
        state.managed.on(name, ({ interface: on }) => state.messages.push(`${name} ${on}`));
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

  const reports = (count: number): Promise<unknown[]> =>
    client.run(async ({ state, until }, most) => {
      await until(() => state.messages.length >= most, 30_000);
      return state.messages;
    }, count);
  const endpoints = (): Promise<unknown[]> =>
    client.run(async ({ state }) =>
      (await state.pathManager.endpoints.list())
        .filter(({ interface: name }) => name === 'eth2')
        .map(({ address, backup, fullmesh }) => ({ address, backup, fullmesh })),
    );
  const untilEndpoint = (flag: 'gone' | 'backup' | 'there'): Promise<void> =>
    client.run(
      async ({ state }, [address, expected]) => {
        for (;;) {
          const all = await state.pathManager.endpoints.list();
          const found = all.find((each) => each.address === address);
          if (expected === 'gone' && !found) return;
          if (expected === 'backup' && found?.backup) return;
          if (expected === 'there' && found && !found.backup) return;
        }
      },
      [addresses()[1]!, flag] as const,
    );

  test('keeps its endpoints until it is closed', async () => {
    await setUp({ by: 'endpoints' });
    await send();
    const [, address] = addresses();
    expect(await endpoints()).toContainEqual({ address, backup: false, fullmesh: true });
    expect(await client.run(({ state }) => state.actions)).toEqual([]);
    await client.run(({ state }) => {
      state.managed.leaving('eth2');
    });
    await untilPaths(client, addresses().slice(0, 1));
    await client.run(({ state }) => {
      state.managed.staying('eth2');
    });
    await untilPaths(client, addresses());
    await endFlow(client, server);
    await client.run(({ state }) => state.managed.close());
    expect(await endpoints()).toEqual([]);
    expect(await client.run(({ state }) => state.pathManager.mode.get())).toMatchObject({
      mode: 'kernel',
    });
  });

  test('reports a dark path, and changes nothing unless requested', async () => {
    await setUp({ by: 'report' });
    lab.paths[1].client.addEndpoint('subflow');
    await send();
    lab.paths[1].cut({ silent: true });
    expect(await reports(1)).toEqual(['dark eth2']);
    await lab.paths[1].restore();
    await receiveMore(server, MEGABYTE);
    expect(await reports(2)).toEqual(['dark eth2', 'alive eth2']);
    expect(await endpoints()).toMatchObject([{ backup: false }]);
    await endFlow(client, server);
  });

  test.each(['backup', 'renew'] as const)(
    'changes the endpoint of a dark path on request: %s',
    async (healing) => {
      await setUp({ by: 'endpoints', healing });
      await send();
      lab.paths[1].cut({ silent: true });
      await untilEndpoint(healing === 'backup' ? 'backup' : 'gone');
      expect((await reports(1))[0]).toBe('dark eth2');
      await lab.paths[1].restore();
      await untilEndpoint('there');
      await untilPaths(client, addresses());
      expect((await reports(2)).slice(0, 2)).toEqual(['dark eth2', 'alive eth2']);
      await endFlow(client, server);
    },
  );
});
