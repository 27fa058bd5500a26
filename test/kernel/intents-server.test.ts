/** Intents of a server, checked by the paths that its bytes take. */
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
  untilOn,
} from './peers/intent-connections';
import { Peer } from './peers/peer';

const MB = 1 << 20;
const RATE = { rate: '40mbit' };
const both = ['eth1', 'eth2'];

describeKernel('intents of a server', { needs: ['tc'] }, () => {
  test.each(FAMILIES)('IPv%s: choose the paths that the bytes take', async (family) => {
    await using lab = await twoPaths({ family, paths: [RATE, RATE], join: 'none' });
    const [server, client] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
    const host = lab.paths[0].server.address;
    // Over IPv6 a server announces its IPv4 addresses too: one path for each interface is enough here.
    if (family === 6) {
      for (const { server: end } of lab.paths)
        end.namespace.ip('-4', 'address', 'flush', end.device);
    }
    await server.run(takeOver);

    /** The client has the in-kernel path manager, which joins at the announced addresses. */
    const begin = async (hints: SchedulingHints & { intent: Intent }, ...on: string[]) => {
      const port = await server.run(serveBytes, hints);
      await client.run(openWith, { host, port }, {});
      expect(await server.run(intentResults)).toContainEqual(
        expect.objectContaining({
          ...{ hint: 'intent', requested: hints.intent, by: 'policy', applied: true },
        }),
      );
      await client.run(untilOn, ...on);
      await client.run(shareOfSecond, MB); // the beginning of the connection
    };
    const end = () => client.run(({ state }) => void state.socket.destroy());

    await begin({ intent: 'aggregate' }, ...both);
    const aggregate = await client.run(shareOfSecond, 3 * MB);
    expect(aggregate).toBeGreaterThan(0.1);
    expect(aggregate).toBeLessThan(0.9);
    await end();

    await begin({ intent: 'interactive' }, ...both);
    // The change may take place during one or two of these transfers.
    const shares: number[] = [];
    for (let n = 0; n < 5; n++) shares.push(await client.run(shareOfSecond, MB / 2));
    const alone = shares.filter((share) => Math.min(share, 1 - share) < 0.05);
    expect(alone.length).toBeGreaterThanOrEqual(3);
    await end();

    await begin({ intent: 'handover' }, 'eth1');
    expect(await client.run(shareOfSecond, MB)).toBe(0);
    await client.run(untilOn, 'eth1');
    await end();

    await begin({ intent: 'backup', paths: { backup: 'eth2' } }, ...both);
    expect(await client.run(shareOfSecond, 2 * MB)).toBeLessThan(0.05);
    lab.paths[0].cut({ link: true, side: 'server' });
    await client.run(shareOfSecond, MB); // the data in flight
    expect(await client.run(shareOfSecond, MB)).toBe(1);
    await end();
  });
});
