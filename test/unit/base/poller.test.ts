/** Tests polling many items with a bounded share of the event loop. */
import { poll, type Polled, setRef, stopPolling } from '../../../lib/base/poller';

const all = new Set<Polled>();
const polled = (pollItem: () => number | undefined): Polled => {
  const item = { poll: pollItem };
  all.add(item);
  return item;
};
afterEach(() => {
  all.forEach(stopPolling);
  all.clear();
});

const busy = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

test('each item has its own interval', async () => {
  const counts = { fast: 0, slow: 0 };
  await new Promise<void>((resolve) => {
    const slow = polled(() => {
      if (++counts.slow === 3) resolve();
      return 200;
    });
    const fast = polled(() => (counts.fast++, 5));
    for (const each of [slow, fast]) {
      poll(each, 0);
      setRef(each, true);
    }
  });
  expect(counts.fast).toBeGreaterThan(3);
});

test.each([true, false])(
  'many items are polled in slices, between which the loop turns; ref: %s',
  async (ref) => {
    const keepAlive = setTimeout(() => undefined, 30_000); // an idle loop
    let left = 100;
    const turns = new Set<Promise<void>>();
    let turn: Promise<void> | undefined;
    await new Promise<void>((resolve) => {
      for (let i = 0; i < 100; i++) {
        const each = polled(() => {
          // Microtasks run when a turn is over.
          turns.add((turn ??= Promise.resolve().then(() => (turn = undefined))));
          busy(0.5);
          if (--left === 0) resolve();
          return undefined;
        });
        poll(each, 0);
        setRef(each, ref);
      }
    });
    clearTimeout(keepAlive);
    expect(turns.size).toBeGreaterThan(30); // 50 ms of work, at most two polls a turn
  },
  20_000, // and not when the timer of the idle loop fires
);

test('polling takes a small part of the time, however short the intervals', async () => {
  let polls = 0;
  const start = performance.now();
  await new Promise<void>((resolve) => {
    const each = polled(() => {
      busy(2);
      if (++polls === 4) resolve();
      return 1;
    });
    poll(each, 0);
    setRef(each, true);
  });
  expect(performance.now() - start).toBeGreaterThan(3 * 20 * 2);
});

test('an item can be stopped by itself and by another one, also during a sweep', async () => {
  let polls = 0;
  await new Promise<void>((resolve) => {
    const other = polled(() => {
      throw new Error('it was stopped');
    });
    const first = polled(() => {
      polls++;
      stopPolling(other);
      return undefined;
    });
    const last = polled(() => (polls === 1 ? (resolve(), undefined) : 1));
    for (const each of [first, other, last]) poll(each, 0);
    setRef(last, true);
  });
  expect(polls).toBe(1);
});
