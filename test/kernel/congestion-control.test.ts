/**
 * Tests of the hint congestionControl: what 'auto', 'system' and names set on listeners and
 * subflows.
 */
import { join } from 'node:path';
import type { HintResult, MptcpOptions } from '../../lib';
import { describeKernel } from '../lab/jest';
import { clampMss, rewrite } from '../lab/middleboxes';
import type { Namespace } from '../lab/namespace';
import { FAMILIES } from '../lab/path-end';
import { Hosts, twoPaths } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { type Inside, Peer } from './peers/peer';
import { downloads, ENDLESS } from './peers/downloads';

const hints = ({ state }: Inside) => state.connection.hints;
const codes = ({ warnings }: Inside) => warnings.map(({ code }) => code);

/** The congestion control of each TCP socket of a host with this port, read by ss(8). */
function congestion(
  host: Namespace,
  port: number,
  side: 'dport' | 'sport' = 'dport',
  state: 'established' | 'listening' = 'established',
) {
  const lines = host.exec('ss', ['-tinHO', 'state', state, side, '=', `:${port}`]);
  return [...lines.matchAll(/\b(bbr|reno|cubic)\b(?!:)/g)].map(([name]) => name);
}

const useBbr = (...hosts: Namespace[]): void => {
  for (const host of hosts) host.sysctl('net.ipv4.tcp_congestion_control', 'bbr');
};

/** Hands a listening socket over by a file descriptor, as systemd does. */
const LISTEN_AND_EXEC = `
import os, socket, sys
listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, 262)  # IPPROTO_MPTCP
listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
listener.bind(("::", 0))
listener.listen(16)
os.dup2(listener.fileno(), 9)
os.execv(sys.argv[1], sys.argv[1:])
`;
const LISTENERS = join(__dirname, 'peers', 'listeners.js');

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
      useBbr(lab.client, lab.server);
      const [server, client] = await Promise.all([
        Peer.start(lab.server),
        Peer.start(lab.client, { unprivileged }),
      ]);
      const port = await server.run(echoes.net.serve);
      const mptcp: MptcpOptions = congestionControl ? { hints: { congestionControl } } : {};
      await client.run(({ record, state }) => {
        state.messages = record<unknown[]>(
          'mptcp:congestion-control',
          ({ socket, requested, value }: { socket: unknown; requested: string; value: string }) => [
            socket === state.socket,
            requested,
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

    test("'auto' replaces bbr by reno towards a neighbour, and publishes it", () =>
      connect(undefined, async ({ lab, client, port }) => {
        await client.run(({ state, until }) => until(() => state.messages.length > 0));
        expect(congestion(lab.client, port)).toEqual(['reno', 'reno']);
        expect(congestion(lab.server, port, 'sport')).toEqual(['reno', 'reno']);
        expect(await client.run(hints)).toMatchObject([
          { hint: 'congestionControl', requested: 'reno', applied: true, value: 'reno' },
        ]);
        expect(await client.run(({ state }) => state.messages)).toEqual([[true, 'reno', 'reno']]);
      }));

    test("'system' keeps the system's default", () =>
      connect('system', async ({ lab, client, port }) => {
        expect(congestion(lab.client, port)).toEqual(['bbr', 'bbr']);
        expect(await client.run(({ state }) => state.messages)).toEqual([]);
      }));

    test.each(['bbr', 'cubic'])('the name %s applies to every subflow', (name) =>
      connect(name, async ({ lab, client, port }) => {
        expect(congestion(lab.client, port)).toEqual([name, name]);
        expect(await client.run(hints)).toMatchObject([{ applied: true, value: name }]);
        expect(await client.run(({ state }) => state.messages)).toEqual([]);
      }),
    );

    test('a name that this user may not use is not applied, and warned about', () =>
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

    test('a name that the kernel does not have is warned about once', () =>
      connect('nonesuch', async ({ client }) => {
        expect(await client.run(hints)).toMatchObject([{ applied: false }]);
        expect(await client.run(codes)).toEqual(['MPTCP_HINT']);
      }));

    test.each([
      ['far away', { delay: 2 }, 'prefer', 'mptcp'],
      ['that listens without MPTCP', {}, 'off', 'mptcp'],
      ['that connects over TCP', {}, 'prefer', 'tcp'],
    ] as const)(
      "'auto' keeps the system's default towards a peer %s",
      async (_peer, path, mode, protocol) => {
        await using lab = await Hosts.connect([path], { family, join: 'none' });
        useBbr(lab.client, lab.server);
        const [server, client] = await Promise.all([
          Peer.start(lab.server),
          Peer.start(lab.client),
        ]);
        const port = await server.run(echoes.net.serve, { mode });
        await client.run(echoes.net.ask, protocol, { host: lab.paths[0].server.address, port });
        for (const peer of [client, server]) {
          await peer.run(({ state, until }) => until(() => state.connection.hints.length === 0));
        }
        expect(congestion(lab.client, port)).toEqual(['bbr']);
        expect(congestion(lab.server, port, 'sport')).toEqual(['bbr']);
      },
    );

    const listening = {
      own: [],
      'round robin': [],
      shared: [],
      'handed over': ['python3', '-c', LISTEN_AND_EXEC],
    };
    test.each(
      (Object.keys(listening) as (keyof typeof listening)[]).flatMap((kind) => [
        [kind, 'auto', 'reno'] as const,
        [kind, 'system', 'bbr'] as const,
      ]),
    )('a listener (%s) with %j uses %s', async (kind, congestionControl, name) => {
      await using lab = await Hosts.connect([{}], { family, join: 'none' });
      useBbr(lab.server);
      const words = [...listening[kind], process.execPath, LISTENERS, kind, congestionControl];
      const [port = ''] = await lab.server.spawn(words[0]!, words.slice(1)).line(/^\d+$/);
      // Set before the first connection: one that starts with bbr stays slow.
      expect(congestion(lab.server, Number(port), 'sport', 'listening')).toEqual([name]);
      const client = await Peer.start(lab.client);
      const answer = await client.run(echoes.net.ask, 'mptcp', {
        host: lab.paths[0].server.address,
        port: Number(port),
      });
      const results = JSON.parse(answer.answer) as HintResult[];
      expect(results.map(({ value }) => value)).toEqual(congestionControl === 'auto' ? [name] : []);
      expect(congestion(lab.server, Number(port), 'sport')).toEqual([name]);
    });

    test("a fallback restores the default that 'auto' had replaced", async () => {
      await using lab = await Hosts.connect([{ router: true, rate: '50mbit' }], { family });
      for (const host of [lab.client, lab.server]) {
        host.sysctl('net.mptcp.checksum_enabled', 1);
      }
      useBbr(lab.client, lab.server);
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
