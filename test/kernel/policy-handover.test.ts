/** A phone that leaves its Wi-Fi in the middle of a download or an upload. */
import { spread } from '../../bench/statistics';
import { describeKernel } from '../lab/jest';
import type { Family } from '../lab/path-end';
import { twoPaths } from '../lab/topologies';
import {
  connectFlow,
  endFlow,
  pathsOf,
  receiveMore,
  serveFlows,
  stallOf,
  untilPaths,
} from './peers/flows';
import { Peer, type Role } from './peers/peer';
import { manage } from './peers/policies';

const MEGABYTE = 1 << 20;
const RATE = { rate: '40mbit' };

interface Outcome {
  /** The longest stall at the receiver, in ms. */
  stall: number;
  /** Of the bytes after the handover, how many went over the second path, in percent. */
  share: number;
  actions: string[];
}

async function leaveWifi(mode: string, family: Family, role: Role): Promise<Outcome> {
  await using lab = await twoPaths({ family, join: 'none', paths: [RATE, RATE] });
  const [wifi, cellular] = lab.paths;
  const [server, phone] = await Promise.all([Peer.start(lab.server), Peer.start(lab.client)]);
  await manage(phone, [['handover', { mode, prefer: ['eth1'] }]]);
  const [sender, receiver] = role === 'send' ? [phone, server] : [server, phone];
  const port = await serveFlows(server, role === 'send' ? 'receive' : 'send');
  await connectFlow(phone, role, wifi.server.address, port);
  const both = [wifi.client.address, cellular.client.address];
  if (mode === 'simultaneous') await untilPaths(phone, both);
  await receiveMore(receiver, 2 * MEGABYTE);
  if (mode !== 'simultaneous') expect(await pathsOf(phone)).toEqual([wifi.client.address]);
  await stallOf(receiver);

  await phone.run(({ state }) => {
    state.managed.leaving('eth1');
  });
  await receiveMore(receiver, 4 * MEGABYTE);
  wifi.cut({ link: true });
  await receiveMore(receiver, MEGABYTE);
  const traffic = (): number[] =>
    lab.paths.map(({ client }) => client.traffic()[role === 'send' ? 'sent' : 'received']);
  const before = traffic();
  await receiveMore(receiver, MEGABYTE);
  const [first = 0, second = 0] = traffic().map((each, i) => each - before[i]!);
  const stall = await stallOf(receiver);
  await endFlow(sender, receiver);
  const actions = await phone.run(({ state }) => state.actions.map(({ type }) => type));
  return { stall, share: (100 * second) / (first + second), actions };
}

describeKernel('handover', { needs: ['tc'] }, () => {
  test.each([
    ['make-before-break', 50, ['createSubflow', 'setBackup']],
    ['simultaneous', 1000, ['createSubflow', 'setBackup']],
    ['break-before-make', 2000, ['destroySubflow', 'createSubflow']],
  ] as const)('%s: nothing lost, and a stall below %d ms', async (mode, longest, actions) => {
    const stalls: number[] = [];
    for (const [family, role] of [
      [4, 'send'],
      [6, 'receive'],
      [4, 'receive'],
    ] as const) {
      const outcome = await leaveWifi(mode, family, role);
      expect(outcome.share).toBeGreaterThan(95);
      expect(outcome.actions.slice(0, 2)).toEqual(actions);
      stalls.push(outcome.stall);
    }
    expect(spread(stalls).median).toBeLessThan(longest);
  });
});
