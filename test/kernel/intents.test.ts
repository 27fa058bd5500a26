/** Intents of a client, checked by the paths that its bytes take. */
import type { Intent, SchedulingHints } from '../../lib';
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import {
  intentResults,
  openWith,
  serveBytes,
  shareOfSecond,
  takeOver,
} from './peers/intent-connections';
import { type Inside, Peer } from './peers/peer';

const subflows = (count: number) =>
  [
    ({ state, until }: Inside, expected: number) =>
      until(
        () =>
          state.connection.subflows().filter(({ tcpInfo }) => tcpInfo.state === 1).length ===
          expected,
      ),
    count,
  ] as const;

describeKernel('intents', { needs: ['tc'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    test('choose the paths that the bytes take', async () => {
      const paths = [{ rate: '40mbit' }, { rate: '40mbit' }] as const;
      await using lab = await twoPaths({ family, paths, join: 'none' });
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const target = { host: lab.paths[0].server.address, port: await server.run(serveBytes) };
      await client.run(takeOver);
      const appliedBy = (intent: Intent) => ({
        ...{ hint: 'intent', requested: intent, by: 'policy', applied: true },
      });
      const begin = async (hints: SchedulingHints & { intent: Intent }) => {
        await client.run(openWith, target, hints);
        const results = await client.run(intentResults);
        expect(results).toContainEqual(expect.objectContaining(appliedBy(hints.intent)));
        return results;
      };
      const end = () => client.run(({ state }) => void state.socket.destroy());
      const MB = 1 << 20;

      await begin({ intent: 'aggregate' });
      await client.run(...subflows(2));
      await client.run(shareOfSecond, MB); // the beginning of the connection
      const aggregate = await client.run(shareOfSecond, 3 * MB);
      expect(aggregate).toBeGreaterThan(0.1);
      expect(aggregate).toBeLessThan(0.9);
      await end();

      const results = await begin({ intent: 'interactive' });
      expect(results).toContainEqual(
        expect.objectContaining({ hint: 'noDelay', value: true, applied: true }),
      );
      await client.run(...subflows(2));
      const interactive = await client.run(shareOfSecond, 2 * MB);
      expect(Math.min(interactive, 1 - interactive)).toBeLessThan(0.05);
      await end();

      await begin({ intent: 'handover' });
      expect(await client.run(shareOfSecond, MB)).toBe(0);
      await client.run(...subflows(1));
      await end();

      await begin({ intent: 'backup', paths: { backup: 'eth2' } });
      await client.run(...subflows(2));
      await client.run(shareOfSecond, MB);
      expect(await client.run(shareOfSecond, 2 * MB)).toBeLessThan(0.05);
      lab.paths[0].cut({ link: true });
      await client.run(shareOfSecond, MB); // the data in flight
      expect(await client.run(shareOfSecond, MB)).toBe(1);
      await end();
    });

    test('replace each other during a connection', async () => {
      const paths = [{ rate: '40mbit' }, { rate: '40mbit' }] as const;
      await using lab = await twoPaths({ family, paths, join: 'none' });
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const target = { host: lab.paths[0].server.address, port: await server.run(serveBytes) };
      await client.run(takeOver);
      await client.run(openWith, target, {
        intent: 'handover',
        paths: { prefer: 'eth1', avoid: 'eth2' },
      });
      await client.run(intentResults);
      const results = await client.run(({ state }) =>
        state.connection.hints.filter(({ by }) => by === 'policy'),
      );
      expect(results).toMatchObject([
        { hint: 'intent', applied: true },
        { hint: 'paths.prefer', requested: 'eth1', applied: true },
        { hint: 'paths.avoid', applied: false, reason: { code: 'ERR_MPTCP_UNSUPPORTED' } },
      ]);
      expect(await client.run(shareOfSecond, 1 << 20)).toBe(0);
      await client.run(({ state }) => state.connection.hint({ intent: 'aggregate' }));
      await client.run(...subflows(2));
      await client.run(shareOfSecond, 1 << 20);
      expect(await client.run(shareOfSecond, 2 << 20)).toBeGreaterThan(0.1);
    });

    test('handover: follows an interface that goes and returns, then its address', async () => {
      const paths = [{ rate: '40mbit' }, { rate: '40mbit' }] as const;
      await using lab = await twoPaths({ family, paths, join: 'none' });
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const [first] = lab.paths;
      const target = { host: first.server.address, port: await server.run(serveBytes) };
      await client.run(takeOver);
      await client.run(openWith, target, { intent: 'handover', paths: { prefer: 'eth1' } });
      await client.run(intentResults);
      /** Checks that the bytes take this path; the other one stays a backup while they flow. */
      const goesBy = async (name: 'eth1' | 'eth2'): Promise<void> => {
        const expected = name === 'eth1' ? 0 : 1;
        const wrong = async (bytes: number): Promise<number> =>
          Math.abs((await client.run(shareOfSecond, bytes)) - expected);
        for (let n = 0; n < 100 && (await wrong(1 << 18)) > 0; n++);
        expect(await wrong(1 << 20)).toBeLessThan(0.01);
      };
      await goesBy('eth1');
      first.cut({ link: true });
      await goesBy('eth2');
      await first.restore();
      await goesBy('eth1');
      first.client.removeAddress();
      await goesBy('eth2');
      first.client.addAddress();
      await goesBy('eth1');
    });
  });

  test.each([
    ['in-kernel path manager', false],
    ['no privilege', true],
  ])(
    '%s: apply the socket options only, and say so in the results',
    async (_what, unprivileged) => {
      await using lab = await twoPaths({ join: 'none' });
      const code = unprivileged ? 'ERR_MPTCP_PERMISSION' : 'ERR_MPTCP_PATH_MANAGER';
      const [server, client] = await Promise.all([
        Peer.start(lab.server),
        Peer.start(lab.client, { unprivileged }),
      ]);
      const target = { host: lab.paths[0].server.address, port: await server.run(serveBytes) };
      await client.run(openWith, target, { intent: 'backup', keepAlive: false });
      const results = await client.run(intentResults);
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
    },
  );
});
