/** How long a failing path stalls a connection with heal() and with the in-kernel path manager. */
import { spread } from '../../bench/statistics';
import { describeKernel } from '../lab/jest';
import type { Path } from '../lab/path';
import { FAMILIES, type Family } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import { connectFlow, endFlow, receiveMore, serveFlows, stallOf, untilPaths } from './peers/flows';
import { Peer } from './peers/peer';
import { manage } from './peers/managed-peer';

const MEGABYTE = 1 << 20;
const RATE = { rate: '20mbit' };
/** The kernel's stalls are multiples of 200 ms, from 200 to 800: a median of few of them varies. */
const ROUNDS = 9;

type By = 'heal' | 'kernel';

/** The longest stall at the receiver, in ms, of a sender whose first of two paths fails. */
async function stall(by: By, family: Family, fail: (path: Path) => void): Promise<number> {
  await using lab = await twoPaths({ family, join: 'none', paths: [RATE, RATE] });
  if (by === 'kernel') lab.paths[1].client.addEndpoint('subflow', 'backup');
  const [server, client] = await Promise.all([
    Peer.start(lab.server, { urgent: true }),
    Peer.start(lab.client, { urgent: true }),
  ]);
  if (by === 'heal') await manage(client, [['backup', { standby: 'eth2' }], ['heal']]);
  const port = await serveFlows(server, 'receive');
  await connectFlow(client, 'send', lab.paths[0].server.address, port);
  await untilPaths(
    client,
    lab.paths.map((path) => path.client.address),
  );
  await receiveMore(server, MEGABYTE);
  await stallOf(server);
  fail(lab.paths[0]);
  await receiveMore(server, MEGABYTE);
  const longest = await stallOf(server);
  await endFlow(client, server);
  return longest;
}

describeKernel('a path that fails, with a standby one', { needs: ['tc', 'nft'] }, () => {
  test.each([
    ['silently', 0.5, ROUNDS, (path: Path) => path.cut({ silent: true })],
    ['by its link', 1.1, 3, (path: Path) => path.cut({ link: true })],
    ['by its address', 1.1, 3, (path: Path) => path.client.removeAddress()],
  ] as const)(
    '%s: at most %d of what the kernel takes',
    async (_how, most, rounds, fail) => {
      const stalls: Record<By, number[]> = { heal: [], kernel: [] };
      for (let round = 0; round < rounds; ++round) {
        const family = FAMILIES[round % FAMILIES.length]!;
        for (const by of ['kernel', 'heal'] as const) {
          stalls[by].push(await stall(by, family, fail));
        }
      }
      expect(spread(stalls.heal).median / spread(stalls.kernel).median).toBeLessThanOrEqual(most);
    },
    120_000,
  );
});
