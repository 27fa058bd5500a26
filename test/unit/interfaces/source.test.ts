/** Tests the order of interface events while links, addresses and routes are dumped. */
import type { InterfaceEvent } from '../../../lib';
import { WatchedInterfaces } from '../../../lib/interfaces/source';
import type { Commands } from '../../../lib/kernel/commands';
import type {
  Deliver,
  NativeInterfaceChange,
  NativeLink,
  NativeRoute,
} from '../../../types/native';

let mockDeliver: Deliver<NativeInterfaceChange>;

jest.mock('../../../lib/kernel/addon', () => ({
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

interface Watched {
  events: InterfaceEvent[];
  /** Answers the running dump, by what it reads. */
  answer: {
    links: (links: NativeLink[]) => void;
    routes: (routes: NativeRoute[]) => void;
  };
}

/** A ready stream that knows one link, over a kernel whose dumps the test answers. */
async function watch(): Promise<Watched> {
  const events: InterfaceEvent[] = [];
  const answer = {} as Watched['answer'];
  const commands = {
    links: () => new Promise<NativeLink[]>((resolve) => (answer.links = resolve)),
    addresses: () => Promise.resolve([]),
    routes: () => new Promise<NativeRoute[]>((resolve) => (answer.routes = resolve)),
  };
  const ready = new Promise<void>((resolve) => {
    new WatchedInterfaces(
      commands as unknown as Commands,
      {},
      {
        ready: resolve,
        deliver: (delivered) => events.push(...delivered),
        fail: (error) => {
          throw error;
        },
      },
    );
  });
  mockDeliver(null, [], 0);
  await answerAll(answer, [eth(UP, RUNNING)]);
  await ready;
  return { events, answer };
}

async function answerAll(answer: Watched['answer'], links: NativeLink[]): Promise<void> {
  answer.links(links);
  await settled();
  answer.routes([]);
  await settled();
}

const settled = (): Promise<void> => new Promise(setImmediate);

test('changes of links are reported although a running dump of routes is ahead of them', async () => {
  const { events, answer } = await watch();
  mockDeliver(null, [changed(eth())], 0); // its routes went without a word: a dump begins
  expect(events).toMatchObject([{ type: 'linkChanged', link: { up: false } }]);
  // The link is back by now, as a dump of links would show.
  answer.links([eth(UP, RUNNING)]);
  await settled();
  mockDeliver(null, [changed(eth(UP))], 0);
  answer.routes([]);
  await settled();
  mockDeliver(null, [changed(eth(UP, RUNNING))], 0);
  expect(events.slice(1)).toMatchObject([
    { type: 'linkChanged', link: { up: true, running: false } },
    { type: 'linkChanged', link: { up: true, running: true } },
  ]);
});

test('what was reported before a full dump is not reported again after it', async () => {
  const { events, answer } = await watch();
  mockDeliver(null, [changed(eth())], 0);
  answer.routes([]);
  await settled();
  mockDeliver(null, [], -1); // lost: a dump of everything begins
  mockDeliver(null, [changed(eth(UP)), changed(eth(UP, RUNNING))], 0);
  await answerAll(answer, [eth(UP, RUNNING)]);
  expect(events).toMatchObject([
    { type: 'linkChanged', link: { up: false } },
    { type: 'overrun' },
    { type: 'linkChanged', link: { up: true, running: true } },
  ]);
});
