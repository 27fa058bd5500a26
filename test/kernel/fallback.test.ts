/**
 * Tests that connections fall back to TCP where the path, the peer or a host lacks MPTCP, and say
 * so.
 */
import { describeKernel } from '../lab/jest';
import { clampMss, rewrite, stripOptions } from '../lab/middleboxes';
import type { Path } from '../lab/path';
import { FAMILIES } from '../lab/path-end';
import { Hosts, twoPaths } from '../lab/topologies';
import { type Echo, echoes, KINDS } from './peers/echoes';
import { type Inside, Peer } from './peers/peer';
import { downloads, ENDLESS } from './peers/downloads';

const status = ({ state }: Inside) => state.connection.status;
const statusAfterClose = async ({ state, until }: Inside) => {
  state.socket.destroy();
  await until(() => state.socket.closed);
  return state.connection.status;
};

/** Starts an echo server of Node's own net module. */
const plainNet: Echo['serve'] = ({ plain, mptcp, listen, state }) =>
  listen(
    plain.net.createServer((socket) => {
      state.connection = mptcp.connectionOf(socket);
      socket.on('error', () => undefined).pipe(socket);
    }),
  );

describeKernel('fallback', { needs: ['nft'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    let lab: Hosts<readonly [Path]>;
    let server: Peer;
    let client: Peer;

    beforeEach(async () => {
      lab = await Hosts.connect([{ router: true }], { family });
      [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    });
    afterEach(() => lab.dispose());

    const ask = async (kind: keyof typeof echoes, serve = echoes[kind].serve) => {
      const port = await server.run(serve);
      return client.run(echoes[kind].ask, 'mptcp', { host: lab.paths[0].server.address, port });
    };

    test.each(KINDS)('%s falls back on a path that strips the options', async (kind) => {
      lab.paths[0].insert(stripOptions);

      expect(await ask(kind)).toMatchObject({ answer: 'hello', status: 'fallback' });
      expect(await server.run(status)).toBe('fallback');
      for (const peer of [client, server]) {
        expect(await peer.run(({ warnings }) => warnings)).toEqual([]);
      }
    });

    test('status keeps its last value after the socket has closed', async () => {
      await ask('net');
      expect(await client.run(statusAfterClose)).toBe('mptcp');
      await server.run(({ state, until }) => until(() => state.connection.token !== undefined));
      expect(await server.run(status)).toBe('mptcp');

      lab.paths[0].insert(stripOptions);
      await ask('net');
      expect(await client.run(statusAfterClose)).toBe('fallback');
      expect(await server.run(status)).toBe('fallback');
    });

    test('a client falls back towards a server without MPTCP', async () => {
      expect(await ask('net', plainNet)).toMatchObject({ answer: 'hello', status: 'fallback' });
      expect(await client.run(({ state }) => state.connection.subflows().length)).toBe(1);
      expect(await server.run(status)).toBe('tcp');
      expect(await client.run(({ warnings }) => warnings)).toEqual([]);
    });

    test('a server falls back for a client without MPTCP', async () => {
      const port = await server.run(echoes.net.serve);
      const target = { host: lab.paths[0].server.address, port };
      const answer = await client.run(echoes.net.ask, 'tcp', target);

      expect(answer).toMatchObject({ answer: 'hello', status: 'tcp' });
      expect(await server.run(status)).toBe('fallback');
      expect(await server.run(({ warnings }) => warnings)).toEqual([]);
    });

    test.each(['client', 'server'] as const)(
      'connections fall back where net.mptcp.enabled is 0 at the %s, which warns once',
      async (side) => {
        lab[side].sysctl('net.mptcp.enabled', 0);

        expect(await ask('net')).toMatchObject({ answer: 'hello', status: 'fallback' });
        await ask('net');
        expect(await server.run(status)).toBe('fallback');
        const capable = ({ mptcp }: Inside) => mptcp.capabilities();
        const peers = { client, server };
        const { mptcp, reason } = await peers[side].run(capable);
        expect({ mptcp, code: reason?.code }).toEqual({
          mptcp: false,
          code: 'ERR_MPTCP_UNAVAILABLE',
        });
        const warnings = await peers[side].run(({ warnings: all }) => all);
        expect(warnings.map(({ code }) => code)).toEqual(['MPTCP_UNAVAILABLE']);
        expect(warnings[0]?.message).toContain('net.mptcp.enabled=1');
      },
    );

    test('a change of net.mptcp.enabled applies while the process runs', async () => {
      lab.client.sysctl('net.mptcp.enabled', 0);
      expect(await ask('net')).toMatchObject({ status: 'fallback' });
      lab.client.sysctl('net.mptcp.enabled', 1);
      expect(await ask('net')).toMatchObject({ status: 'mptcp' });
    });

    test('a middlebox that rewrites the payload of the only path causes a fallback', async () => {
      for (const host of [lab.client, lab.server]) host.sysctl('net.mptcp.checksum_enabled', 1);
      const [path] = lab.paths;
      path.insert(clampMss(1380));
      path.limitRate('50mbit');
      const { serve, fetch } = downloads.net;
      const port = await server.run(serve, ENDLESS);
      const received = client.run(fetch, path.server.address, port);
      await client.run(({ state, until }) => until(() => state.received > 1 << 20));
      expect(await client.run(status)).toBe('mptcp');
      path.insert(rewrite, 'toClient');

      // Linux can lose data in flight at such a fallback; the lab's own test counts the bytes.
      await client.run(({ state, until }) => until(() => state.connection.status === 'fallback'));
      received.catch(() => undefined);
    });
  });

  describe.each(FAMILIES)('IPv%s, two paths', (family) => {
    test('a path whose payload a middlebox rewrites is reset, and no byte is wrong', async () => {
      await using lab = await twoPaths({
        family,
        paths: [
          { router: true, rate: '20mbit' },
          { router: true, rate: '20mbit' },
        ],
      });
      for (const host of [lab.client, lab.server]) host.sysctl('net.mptcp.checksum_enabled', 1);
      const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
      const { serve, fetch } = downloads.net;
      const port = await server.run(serve, ENDLESS);
      const received = client.run(fetch, lab.paths[0].server.address, port);
      await client.run(({ state, until }) =>
        until(() => state.received > 1 << 20 && state.connection.subflows().length === 2),
      );
      lab.paths[1].insert(rewrite, 'toClient');
      await server.run(({ state, until }) => until(() => state.connection.subflows().length === 1));

      expect(await client.run(status)).toBe('mptcp');
      await server.run(({ state }) => state.sent.stop());
      const { sha256 } = await received;
      expect(sha256).toBe(await server.run(({ state }) => state.sent.digest()));
      expect(await client.run(status)).toBe('mptcp');
    });
  });
});
