/** Tests that `createSubflow()` chooses its local address among those that policies use. */
import { describeKernel } from '../lab/jest';
import { FAMILIES, type Family } from '../lab/path-end';
import { type Hosts, twoPaths } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { Peer } from './peers/peer';

const DEPRECATED = ['preferred_lft', '0'];

/** Gives the client an interface that is up, and whose one address no subflow can use. */
function addUnusable({ client }: Hosts, ...address: string[]): void {
  client.ip('link', 'add', 'odd', 'type', 'veth', 'peer', 'name', 'far');
  client.sysctl('net.ipv6.conf.odd.accept_dad', 1);
  client.sysctl('net.ipv6.conf.odd.dad_transmits', 100); // an IPv6 address stays tentative
  for (const device of ['odd', 'far']) client.ip('link', 'set', device, 'up');
  client.ip('address', 'add', ...address, 'dev', 'odd');
}

async function served(lab: Hosts): Promise<{ client: Peer; port: number }> {
  for (const host of [lab.server, lab.client]) host.pathManager('userspace');
  const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
  return { client, port: await server.run(echoes.net.serve) };
}

const UNUSABLE: readonly [Family, string, ...string[]][] = [
  [4, 'link-local', '169.254.7.7/16'],
  [4, 'deprecated', '10.77.0.1/24', ...DEPRECATED],
  [6, 'deprecated', 'fd77::1/64', 'nodad', ...DEPRECATED],
  [6, 'tentative', 'fd77::1/64'],
];

describeKernel('addresses that no subflow can use', {}, () => {
  test.each(UNUSABLE)('IPv%i, %s: createSubflow() and hints choose others', async (...row) => {
    const [family, , ...address] = row;
    await using lab = await twoPaths({ family, join: 'none' });
    addUnusable(lab, ...address);
    const { client, port } = await served(lab);
    const host = lab.paths[0].server.address;
    await client.run(echoes.net.ask, 'mptcp', { host, port });
    const made = await client.run(({ state }) => state.connection.createSubflow());
    expect(made).toMatchObject({ interface: 'eth2' });
    for (const options of [{}, { local: { interface: 'odd' } }]) {
      const refused = await client.run(
        ({ state }, given) =>
          state.connection
            .createSubflow(given, { signal: AbortSignal.timeout(3000) })
            .catch((error: unknown) => (error as { code: string }).code),
        options,
      );
      expect(refused).toBe('ERR_MPTCP_NOT_FOUND');
    }
    const hinted = await client.run(({ state }) =>
      state.connection.hint(
        { paths: { prefer: 'odd', subflows: 3 } },
        { signal: AbortSignal.timeout(3000) },
      ),
    );
    const refused = { applied: false, reason: { code: 'ERR_MPTCP_NOT_FOUND' } };
    expect(hinted).toMatchObject([
      { hint: 'paths.prefer', ...refused },
      { hint: 'paths.subflows', value: 2, ...refused },
    ]);
  });

  // Of IPv4 addresses only rtnetlink says which are deprecated: see interfacesToBind().
  test.each(UNUSABLE.filter(([family, why]) => family === 6 || why !== 'deprecated'))(
    'IPv%i, %s: a client does not begin there',
    async (...row) => {
      const [family, , ...address] = row;
      await using lab = await twoPaths({ family, join: 'none' });
      addUnusable(lab, ...address);
      const { client, port } = await served(lab);
      const host = lab.paths[0].server.address;
      const mptcp = { hints: { paths: { prefer: ['odd', 'eth1'] } } };
      await client.run(echoes.net.ask, 'mptcp', { host, port, mptcp });
      const bound = await client.run(({ state }) =>
        state.connection.hints.filter(({ by }) => by === 'SO_BINDTODEVICE'),
      );
      expect(bound).toMatchObject([{ requested: 'eth1', applied: true }]);
    },
  );

  test.each(FAMILIES)('IPv%i: policies choose the same ones', async (family) => {
    await using lab = await twoPaths({ family, join: 'none' });
    addUnusable(lab, ...(family === 4 ? ['169.254.7.7/16'] : ['fd77::1/64']));
    const { client, port } = await served(lab);
    const host = lab.paths[0].server.address;
    const [used, refused] = await client.run(
      async ({ mptcp, net, once, until, state }, address, at) => {
        const pm = (state.pathManager = await mptcp.PathManager.open());
        await pm.mode.set('userspace');
        pm.manage(mptcp.policies.fullmesh());
        const socket = net.connect(at, address);
        await once(socket, 'connect');
        socket.write('x');
        const connection = mptcp.connectionOf(socket);
        await until(() => connection.subflows().length === 2);
        const code = await connection
          .createSubflow({}, { signal: AbortSignal.timeout(3000) })
          .catch((error: unknown) => (error as { code: string }).code);
        return [connection.subflows().map((each) => each.interface), code];
      },
      host,
      port,
    );
    expect(used).toEqual(['eth1', 'eth2']);
    expect(refused).toBe('ERR_MPTCP_NOT_FOUND');
  });
});
