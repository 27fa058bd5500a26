/** Tests that both paths carry a transfer, and that a cut path loses no byte. */
import { describeKernel } from '../lab/jest';
import { FAMILIES } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { Peer } from './peers/peer';
import { downloads, ENDLESS } from './peers/downloads';

const MEGABYTE = 1 << 20;
/** The bytes that each path must have carried. */
const SHARE = 100_000;

describeKernel('a transfer over two paths', { needs: ['tc', 'nft'] }, () => {
  describe.each(FAMILIES)('IPv%s', (family) => {
    test.each(Object.entries(downloads))(
      '%s: both paths carry bytes, and a cut in mid-transfer loses none',
      async (_name, { serve, fetch }) => {
        await using lab = await twoPaths({
          family,
          // The second path is added while bulk data flows: Linux 6.18 can deliver wrong bytes when a
          // subflow joins between the small records of a TLS handshake.
          join: 'none',
          paths: [{ rate: '50mbit' }, { rate: '50mbit' }],
        });
        const [server, client] = await Promise.all([
          Peer.start(lab.server),
          Peer.start(lab.client),
        ]);
        const [first, second] = lab.paths;
        const port = await server.run(serve, ENDLESS);
        const received = client.run(fetch, first.server.address, port);

        const receiveMore = (bytes: number) =>
          client.run(async ({ state, until }, more) => {
            const before = state.received;
            await until(() => state.received > before + more);
          }, bytes);
        await client.run(({ state, until }) => until(() => state.received > 0));
        await receiveMore(MEGABYTE);
        second.client.addEndpoint('subflow');
        await server.run(
          ({ state, until }, share) =>
            until(() => {
              const [one, other] = state.connection.subflows();
              return [one, other].every((each) => (each?.tcpInfo.bytesAcked ?? 0) > share);
            }),
          SHARE,
        );
        const [atServer, atClient] = await Promise.all(
          [server, client].map((peer) => peer.run(({ state }) => state.connection.subflows())),
        );
        first.cut({ silent: true });

        expect(atClient!.map(({ local }) => local.address).sort()).toEqual(
          [first, second].map(({ client: { address } }) => address).sort(),
        );
        for (const { tcpInfo } of atServer!) expect(tcpInfo.bytesAcked).toBeGreaterThan(SHARE);
        for (const { tcpInfo } of atClient!) expect(tcpInfo.bytesReceived).toBeGreaterThan(SHARE);
        await receiveMore(MEGABYTE);
        await server.run(({ state }) => state.sent.stop());
        const { sha256 } = await received;
        expect(sha256).toBe(await server.run(({ state }) => state.sent.digest()));
      },
    );
  });
});
