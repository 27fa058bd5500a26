/** Tests hints about paths, under the userspace and the in-kernel path manager. */
import type { PathHints } from '../../lib';
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { Hosts } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { type Inside, Peer, type PeerOptions } from './peers/peer';

interface Options extends PeerOptions {
  mode?: 'kernel' | 'userspace';
  paths?: PathHints;
}

async function connected(lab: Hosts, { mode = 'userspace', paths, ...options }: Options = {}) {
  for (const host of [lab.server, lab.client]) host.pathManager(mode);
  const [server, client] = await Promise.all([
    Peer.start(lab.server),
    Peer.start(lab.client, options),
  ]);
  const port = await server.run(echoes.net.serve);
  const host = lab.paths[0]!.server.address;
  const mptcp = { hints: paths ? { paths } : {} };
  await client.run(echoes.net.ask, 'mptcp', { host, port, mptcp });
  return { server, client };
}

const hint = ({ state }: Inside, paths: PathHints) => state.connection.hint({ paths });
/** Once nothing is to be done any more. */
const hints = async ({ state }: Inside) => {
  await state.connection.hint({ paths: {} });
  return state.connection.hints.filter((each) => each.hint.startsWith('paths.'));
};

/** The devices of the client's subflows, by what the kernel says on either side. */
async function backups(lab: Hosts, peer: Peer): Promise<Record<string, boolean>> {
  const all = await peer.run(async ({ mptcp, state }) => {
    const pm = await mptcp.PathManager.open();
    const { token } = state.connection;
    const found: [string[], boolean | undefined][] = [];
    for await (const each of pm.connections()) {
      if (each.token !== token) continue;
      for (const { local, remote, backup, state: tcp } of each.subflows ?? []) {
        if (tcp === 'ESTABLISHED') found.push([[local.address, remote.address], backup]);
      }
    }
    await pm.close();
    return found;
  });
  return Object.fromEntries(
    all.map(([ends, backup]) => {
      const path = lab.paths.find(({ client }) => ends.includes(client.address));
      return [path!.client.device, backup];
    }),
  ) as Record<string, boolean>;
}

const refused = (code: string) => ({ applied: false, reason: { code } });

describeKernel('hints about paths', { needs: ['tc'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    const threePaths = () => Hosts.connect([{}, {}, {}], { family, join: 'none' });

    test('by commands for this connection alone, read back on every subflow', async () => {
      await using lab = await threePaths();
      const paths = { subflows: 2, backup: ['eth2', 'eth9'] };
      const { server, client } = await connected(lab, { paths });
      const made = { hint: 'paths.subflows', by: 'SUBFLOW_CREATE', applied: true };
      const flag = { by: 'MP_PRIO', applied: true };
      expect(await client.run(hints)).toMatchObject([
        { ...made, requested: 2, value: 2 },
        // An interface that shall not be backup is used first.
        { hint: 'paths.backup', requested: 'eth2', ...refused('ERR_MPTCP_NOT_FOUND') },
        { hint: 'paths.backup', requested: 'eth9', ...refused('ERR_MPTCP_NOT_FOUND') },
      ]);
      expect(await backups(lab, client)).toEqual({ eth1: false, eth3: false });

      expect(await client.run(hint, { backup: 'eth3' })).toMatchObject([
        { ...flag, hint: 'paths.backup', requested: true, value: true },
      ]);
      expect(await client.run(hint, { prefer: 'eth2' })).toMatchObject([
        { hint: 'paths.prefer', requested: 'eth2', by: 'SUBFLOW_CREATE', applied: true },
        { ...flag, hint: 'paths.prefer', requested: true, value: true },
        { ...flag, hint: 'paths.prefer', requested: true, value: true },
        { ...flag, hint: 'paths.prefer', requested: false, value: false },
      ]);
      for (const peer of [client, server]) {
        expect(await backups(lab, peer)).toEqual({ eth1: true, eth2: false, eth3: true });
      }
      const address = lab.paths[2].client.address;
      expect(await client.run(hint, { prefer: [address], avoid: 'eth1' })).toMatchObject([
        { ...flag, requested: false, value: false },
        { ...flag, requested: true, value: true },
        { hint: 'paths.avoid', requested: 'eth1', by: 'SUBFLOW_DESTROY', applied: true, value: 0 },
      ]);
      expect(await backups(lab, client)).toEqual({ eth2: true, eth3: false });
      expect(await client.run(hint, { subflows: 1, prefer: 'eth3' })).toMatchObject([
        { by: 'MP_PRIO' },
        { by: 'MP_PRIO' },
        { hint: 'paths.subflows', requested: 1, by: 'SUBFLOW_DESTROY', applied: true, value: 1 },
      ]);
      expect(await backups(lab, client)).toEqual({ eth3: false });
      expect(await client.run(hint, { avoid: 'eth3', subflows: 4 })).toMatchObject([
        { ...made, ...refused('ERR_MPTCP_NOT_FOUND'), requested: 4, value: 2 },
        { hint: 'paths.avoid', applied: true },
      ]);
      expect(await client.run(hint, { avoid: ['eth1', 'eth2'] })).toMatchObject([
        { requested: 'eth1', ...refused('ERR_MPTCP_NOT_FOUND'), value: 1 },
        { requested: 'eth2', ...refused('ERR_MPTCP_NOT_FOUND'), value: 1 },
      ]);
      expect(await server.run(hint, { subflows: 3 })).toMatchObject([
        { hint: 'paths.subflows', ...refused('ERR_MPTCP_UNSUPPORTED'), value: 2 },
      ]);
    });

    test('in-kernel path manager: refused, or by endpoints for every connection', async () => {
      await using lab = await threePaths();
      lab.paths[1].client.addEndpoint('subflow');
      const { server, client } = await connected(lab, { mode: 'kernel' });
      for (const peer of [client, server]) {
        await peer.run(({ state, until }) => until(() => state.connection.subflows().length === 2));
      }
      const paths = { backup: 'eth2', avoid: 'eth1', subflows: 3 };
      const why = refused('ERR_MPTCP_PATH_MANAGER');
      expect(await client.run(hint, paths)).toMatchObject([
        { hint: 'paths.subflows', ...why },
        { hint: 'paths.backup', by: 'MP_PRIO', requested: true, value: false, ...why },
        { hint: 'paths.avoid', ...why },
      ]);
      expect(await client.run(hint, { backup: ['eth2', 'eth1'], endpoints: true })).toMatchObject([
        { requested: true, by: 'endpoint', ...refused('ERR_MPTCP_NOT_FOUND') },
        { hint: 'paths.backup', by: 'endpoint', requested: true, value: true, applied: true },
      ]);
      for (const peer of [client, server]) {
        expect(await backups(lab, peer)).toEqual({ eth1: false, eth2: true });
      }
    });

    test('without the capability: the first interface alone', async () => {
      await using lab = await threePaths();
      for (const index of [0, 1] as const) {
        lab.client.ip(
          ...[`-${family}`, 'route', 'add', lab.paths[0].server.address],
          ...['dev', lab.paths[index].client.device, 'metric', String(index + 1)],
        );
      }
      const { client } = await connected(lab, { unprivileged: true, paths: { avoid: 'eth1' } });
      expect(await client.run(hints)).toMatchObject([
        { hint: 'paths.avoid', requested: 'eth1', ...refused('ERR_MPTCP_NOT_FOUND'), value: 1 },
      ]);
      expect(await client.run(hint, { subflows: 2, backup: 'eth1' })).toMatchObject([
        { hint: 'paths.subflows', ...refused('ERR_MPTCP_PERMISSION'), value: 1 },
        { hint: 'paths.backup', ...refused('ERR_MPTCP_PERMISSION'), value: false },
      ]);
    });
  });

  test('a client begins on the interface that it prefers', async () => {
    await using lab = await Hosts.connect([{}, {}], { join: 'none' });
    const [first, second] = lab.paths;
    // The server's address is reached by either interface; the routes prefer the first.
    lab.client.ip('route', 'add', `${first.server.address}/32`, 'dev', 'eth1', 'metric', '1');
    lab.client.ip(
      ...['route', 'add', `${first.server.address}/32`, 'via', second.server.address],
      ...['dev', 'eth2', 'metric', '2'],
    );
    const { client } = await connected(lab, {
      ...{ mode: 'kernel', unprivileged: true, paths: { prefer: ['eth7', 'eth2'] } },
    });
    const [bound] = await client.run(hints);
    expect(bound).toMatchObject({
      ...{ hint: 'paths.prefer', by: 'SO_BINDTODEVICE', requested: 'eth2', value: 'eth2' },
      applied: true,
    });
    const [subflow] = await client.run(({ state }) => state.connection.subflows());
    expect(subflow).toMatchObject({ interface: 'eth2' });
  });

  test('at creation: done once something is sent', async () => {
    await using lab = await Hosts.connect([{}, {}], { join: 'none' });
    const { server, client } = await connected(lab);
    const results = await client.run(
      async ({ net, mptcp, once }, host, port) => {
        const socket = net.connect({ host, port, mptcp: { hints: { paths: { subflows: 2 } } } });
        await once(socket, 'connect');
        const signal = AbortSignal.timeout(100);
        const aborted: unknown = await mptcp
          .connectionOf(socket)
          .hint({ paths: {} }, { signal })
          .catch((error: unknown) => error);
        if ((aborted as Error).name !== 'AbortError') throw new Error('it did not wait');
        socket.write('x');
        await mptcp.connectionOf(socket).hint({ paths: {} });
        return mptcp
          .connectionOf(socket)
          .hints.filter(({ hint: name }) => name !== 'congestionControl');
      },
      lab.paths[0].server.address,
      await server.run(({ state }) => (state.server.address() as unknown as { port: number }).port),
    );
    expect(results).toMatchObject([{ hint: 'paths.subflows', applied: true, value: 2 }]);
  });

  test('of two connections over two paths, one moves to the other path, one stays', async () => {
    const paths = [{ rate: '40mbit' }, { rate: '40mbit' }] as const;
    await using lab = await Hosts.connect(paths, { join: 'none' });
    for (const host of [lab.server, lab.client]) {
      host.pathManager('userspace');
    }
    const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    const port = await server.run(({ net, listen, bytes }) =>
      listen(
        net.createServer((socket) => {
          bytes(1 << 30).pipe(socket.on('error', () => undefined));
        }),
      ),
    );
    const shares = await client.run(
      async ({ net, mptcp, once, until }, host, at) => {
        const open = async () => {
          const socket = net.connect(at, host);
          await once(socket, 'connect');
          let received = 0;
          socket.on('error', () => undefined).on('data', ({ length }) => (received += length));
          await until(() => received > 0);
          const connection = mptcp.connectionOf(socket);
          await connection.createSubflow();
          return { socket, connection };
        };
        const both = [await open(), await open()];
        const read = () =>
          both.map(({ connection }) =>
            ['eth1', 'eth2'].map(
              (name) =>
                connection.subflows().find((each) => each.interface === name)?.tcpInfo
                  .bytesReceived ?? 0,
            ),
          ) as [number, number][];
        const since = async (bytes: number) => {
          const before = read();
          const grown = () =>
            read().map((now, i) => now.map((each, j) => each - before[i]![j]!)) as [
              number,
              number,
            ][];
          await until(() => grown().every(([one, other]) => one + other > bytes), 30_000);
          return grown().map(([one, other]) => one / (one + other));
        };
        const shared = await since(2 << 20);
        await both[0]!.connection.hint({ paths: { prefer: 'eth2' } });
        await since(4 << 20); // what was on its way
        const moved = await since(2 << 20);
        for (const { socket } of both) socket.destroy();
        return { shared, moved };
      },
      lab.paths[0].server.address,
      port,
    );
    // How they share two paths between them varies; which paths they use does not.
    expect(Math.min(...shares.shared)).toBeGreaterThan(0.01);
    expect(shares.moved[0]).toBeLessThan(0.001);
    expect(shares.moved[1]).toBeGreaterThan(0.01);
  });
});
