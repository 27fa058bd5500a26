/** Tests that hints are applied as socket options, and that their results are true. */
import type { SchedulingHints } from '../../lib';
import { describeKernel } from '../lab/jest';
import { stripOptions } from '../lab/middleboxes';
import type { Namespace } from '../lab/namespace';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { echoes } from './peers/echoes';
import { type Inside, Peer, type PeerOptions } from './peers/peer';
import { ssSubflows } from './peers/ss-subflows';

const hints = ({ state }: Inside) => state.connection.hints;

const subflows = (host: Namespace, port: number): string[] =>
  ssSubflows(host, port, 'dport', 'sport');

interface Host {
  namespace: Namespace;
  peer: Peer;
}

describeKernel('hints', { needs: ['nft'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    interface Given {
      client?: SchedulingHints;
      server?: SchedulingHints;
      options?: PeerOptions;
      strip?: boolean;
    }

    const connect = async (
      { client: requested = {}, server: served = {}, options = {}, strip = false }: Given,
      run: (client: Host, server: Host, port: number) => Promise<void>,
    ) => {
      await using lab = await twoPaths({ family, paths: [{ router: true }, {}] });
      if (strip) lab.paths[0].insert(stripOptions);
      const [server, client] = await Promise.all([
        Peer.start(lab.server, options),
        Peer.start(lab.client, options),
      ]);
      const port = await server.run(echoes.net.serve, { hints: served });
      const host = lab.paths[0].server.address;
      await client.run(echoes.net.ask, 'mptcp', { host, port, mptcp: { hints: requested } });
      const paths = strip ? 1 : 2;
      for (const peer of [client, server]) {
        await peer.run(
          ({ state, until }, count) => until(() => state.connection.subflows().length === count),
          paths,
        );
      }
      await run(
        { namespace: lab.client, peer: client },
        { namespace: lab.server, peer: server },
        port,
      );
    };

    const everything = {
      noDelay: true,
      notsentLowat: 30_000,
      sendBuffer: 60_000,
      receiveBuffer: 70_000,
      dscp: 10,
      mark: 0xffff_fff0,
      keepAlive: { idle: 111, interval: 7, count: 3 },
    } as const;
    const applied = { applied: true };
    const onAll = [
      { hint: 'noDelay', by: 'TCP_NODELAY', requested: true, value: true, ...applied },
      { hint: 'notsentLowat', by: 'TCP_NOTSENT_LOWAT', value: 30_000, ...applied },
      { hint: 'sendBuffer', by: 'SO_SNDBUF', requested: 60_000, value: 120_000, ...applied },
      { hint: 'receiveBuffer', by: 'SO_RCVBUF', requested: 70_000, value: 140_000, ...applied },
      family === 4
        ? { hint: 'dscp', by: 'IP_TOS', requested: 10, value: 10, ...applied }
        : {
            hint: 'dscp',
            by: 'IPV6_TCLASS',
            applied: false,
            reason: { code: 'ERR_MPTCP_UNSUPPORTED', syscall: 'setsockopt IPV6_TCLASS' },
          },
      { hint: 'mark', by: 'SO_MARK', requested: 0xffff_fff0, value: 0xffff_fff0, ...applied },
      { hint: 'keepAlive', by: 'SO_KEEPALIVE', requested: true, value: true, ...applied },
      { hint: 'keepAlive', by: 'TCP_KEEPIDLE', requested: 111, value: 111, ...applied },
      { hint: 'keepAlive', by: 'TCP_KEEPINTVL', requested: 7, value: 7, ...applied },
      { hint: 'keepAlive', by: 'TCP_KEEPCNT', requested: 3, value: 3, ...applied },
    ];
    const expectOnEverySubflow = ({ namespace }: Host, port: number) => {
      const lines = subflows(namespace, port);
      expect(lines).toHaveLength(2);
      for (const line of lines) {
        expect(line).toMatch(/rb140000\b/);
        expect(line).toMatch(/tb120000\b/);
        expect(line).toMatch(/fwmark:0xfffffff0\b/);
        expect(line).toMatch(/tos:0x28\b/);
        expect(line).toMatch(/timer:\(keepalive,1min/);
      }
    };

    test.each(['client', 'server'] as const)('at creation, by the %s: every subflow', (side) =>
      connect(
        { [side]: { ...everything, congestionControl: 'cubic' } },
        async (client, server, port) => {
          const host = side === 'client' ? client : server;
          const [control, ...results] = await host.peer.run(hints);
          expect(control).toMatchObject({ hint: 'congestionControl', value: 'cubic' });
          expect(results).toMatchObject(onAll);
          expectOnEverySubflow(host, port);
          for (const line of subflows(host.namespace, port)) expect(line).toMatch(/\bcubic\b/);
        },
      ),
    );

    test('on a connection that lives: every subflow, and changed again', () =>
      connect({}, async (client, _server, port) => {
        const before = (await client.peer.run(hints)).length; // of congestionControl: 'auto'
        const hint = ({ state }: Inside, requested: SchedulingHints) =>
          state.connection.hint(requested);
        expect(await client.peer.run(hint, everything)).toMatchObject(onAll);
        expectOnEverySubflow(client, port);

        expect(await client.peer.run(hint, { mark: 3, keepAlive: false })).toMatchObject([
          { by: 'SO_MARK', value: 3, ...applied },
          { by: 'SO_KEEPALIVE', requested: false, value: false, ...applied },
        ]);
        for (const line of subflows(client.namespace, port)) {
          expect(line).toMatch(/fwmark:0x3\b/);
          expect(line).not.toContain('keepalive');
        }
        const all = await client.peer.run(hints);
        expect(all).toHaveLength(before + onAll.length);
        const alive = all.filter(({ by }) => by === 'SO_KEEPALIVE');
        expect(alive).toMatchObject([{ value: false }]);
      }));

    test('priority: every subflow; beside dscp, not those that are made later', () =>
      connect({ client: { priority: 5 } }, async (client, _server, port) => {
        const priorities = () =>
          subflows(client.namespace, port).map((line) => /class_id:\w+/.exec(line)?.[0]);
        const named = ({ hint }: { hint: string }) => hint === 'priority';
        const before = await client.peer.run(hints);
        expect(before.filter(named)).toMatchObject([{ by: 'SO_PRIORITY', value: 5, ...applied }]);
        expect(priorities()).toEqual(['class_id:0x5', 'class_id:0x5']);

        const after = await client.peer.run(({ state }) =>
          state.connection.hint({ dscp: 10, priority: 4 }),
        );
        expect(after.filter(named)).toMatchObject([
          { applied: false, value: 4, reason: { code: 'ERR_MPTCP_UNSUPPORTED' } },
        ]);
      }));

    test('the congestion control of a connection that lives, and back', () =>
      connect({}, async (client, _server, port) => {
        const change = async ({ state }: Inside, congestionControl: string) => {
          const results = await state.connection.hint({ congestionControl });
          return results.map(({ value }) => value);
        };
        const shown = () =>
          subflows(client.namespace, port).map((line) => /\b(bbr|reno|cubic)\b/.exec(line)?.[0]);
        client.namespace.sysctl('net.ipv4.tcp_congestion_control', 'bbr');

        expect(await client.peer.run(change, 'cubic')).toEqual(['cubic']);
        expect(shown()).toEqual(['cubic', 'cubic']);
        expect(await client.peer.run(change, 'system')).toEqual(['bbr']);
        expect(shown()).toEqual(['bbr', 'bbr']);
        expect(await client.peer.run(change, 'auto')).toEqual(['reno']);
        expect(shown()).toEqual(['reno', 'reno']);
      }));

    test.each(['latency', 'throughput'] as const)('optimize: %s', (optimize) =>
      connect({ client: { congestionControl: 'system', optimize } }, async (client) => {
        const [noDelay, lowat] = optimize === 'latency' ? [true, 16384] : [false, 0];
        expect(await client.peer.run(hints)).toMatchObject([
          { by: 'TCP_NODELAY', value: noDelay, ...applied },
          { by: 'TCP_NOTSENT_LOWAT', value: lowat, ...applied },
        ]);
      }),
    );

    test('without privilege: which capability is missing, said once', () =>
      connect(
        {
          client: { congestionControl: 'system', mark: 1, priority: 7, noDelay: true },
          options: { unprivileged: true },
        },
        async ({ peer }) => {
          const permission = { applied: false, reason: { code: 'ERR_MPTCP_PERMISSION' } };
          expect(await peer.run(hints)).toMatchObject([
            { hint: 'noDelay', ...applied },
            { hint: 'priority', ...permission },
            { hint: 'mark', ...permission },
          ]);
          const warnings = await peer.run(({ warnings: all }) => all);
          expect(warnings.map(({ code }) => code)).toEqual(['MPTCP_HINT', 'MPTCP_HINT']);
          for (const { message } of warnings) expect(message).toContain('CAP_NET_ADMIN');
        },
      ));

    test('a buffer beyond what the kernel allows', () =>
      connect({}, async ({ peer }) => {
        const sendBuffer = 2 ** 31 - 1;
        const [result] = await peer.run(
          ({ state }, requested) => state.connection.hint({ sendBuffer: requested }),
          sendBuffer,
        );
        expect(result).toMatchObject({ applied: false, reason: { code: 'ERR_MPTCP_LIMIT' } });
        expect(result!.value).toBeLessThan(sendBuffer);
      }));

    test('interface: of a client at creation, and the second subflow has its own', () =>
      connect({ client: { interface: 'eth1' } }, async (client, server) => {
        const bound = { hint: 'interface', by: 'SO_BINDTODEVICE', value: 'eth1', ...applied };
        expect(await client.peer.run(hints)).toContainEqual({ ...bound, requested: 'eth1' });
        const late = ({ state }: Inside) => state.connection.hint({ interface: 'lo' });
        for (const { peer } of [client, server]) {
          const [result] = await peer.run(late);
          expect(result).toMatchObject({ applied: false, reason: { code: 'ERR_MPTCP_SYSTEM' } });
        }
      }));

    test('interface: none of that name', () =>
      connect({ client: { interface: 'nonesuch' } }, async ({ peer }) => {
        const results = await peer.run(hints);
        const reason = expect.objectContaining({ code: 'ERR_MPTCP_NOT_FOUND' }) as unknown;
        expect(results).toContainEqual(
          expect.objectContaining({ hint: 'interface', applied: false, reason }),
        );
      }));

    test('a connection that fell back to TCP has them too, dscp in both families', () =>
      connect({ strip: true, client: { dscp: 46, mark: 7 } }, async ({ peer, namespace }) => {
        expect(await peer.run(({ state }) => state.connection.status)).toBe('fallback');
        const by = family === 4 ? 'IP_TOS' : 'IPV6_TCLASS';
        const results = await peer.run(hints);
        expect(results.filter(({ hint }) => hint !== 'congestionControl')).toMatchObject([
          { hint: 'dscp', by, requested: 46, value: 46, ...applied },
          { hint: 'mark', by: 'SO_MARK', value: 7, ...applied },
        ]);
        const line = namespace.exec('ss', ['-tneHO', '--tos', 'state', 'established']);
        expect(line).toMatch(family === 4 ? /tos:0xb8\b/ : /tclass:0xb8\b/);
      }));
  });
});
