import { poll, type Polled, setRef, stopPolling } from '../../../lib/base/poller';

const all = new Set<Polled>();
const looked = (look: () => number | undefined): Polled => {
  const entry = { look };
  all.add(entry);
  return entry;
};
afterEach(() => {
  all.forEach(stopPolling);
  all.clear();
});

const busy = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

test('each has its own interval', async () => {
  const counts = { fast: 0, slow: 0 };
  await new Promise<void>((resolve) => {
    const slow = looked(() => {
      if (++counts.slow === 3) resolve();
      return 200;
    });
    const fast = looked(() => (counts.fast++, 5));
    for (const each of [slow, fast]) {
      poll(each, 0);
      setRef(each, true);
    }
  });
  expect(counts.fast).toBeGreaterThan(3);
});

test.each([true, false])(
  'many are looked at in slices, between which the loop turns; ref: %s',
  async (ref) => {
    const keepAlive = setTimeout(() => undefined, 30_000); // an idle loop
    let left = 100;
    const turns = new Set<Promise<void>>();
    let turn: Promise<void> | undefined;
    await new Promise<void>((resolve) => {
      for (let i = 0; i < 100; i++) {
        const each = looked(() => {
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
    expect(turns.size).toBeGreaterThan(30); // 50 ms of work, at most two looks a turn
  },
  20_000, // and not when the idle loop awakes
);

test('looking takes a small part of the time, however short the intervals', async () => {
  let looks = 0;
  const start = performance.now();
  await new Promise<void>((resolve) => {
    const each = looked(() => {
      busy(2);
      if (++looks === 4) resolve();
      return 1;
    });
    poll(each, 0);
    setRef(each, true);
  });
  expect(performance.now() - start).toBeGreaterThan(3 * 20 * 2);
});

test('stops when it is told to, also by itself, also while it looks', async () => {
  let looks = 0;
  await new Promise<void>((resolve) => {
    const other = looked(() => {
      throw new Error('it was stopped');
    });
    const first = looked(() => {
      looks++;
      stopPolling(other);
      return undefined;
    });
    const last = looked(() => (looks === 1 ? (resolve(), undefined) : 1));
    for (const each of [first, other, last]) poll(each, 0);
    setRef(last, true);
  });
  expect(looks).toBe(1);
});
