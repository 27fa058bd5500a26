/** The package's policies on the kernel, checked by the paths that the bytes took. */
import { describeKernel } from '../lab/jest';
import type { Path } from '../lab/path';
import { FAMILIES, type Side } from '../lab/path-end';
import { type Hosts, twoPaths } from '../lab/topologies';
import { connectFlow, drained, endFlow, receiveMore, serveFlows, untilPaths } from './peers/flows';
import { Peer } from './peers/peer';
import { manage, type Named } from './peers/managed-peer';

const MEGABYTE = 1 << 20;
const RATE = { rate: '40mbit' };

describeKernel('policies', { needs: ['tc'] }, () => {
  describe.each(FAMILIES)('IPv%i', (family) => {
    let lab: Hosts<readonly [Path, Path]>;
    let server: Peer;
    let client: Peer;

    beforeEach(async () => {
      lab = await twoPaths({ family, join: 'none', paths: [RATE, RATE] });
      [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    });
    afterEach(() => lab.dispose());

    const addresses = (side: Side = 'client'): string[] =>
      lab.paths.map((path) => path[side].address);

    /** Connects a client whose policies these are, and lets it send. */
    async function sending(...policies: Named[]): Promise<void> {
      await manage(client, policies);
      const port = await serveFlows(server, 'receive');
      await connectFlow(client, 'send', addresses('server')[0]!, port);
    }

    /** The percentages of the client's next bytes that the two paths carry. */
    async function shares(bytes: number, flow = 0): Promise<[number, number]> {
      const sent = (): number[] => lab.paths.map((path) => path.client.traffic().sent);
      const before = sent();
      await receiveMore(server, bytes, flow);
      const [first, second] = sent().map((each, i) => each - before[i]!) as [number, number];
      return [first, second].map((each) => Math.round((100 * each) / (first + second))) as never;
    }

    const reasons = (): Promise<string[]> =>
      client.run(({ state }) => state.actions.map(({ type, reason }) => `${type}: ${reason}`));

    test('fullmesh: both paths carry', async () => {
      await sending(['fullmesh']);
      await untilPaths(client, addresses());
      await receiveMore(server, MEGABYTE);
      const [first, second] = await shares(3 * MEGABYTE);
      expect(first).toBeGreaterThan(25);
      expect(second).toBeGreaterThan(25);
      await endFlow(client, server);
    });

    test('ndiffports: several between the same addresses', async () => {
      await sending(['ndiffports', 3]);
      const [first] = addresses() as [string];
      await untilPaths(client, [first, first, first]);
      expect((await shares(MEGABYTE))[0]).toBeGreaterThan(95);
      await endFlow(client, server);
    });

    test('signalAll: the client joins at what the server announces', async () => {
      await manage(server, [['signalAll']]);
      const port = await serveFlows(server, 'receive');
      await connectFlow(client, 'send', addresses('server')[0]!, port);
      // A server that listens for both families announces the addresses of both.
      await client.run(
        ({ state, until }, expected) =>
          until(() => {
            const subflows = state.flows[0]!.connection.subflows();
            return expected.every((each) => subflows.some(({ remote }) => remote.address === each));
          }),
        addresses('server'),
      );
      await endFlow(client, server);
    });

    test('an announcement gets another id than the kernel has given a joined address', async () => {
      const third = family === 4 ? '10.9.0.3' : 'fd00:9::3';
      lab.server.ip('address', 'add', `${third}/${family === 4 ? 32 : 128}`, 'dev', 'lo');
      await server.run(async ({ mptcp, state }, address) => {
        const pm = (state.pathManager = await mptcp.PathManager.open());
        await pm.mode.set('userspace');
        state.refusals = [];
        const managed = pm.manage({
          name: 'announceWhenJoined',
          decide: (_view, event) =>
            event.type === 'subflowEstablished'
              ? [{ type: 'announce', token: event.token, address, reason: 'joined' }]
              : [],
        });
        managed.on('refused', (_action, { message }) => state.refusals.push(message));
        state.managed = managed;
        await managed.ready;
      }, third);
      lab.client.pathManager('userspace');
      const port = await serveFlows(server, 'receive');
      const [first, second] = addresses('server') as [string, string];
      await connectFlow(client, 'send', first, port);
      const announced = await client.run(async ({ once, state }, at) => {
        const { connection } = state.flows[0]!;
        const announcement = once(connection, 'announced');
        await connection.createSubflow({ remote: { address: at } });
        return (await announcement)[0];
      }, second);
      expect(announced).toMatchObject({ address: third, remoteId: 2 });
      const ids = await server.run(async ({ state }) => {
        const { token } = state.flows[0]!.connection;
        return (await state.pathManager.addresses.list(token!)).map(({ id, address }) => [
          id,
          address,
        ]);
      });
      expect(ids).toEqual([
        [1, second],
        [2, third],
      ]);
      expect(await server.run(({ state }) => state.refusals)).toEqual([]);
      await endFlow(client, server);
    });

    test('heal: the peer closes its end of a path whose link goes', async () => {
      await sending(['fullmesh'], ['heal']);
      await untilPaths(client, addresses());
      const atServer = (count: number): Promise<void> =>
        server.run(
          ({ state, until }, expected) =>
            until(() => {
              return state.flows[0]!.connection.subflows().length === expected;
            }, 5000),
          count,
        );
      await atServer(2);
      // The kernel sends the withdrawal once, which a full queue may drop.
      await client.run(({ state }) => state.flows[0]!.pause());
      for (const each of addresses()) await drained(client, each);
      lab.paths[1].cut({ link: true, side: 'client' });
      await atServer(1);
      await client.run(({ state }) => state.flows[0]!.resume());
      await receiveMore(server, MEGABYTE);
      await lab.paths[1].restore();
      await untilPaths(client, addresses());
      await atServer(2);
      await receiveMore(server, MEGABYTE);
      await endFlow(client, server);
    });

    test('backup: the standby path carries nothing until it is needed', async () => {
      await sending(['backup', { standby: 'eth2' }]);
      await untilPaths(client, addresses());
      await receiveMore(server, MEGABYTE / 2);
      expect((await shares(2 * MEGABYTE))[1]).toBeLessThan(5);
      lab.paths[0].cut({ silent: true });
      await receiveMore(server, MEGABYTE);
      expect((await shares(MEGABYTE))[1]).toBeGreaterThan(90);
      await endFlow(client, server);
    });

    test('perInterface: no path on an interface with the limit 0', async () => {
      await sending(['perInterface', { match: 'eth2', limit: 0 }], ['fullmesh'], ['ndiffports', 2]);
      const [first] = addresses() as [string];
      await untilPaths(client, [first, first]);
      expect((await shares(MEGABYTE))[1]).toBeLessThan(5);
      await endFlow(client, server);
    });

    test('dataCap: a metered path becomes a backup beyond the cap', async () => {
      await sending(['fullmesh'], ['dataCap', { interface: 'eth2', bytes: MEGABYTE }]);
      await untilPaths(client, addresses());
      await client.run(({ state, until }) =>
        until(() => state.actions.some(({ type }) => type === 'setBackup'), 30_000),
      );
      expect(await reasons()).toEqual(['createSubflow: fullmesh', 'setBackup: dataCap']);
      await drained(client, addresses()[1]!);
      expect((await shares(2 * MEGABYTE))[1]).toBeLessThan(10);
      await endFlow(client, server);
    });

    test('dataCap and interactive: the path in use is another one beyond the cap', async () => {
      await sending(['interactive', {}], ['dataCap', { interface: 'eth1', bytes: MEGABYTE }]);
      await untilPaths(client, addresses());
      await client.run(
        ({ state, until }, cap) =>
          until(() => {
            const { connections, usage } = state.managed.view;
            const paths = Array.from(connections.values()).flatMap((each) => each.paths);
            const inUse = paths.filter(({ backup }) => !backup);
            return usage.get('eth1')! >= cap && inUse.every((each) => each.interface === 'eth2');
          }, 30_000),
        MEGABYTE,
      );
      await drained(client, addresses()[0]!);
      expect((await shares(2 * MEGABYTE))[0]).toBeLessThan(10);
      await endFlow(client, server);
    });

    test('one of two connections moves to the other path, the other stays', async () => {
      await sending(['fullmesh']);
      const port = await client.run(({ state }) => state.flows[0]!.socket.remotePort!);
      await connectFlow(client, 'send', addresses('server')[0]!, port);
      for (const flow of [0, 1]) await untilPaths(client, addresses(), flow);
      const sent = (flow: number) =>
        client.run(
          ({ state }, number) =>
            state.flows[number]!.connection.subflows()
              .sort((one, other) => (one.local.address < other.local.address ? -1 : 1))
              .map(({ tcpInfo }) => tcpInfo.bytesAcked!),
          flow,
        );
      await client.run(async ({ state }) => {
        const { connection } = state.flows[1]!;
        const moved = connection.subflows().find(({ interface: name }) => name === 'eth1')!;
        await state.pathManager.setBackup(connection.token!, moved, true);
      });
      await drained(client, addresses()[0]!, 1);
      const before = [await sent(0), await sent(1)];
      await Promise.all([0, 1].map((flow) => receiveMore(server, 2 * MEGABYTE, flow)));
      const after = [await sent(0), await sent(1)];
      const [stays, moved] = after.map((counts, flow) => {
        const [first = 0, second = 0] = counts.map((count, i) => count - before[flow]![i]!);
        return (100 * first) / (first + second);
      });
      expect(moved).toBeLessThan(5);
      expect(stays).toBeGreaterThan(20);
      await Promise.all([0, 1].map((flow) => endFlow(client, server, flow)));
    });
  });
});
