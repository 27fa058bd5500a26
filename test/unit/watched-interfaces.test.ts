import type { InterfaceEvent } from '../../lib';
import type { Commands } from '../../lib/internal/commands';
import { WatchedInterfaces } from '../../lib/internal/watched-interfaces';
import type { Deliver, NativeInterfaceChange, NativeLink } from '../../types/native';

let mockDeliver: Deliver<NativeInterfaceChange>;

jest.mock('../../lib/internal/machine', () => ({
  requireNative: () => ({
    InterfaceWatcher: function (...args: [unknown, unknown, typeof mockDeliver]) {
      mockDeliver = args[2];
    },
  }),
}));

const [UP, RUNNING] = [1, 0x40];
const eth = (...flags: number[]): NativeLink => ({
  ...{ index: 2, name: 'eth0', flags: flags.reduce((all, each) => all | each, 0) },
});
const changed = (link: NativeLink): NativeInterfaceChange => ({ kind: 'changed', link });

test('what was told before a dump and comes after it is no news', async () => {
  const events: InterfaceEvent[] = [];
  let reading: (links: NativeLink[]) => void = () => undefined;
  const commands = {
    links: () => new Promise<NativeLink[]>((resolve) => (reading = resolve)),
    addresses: () => Promise.resolve([]),
    routes: () => Promise.resolve([]),
  };
  const ready = new Promise<void>((resolve) => {
    new WatchedInterfaces(
      commands as unknown as Commands,
      {},
      {
        ready: resolve,
        deliver: (told) => events.push(...told),
        fail: (error) => {
          throw error;
        },
      },
    );
  });
  mockDeliver(null, [], 0);
  reading([eth(UP, RUNNING)]);
  await ready;
  mockDeliver(null, [changed(eth())], 0); // its routes went without a word: a dump begins
  expect(events).toMatchObject([{ type: 'linkChanged', link: { up: false } }]);
  mockDeliver(null, [changed(eth(UP)), changed(eth(UP, RUNNING))], 0);
  reading([eth(UP, RUNNING)]);
  await new Promise(setImmediate);
  expect(events.slice(1)).toMatchObject([
    { type: 'linkChanged', link: { up: true, running: true } },
  ]);
});
