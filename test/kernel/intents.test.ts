import type { Intent, SchedulingHints } from '../../lib';
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { type Inside, Peer } from './peers/peer';

/** Sends for as long as there is somebody who takes it. */
const serve = ({ net, listen, bytes }: Inside) =>
  listen(
    net.createServer((socket) => {
      bytes(1 << 30).pipe(socket.on('error', () => undefined));
    }),
  );

const own = async ({ mptcp }: Inside) => {
  const pm = await mptcp.PathManager.open();
  await pm.mode.set('userspace');
};

const open = async (
  { net, mptcp, once, until, state }: Inside,
  target: { host: string; port: number },
  hints: SchedulingHints,
) => {
  const socket = net.connect({ ...target, mptcp: { hints } });
  state.socket = socket;
  state.connection = mptcp.connectionOf(socket);
  state.received = 0;
  socket.on('error', () => undefined).on('data', ({ length }) => (state.received += length));
  await once(socket, 'connect');
  await until(() => state.connection.hints.some(({ hint }) => hint === 'intent'));
  return state.connection.hints;
};

/** Which share of the next bytes goes over the second interface. */
const share = async ({ state, until }: Inside, bytes: number) => {
  const read = (): [number, number] => {
    const counts: [number, number] = [0, 0];
    for (const { interface: name, tcpInfo } of state.connection.subflows()) {
      counts[name === 'eth2' ? 1 : 0] += tcpInfo.bytesReceived ?? 0;
    }
    return counts;
  };
  const before = read();
  const grown = () => read().map((now, i) => now - before[i]!) as [number, number];
  await until(() => grown()[0] + grown()[1] > bytes, 30_000);
  const [first, second] = grown();
  return second / (first + second);
};

const subflows = (count: number) =>
  [
    ({ state, until }: Inside, wanted: number) =>
      until(
        () =>
          state.connection.subflows().filter(({ tcpInfo }) => tcpInfo.state === 1).length ===
          wanted,
      ),
    count,
  ] as const;

describeKernel('intents', { needs: ['tc'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    test('where the bytes go', async () => {
      const paths = [{ rate: '40mbit' }, { rate: '40mbit' }] as const;
      await using lab = await twoPaths({ family, paths, join: 'none' });
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const target = { host: lab.paths[0].server.address, port: await server.run(serve) };
      await client.run(own);
      const taken = (intent: Intent) => ({
        ...{ hint: 'intent', wanted: intent, by: 'policy', applied: true },
      });
      const begin = async (hints: SchedulingHints & { intent: Intent }) => {
        const results = await client.run(open, target, hints);
        expect(results).toContainEqual(expect.objectContaining(taken(hints.intent)));
        return results;
      };
      const end = () => client.run(({ state }) => void state.socket.destroy());
      const MB = 1 << 20;

      await begin({ intent: 'aggregate' });
      await client.run(...subflows(2));
      await client.run(share, MB); // it begins
      const aggregate = await client.run(share, 3 * MB);
      expect(aggregate).toBeGreaterThan(0.1);
      expect(aggregate).toBeLessThan(0.9);
      await end();

      const results = await begin({ intent: 'interactive' });
      expect(results).toContainEqual(
        expect.objectContaining({ hint: 'noDelay', value: true, applied: true }),
      );
      await client.run(...subflows(2));
      const interactive = await client.run(share, 2 * MB);
      expect(Math.min(interactive, 1 - interactive)).toBeLessThan(0.05);
      await end();

      await begin({ intent: 'handover' });
      expect(await client.run(share, MB)).toBe(0);
      await client.run(...subflows(1));
      await end();

      await begin({ intent: 'backup', paths: { backup: 'eth2' } });
      await client.run(...subflows(2));
      await client.run(share, MB);
      expect(await client.run(share, 2 * MB)).toBeLessThan(0.05);
      lab.paths[0].cut({ link: true });
      await client.run(share, MB); // what was on its way
      expect(await client.run(share, MB)).toBe(1);
      await end();
    });

    test('changed while it lives', async () => {
      const paths = [{ rate: '40mbit' }, { rate: '40mbit' }] as const;
      await using lab = await twoPaths({ family, paths, join: 'none' });
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const target = { host: lab.paths[0].server.address, port: await server.run(serve) };
      await client.run(own);
      await client.run(open, target, {
        intent: 'handover',
        paths: { prefer: 'eth1', avoid: 'eth2' },
      });
      const results = await client.run(({ state }) =>
        state.connection.hints.filter(({ by }) => by === 'policy'),
      );
      expect(results).toMatchObject([
        { hint: 'intent', applied: true },
        { hint: 'paths.prefer', wanted: 'eth1', applied: true },
        { hint: 'paths.avoid', applied: false, reason: { code: 'ERR_MPTCP_UNSUPPORTED' } },
      ]);
      expect(await client.run(share, 1 << 20)).toBe(0);
      await client.run(({ state }) => state.connection.hint({ intent: 'aggregate' }));
      await client.run(...subflows(2));
      await client.run(share, 1 << 20);
      expect(await client.run(share, 2 << 20)).toBeGreaterThan(0.1);
    });
  });

  test.each([
    ['in-kernel path manager', false],
    ['no privilege', true],
  ])('%s: the socket options alone, and that is said', async (_what, unprivileged) => {
    await using lab = await twoPaths({ join: 'none' });
    const code = unprivileged ? 'ERR_MPTCP_PERMISSION' : 'ERR_MPTCP_PATH_MANAGER';
    const [server, client] = await Promise.all([
      Peer.start(lab.server),
      Peer.start(lab.client, { unprivileged }),
    ]);
    const target = { host: lab.paths[0].server.address, port: await server.run(serve) };
    const results = await client.run(open, target, { intent: 'backup', keepAlive: false });
    expect(results.filter(({ hint }) => hint !== 'congestionControl')).toMatchObject([
      { hint: 'keepAlive', by: 'SO_KEEPALIVE', value: false, applied: true },
      { hint: 'intent', applied: false, reason: { code: 'ERR_MPTCP_PATH_MANAGER' } },
    ]);
    const warnings = await client.run((inside) => inside.warnings.map(({ code }) => code));
    expect(warnings).toEqual(['MPTCP_HINT']);
    const hinted = await client.run(({ state }) =>
      state.connection.hint({ intent: 'interactive', paths: { backup: 'eth1' } }),
    );
    expect(hinted).toMatchObject([
      { hint: 'noDelay', value: true, applied: true },
      { hint: 'notsentLowat', value: 16_384, applied: true },
      { hint: 'intent', applied: false },
      { hint: 'paths.backup', applied: false, reason: { code } },
    ]);
  });
});
