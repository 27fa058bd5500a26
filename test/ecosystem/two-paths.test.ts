/**
 * Tests of frameworks and clients between two hosts: with a second path, their bytes use both. It is
 * added while they stream: Linux 6.18 may deliver wrong bytes when a subflow joins between the small
 * records of a TLS handshake, with this package and without.
 */
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { nodeIn, PRELOAD, report, type Scheme, withServer } from './program';

const ROWS: [client: string, modules: string, server: string, way: string, scheme: Scheme][] = [
  ['undici', 'mptcp/', 'fastify', 'factory', 'https'],
  ['axios', 'mptcp/', 'express', 'enable', 'http'],
  ['http2', 'mptcp/', 'http2', 'import', 'https'],
  ['fetch', 'node:', 'node', 'prefer', 'https'],
];
const BYTES = 6_000_000;
/** Less than a busy machine can process, and slow enough to start ip(8) during the transfer. */
const RATE = { rate: '15mbit' };
/** Node 22 does not match an IPv6 address with a certificate. */
const TRUST = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };

describeKernel('frameworks over two paths', { needs: ['tc'] }, () => {
  describe.each(FAMILIES)('of IPv%i', (family) => {
    test.each(ROWS)(
      '%s (modules of %s) with %s (%s) by %s',
      async (client, modules, server, way, scheme) => {
        await using hosts = await twoPaths({
          family,
          join: 'none',
          paths: [RATE, RATE],
        });
        const { address } = hosts.paths[0].server;
        const host = family === 6 ? `[${address}]` : address;
        const args = [way, scheme, address];
        await withServer(nodeIn(hosts.server, `servers/${server}.mjs`, args), async (port) => {
          const peer = [modules, `${scheme}://${host}:${port}`, String(BYTES)];
          const env = { ...TRUST, ...(modules === 'node:' ? PRELOAD : {}) };
          const running = nodeIn(hosts.client, `clients/${client}.mjs`, peer, env);
          await running.line(/^streaming$/, { from: 'stderr' });
          hosts.paths[1].client.addEndpoint('subflow');
          const done = await report(running);
          expect(done.server[0].status).toBe('mptcp');
          expect(done.echoed).toBe(true);
          const subflows = done.client.flatMap((connection) => connection.subflows);
          expect(subflows).toHaveLength(2);
          for (const bytes of subflows) expect(bytes).toBeGreaterThan(BYTES / 10);
        });
      },
    );
  });
});
