import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { Peer } from './peers/peer';
import { downloads } from './peers/transfers';

const LENGTH = 6 << 20;

describeKernel('two paths', { needs: ['tc', 'nft'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    test.each(Object.entries(downloads))(
      '%s: both carry bytes, and a cut in mid-transfer loses none',
      async (_name, { serve, fetch }) => {
        await using lab = await twoPaths({
          family,
          // The second path comes while bulk data flows: Linux 6.18 can take the small records of a
          // TLS handshake for others when a subflow joins between them.
          join: 'none',
          paths: [{ rate: '50mbit' }, { rate: '50mbit' }],
        });
        const [server, client] = await Promise.all([
          Peer.start(lab.server),
          Peer.start(lab.client),
        ]);
        const [first, second] = lab.paths;
        const port = await server.run(serve, LENGTH);
        const received = client.run(fetch, first.server.address, port);

        await client.run(({ state, until }) => until(() => state.received > 1 << 20));
        second.client.addEndpoint('subflow');
        await client.run(
          ({ state, until }, half) => until(() => state.received > half),
          LENGTH / 2,
        );
        const [atServer, atClient] = await Promise.all(
          [server, client].map((peer) => peer.run(({ state }) => state.connection.subflows())),
        );
        first.cut({ silent: true });

        expect(atClient!.map(({ local }) => local.address).sort()).toEqual(
          [first, second].map(({ client: { address } }) => address).sort(),
        );
        for (const { tcpInfo } of atServer!) expect(tcpInfo.bytesAcked).toBeGreaterThan(100_000);
        for (const { tcpInfo } of atClient!) expect(tcpInfo.bytesReceived).toBeGreaterThan(100_000);
        expect(await received).toEqual({
          length: LENGTH,
          sha256: await server.run(({ state }) => state.sent.digest()),
        });
      },
    );
  });
});
