import { DelayQueue, type Queued } from '../../../lib/base/delay-queue';

const DELAY = 100;
const LATEST = 125;

const waiting = (): Queued => ({ due: 0, before: undefined, after: undefined });

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function queue(): { told: Queued[]; waits: DelayQueue<Queued> } {
  const told: Queued[] = [];
  return { told, waits: new DelayQueue<Queued>(DELAY, (each) => told.push(each)) };
}

test.each([0, 1, 24, 25, 26, 49, 99, 124])(
  'what begins to wait %i ms after another is told after the delay, or up to a quarter later',
  (after) => {
    const { told, waits } = queue();
    const [first, second] = [waiting(), waiting()];
    waits.add(first);
    jest.advanceTimersByTime(after);
    waits.add(second);
    jest.advanceTimersByTime(DELAY - 1);
    expect(told).not.toContain(second);
    jest.advanceTimersByTime(LATEST - DELAY + 1);
    expect(told).toEqual([first, second]);
    expect(jest.getTimerCount()).toBe(0);
  },
);

test('what is withdrawn is not told, and can wait again', () => {
  const { told, waits } = queue();
  const [first, second] = [waiting(), waiting()];
  waits.add(first);
  waits.add(second);
  expect(waits.withdraw(first)).toBe(true);
  expect(waits.withdraw(first)).toBe(false);
  jest.advanceTimersByTime(LATEST);
  expect(told).toEqual([second]);
  waits.add(first);
  jest.advanceTimersByTime(LATEST);
  expect(told).toEqual([second, first]);
});

test('what waits again as soon as it is told keeps to the delay, and so do the others', () => {
  const told: number[] = [];
  const start = Date.now();
  const waits = new DelayQueue<Queued>(DELAY, (each) => {
    told.push(Date.now() - start);
    waits.add(each);
  });
  waits.add(waiting());
  jest.advanceTimersByTime(30);
  waits.add(waiting());
  jest.advanceTimersByTime(1000 - 30);
  expect(told.length).toBeGreaterThanOrEqual(14);
  expect(told.length).toBeLessThanOrEqual(19);
  expect(jest.getTimerCount()).toBe(1);
});
