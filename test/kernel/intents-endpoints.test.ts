/** Intents where this process does not manage paths: they follow endpoints, and the results say so. */
import type { EndpointOptions, HintResult, Intent } from '../../lib';
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
import { type Inside, Peer, type State } from './peers/peer';

const INTENTS: readonly Intent[] = ['aggregate', 'interactive', 'handover', 'backup'];
const RATE = { rate: '80mbit' };

/** The socket options that each intent stands for without a policy. */
const OPTIONS: Record<Intent, Pick<HintResult, 'by' | 'value'>[]> = {
  aggregate: [
    { by: 'TCP_NODELAY', value: false },
    { by: 'TCP_NOTSENT_LOWAT', value: 0 },
  ],
  interactive: [
    { by: 'TCP_NODELAY', value: true },
    { by: 'TCP_NOTSENT_LOWAT', value: 16_384 },
  ],
  handover: [{ by: 'TCP_KEEPIDLE', value: 10 }],
  backup: [{ by: 'TCP_KEEPIDLE', value: 10 }],
};

/** Connects with an intent on both sides; returns the share of the next bytes on the second path. */
async function secondOf([server, client]: [Peer, Peer], host: string, intent: Intent) {
  const port = await server.run(serveBytes, { intent });
  await client.run(openWith, { host, port }, { intent });
  for (const peer of [server, client]) {
    const results = await peer.run(intentResults);
    expect(results.find(({ hint }) => hint === 'intent')).toMatchObject({
      ...{ requested: intent, applied: false, reason: { code: 'ERR_MPTCP_PATH_MANAGER' } },
    });
    for (const option of OPTIONS[intent]) {
      expect(results).toContainEqual(expect.objectContaining({ ...option, applied: true }));
    }
  }
  await client.run(untilOn, 'eth1', 'eth2');
  await client.run(shareOfSecond, 1 << 18); // the beginning of the connection
  const share = await client.run(shareOfSecond, 1 << 19);
  await client.run(({ state }) => void state.socket.destroy());
  return share;
}

/** Replaces all endpoints, by the PathManager that owns the userspace mode where there is one. */
const setEndpoint = async ({ mptcp, state }: Inside, options: EndpointOptions) => {
  const { pathManager } = state as Partial<State>;
  const { endpoints } = pathManager ?? (await mptcp.PathManager.open());
  await endpoints.flush();
  await endpoints.add(options);
};

describeKernel('intents of a process that does not manage paths', { needs: ['tc'] }, () => {
  test.each(FAMILIES)('IPv%s: follow endpoints, whichever process manages them', async (family) => {
    await using lab = await twoPaths({ family, paths: [RATE, RATE], join: 'none' });
    const [first, second] = lab.paths;
    const start = (unprivileged: boolean) =>
      Promise.all([
        Peer.start(lab.server, { unprivileged }),
        Peer.start(lab.client, { unprivileged }),
      ]);
    const [owners, privileged, unprivileged] = await Promise.all([false, false, true].map(start));
    const endpoint = { address: second.client.address, interface: 'eth2', subflow: true };
    for (const userspace of [false, true]) {
      if (userspace) for (const owner of owners!) await owner.run(takeOver);
      for (const backup of [false, true]) {
        await owners![1].run(setEndpoint, { ...endpoint, backup });
        for (const intent of INTENTS) {
          const shares = [privileged!, unprivileged!].map((pair) =>
            secondOf(pair, first.server.address, intent),
          );
          for (const share of await Promise.all(shares)) {
            if (backup) expect(share).toBeLessThan(0.01);
            else expect(share).toBeGreaterThan(0.02);
          }
        }
      }
    }
  });
});
