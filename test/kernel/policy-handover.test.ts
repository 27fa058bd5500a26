/** handover() on a phone that leaves its Wi-Fi in the middle of a download or an upload. */
import { spread } from '../../bench/statistics';
import { describeKernel } from '../lab/jest';
import type { Family } from '../lab/path-end';
import type { Path } from '../lab/path';
import { type Hosts, twoPaths } from '../lab/topologies';
import {
  connectFlow,
  drained,
  endFlow,
  pathsOf,
  receiveMore,
  serveFlows,
  stallOf,
  untilPaths,
} from './peers/flows';
import { Peer, type Role } from './peers/peer';
import { manage } from './peers/managed-peer';

const MEGABYTE = 1 << 20;
const DELAY = 10; // ms, one way
const [FAST, SLOW] = [
  { rate: '40mbit', delay: DELAY },
  { rate: '4mbit', delay: DELAY },
];

interface Outcome {
  /** The longest stall at the receiver, in ms. */
  stall: number;
  /** The percentage of the bytes after the handover that went over the second path. */
  share: number;
  actions: string[];
}

const ROUNDS = [
  [4, 'send'],
  [6, 'receive'],
  [4, 'receive'],
  [6, 'send'],
  [4, 'receive'],
] as const satisfies readonly (readonly [Family, Role])[];

/** A phone and a server with one connection after the other. */
interface Scene {
  lab: Hosts<readonly [Path, Path]>;
  server: Peer;
  phone: Peer;
  /** The port for each role of the phone; the server has the opposite one there. */
  ports: Record<Role, number>;
}

async function prepare(lab: Scene['lab'], mode: string): Promise<Scene> {
  const [server, phone] = await Promise.all([
    Peer.start(lab.server, { urgent: true }),
    Peer.start(lab.client, { urgent: true }),
  ]);
  await manage(phone, [['handover', { mode, prefer: ['eth1'] }]]);
  const [send, receive] = [await serveFlows(server, 'receive'), await serveFlows(server, 'send')];
  return { lab, server, phone, ports: { send, receive } };
}

const leave = (phone: Peer): Promise<void> =>
  phone.run(({ state }) => {
    state.managed.leaving('eth1');
  });

/** Waits until the last connection has closed, and brings the Wi-Fi back for the next round. */
async function comeBack({ lab, phone }: Scene): Promise<void> {
  const [wifi] = lab.paths;
  await phone.run(({ state, until }) =>
    until(() => state.managed.view.connections.size === 0, 30_000),
  );
  await wifi.restore();
  await phone.run(({ state, until }) =>
    until(() => {
      const { interfaces, leaving } = state.managed.view;
      const device = interfaces.find(({ name }) => name === 'eth1');
      return !leaving.has('eth1') && device?.running && device.addresses.length > 1;
    }, 30_000),
  );
  await actionsOf(phone);
}

/** Returns the actions since the last call. */
const actionsOf = (phone: Peer): Promise<string[]> =>
  phone.run(({ state }) => state.actions.splice(0).map(({ type }) => type));

async function leaveWifi(scene: Scene, mode: string, family: Family, role: Role): Promise<Outcome> {
  const { lab, server, phone, ports } = scene;
  const [wifi, cellular] = lab.paths;
  const [sender, receiver] = role === 'send' ? [phone, server] : [server, phone];
  const flow = await connectFlow(phone, role, wifi.server.addresses[family], ports[role]);
  const both = [wifi, cellular].map(({ client }) => client.addresses[family]);
  if (mode === 'simultaneous') await untilPaths(phone, both, flow);
  await receiveMore(receiver, MEGABYTE, flow);
  if (mode !== 'simultaneous') expect(await pathsOf(phone, flow)).toEqual(both.slice(0, 1));
  await stallOf(receiver, flow);

  await leave(phone);
  await receiveMore(receiver, 3 * MEGABYTE, flow);
  const end = role === 'send' ? wifi.client : wifi.server;
  if (mode !== 'break-before-make') await drained(sender, end.addresses[family], flow);
  wifi.cut({ link: true });
  await receiveMore(receiver, MEGABYTE / 2, flow);
  const traffic = (): number[] =>
    lab.paths.map(({ client }) => client.traffic()[role === 'send' ? 'sent' : 'received']);
  const before = traffic();
  await receiveMore(receiver, MEGABYTE / 2, flow);
  const [first = 0, second = 0] = traffic().map((each, i) => each - before[i]!);
  const [stall, actions] = [await stallOf(receiver, flow), await actionsOf(phone)];
  await endFlow(sender, receiver, flow);
  return { stall, share: (100 * second) / (first + second), actions };
}

describeKernel('handover', { needs: ['tc'] }, () => {
  test.each([
    ['make-before-break', 5, 50, ['createSubflow', 'setBackup']],
    ['simultaneous', 3, 1000, ['createSubflow', 'setBackup']],
    ['break-before-make', 3, 2000, ['destroySubflow', 'createSubflow']],
  ] as const)(
    '%s: nothing lost, and of %d rounds a median stall below %d ms',
    async (mode, rounds, longest, actions) => {
      await using lab = await twoPaths({ join: 'none', paths: [FAST, FAST] });
      const scene = await prepare(lab, mode);
      const stalls: number[] = [];
      for (const [family, role] of ROUNDS.slice(0, rounds)) {
        const outcome = await leaveWifi(scene, mode, family, role);
        expect(outcome.share).toBeGreaterThan(95);
        expect(outcome.actions.slice(0, 2)).toEqual(actions);
        stalls.push(outcome.stall);
        await comeBack(scene);
      }
      expect(spread(stalls).median).toBeLessThan(longest);
    },
    120_000,
  );

  test('data that are queued on a slow path arrive, however long that takes', async () => {
    await using lab = await twoPaths({ join: 'none', paths: [SLOW, FAST] });
    const { server, phone, ports } = await prepare(lab, 'make-before-break');
    await connectFlow(phone, 'receive', lab.paths[0].server.address, ports.receive);
    await receiveMore(phone, MEGABYTE / 2);
    await leave(phone);
    await receiveMore(phone, 4 * MEGABYTE);
    expect(await actionsOf(phone)).not.toContain('destroySubflow');
    await endFlow(server, phone);
  });
});
