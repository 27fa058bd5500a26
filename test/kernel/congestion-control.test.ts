import type { MptcpOptions } from '../../lib';
import { describeKernel } from '../lab/jest';
import { clampMss, rewrite } from '../lab/middleboxes';
import { FAMILIES } from '../lab/path-end';
import { Hosts, twoPaths } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { type Inside, Peer } from './peers/peer';
import { downloads, ENDLESS } from './peers/transfers';

const hints = ({ state }: Inside) => state.connection.hints;
const codes = ({ warnings }: Inside) => warnings.map(({ code }) => code);

/** The congestion control of every TCP socket of a host that is connected to the port, by ss. */
function congestion(host: { exec: (command: string, args: string[]) => string }, port: number) {
  const lines = host.exec('ss', ['-tinHO', 'state', 'established', 'dport', '=', `:${port}`]);
  return [...lines.matchAll(/\b(bbr|reno|cubic)\b(?!:)/g)].map(([name]) => name);
}

describeKernel('congestionControl', {}, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    const connect = async (
      congestionControl: string | undefined,
      run: (all: {
        lab: Awaited<ReturnType<typeof twoPaths>>;
        client: Peer;
        port: number;
      }) => Promise<void>,
      unprivileged = false,
    ) => {
      await using lab = await twoPaths({ family });
      for (const host of [lab.client, lab.server]) {
        host.sysctl('net.ipv4.tcp_congestion_control', 'bbr');
      }
      const [server, client] = await Promise.all([
        Peer.start(lab.server),
        Peer.start(lab.client, { unprivileged }),
      ]);
      const port = await server.run(echoes.net.serve);
      const mptcp: MptcpOptions = congestionControl ? { hints: { congestionControl } } : {};
      await client.run(({ record, state }) => {
        state.messages = record<unknown[]>(
          'mptcp:congestion-control',
          ({ socket, wanted, value }: { socket: unknown; wanted: string; value: string }) => [
            socket === state.socket,
            wanted,
            value,
          ],
        );
      });
      await client.run(echoes.net.ask, 'mptcp', { host: lab.paths[0].server.address, port, mptcp });
      await client.run(({ state, until }) =>
        until(() => {
          const ESTABLISHED = 1;
          const subflows = state.connection.subflows();
          return subflows.filter(({ tcpInfo }) => tcpInfo.state === ESTABLISHED).length === 2;
        }),
      );
      await run({ lab, client, port });
    };

    test("'auto': reno in the place of bbr towards a neighbour, and it is announced", () =>
      connect(undefined, async ({ lab, client, port }) => {
        await client.run(({ state, until }) => until(() => state.messages.length > 0));
        expect(congestion(lab.client, port)).toEqual(['reno', 'reno']);
        expect(await client.run(hints)).toMatchObject([
          { hint: 'congestionControl', wanted: 'reno', applied: true, value: 'reno' },
        ]);
        expect(await client.run(({ state }) => state.messages)).toEqual([[true, 'reno', 'reno']]);
      }));

    test("'system': the system's", () =>
      connect('system', async ({ lab, client, port }) => {
        expect(congestion(lab.client, port)).toEqual(['bbr', 'bbr']);
        expect(await client.run(({ state }) => state.messages)).toEqual([]);
      }));

    test.each(['bbr', 'cubic'])('%s by name, on every subflow', (name) =>
      connect(name, async ({ lab, client, port }) => {
        expect(congestion(lab.client, port)).toEqual([name, name]);
        expect(await client.run(hints)).toMatchObject([{ applied: true, value: name }]);
        expect(await client.run(({ state }) => state.messages)).toEqual([]);
      }),
    );

    test('a name that this user may not have', () =>
      connect(
        'cubic',
        async ({ lab, client, port }) => {
          expect(congestion(lab.client, port)).toEqual(['bbr', 'bbr']);
          const [hint] = await client.run(hints);
          expect(hint).toMatchObject({
            applied: false,
            reason: { syscall: 'setsockopt TCP_CONGESTION' },
          });
          expect(await client.run(({ warnings }) => warnings)).toMatchObject([
            {
              code: 'MPTCP_HINT',
              message: expect.stringContaining('tcp_allowed_congestion_control') as string,
            },
          ]);
        },
        true,
      ));

    test('a name that the kernel does not have: said once', () =>
      connect('nonesuch', async ({ client }) => {
        expect(await client.run(hints)).toMatchObject([{ applied: false }]);
        expect(await client.run(codes)).toEqual(['MPTCP_HINT']);
      }));

    test("what 'auto' had chosen is undone on fallback", async () => {
      await using lab = await Hosts.connect([{ router: true, rate: '50mbit' }], { family });
      for (const host of [lab.client, lab.server]) {
        host.sysctl('net.mptcp.checksum_enabled', 1);
        host.sysctl('net.ipv4.tcp_congestion_control', 'bbr');
      }
      const [path] = lab.paths;
      path.insert(clampMss(1380));
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const port = await server.run(downloads.net.serve, ENDLESS);
      const received = client.run(downloads.net.fetch, path.server.address, port);
      await client.run(({ state, until }) => until(() => state.received > 1 << 20));
      expect(await client.run(hints)).toMatchObject([{ value: 'reno' }]);
      path.insert(rewrite, 'toClient');
      await client.run(({ state, until }) =>
        until(() => state.connection.hints[0]?.value === 'bbr'),
      );
      await server.run(({ state }) => state.sent.stop());
      await received;
    });
  });
});
