/** Tests that items leave a delay queue after their delay. */
import { DelayQueue, type Queued } from '../../../lib/base/delay-queue';

const DELAY = 100;
const LATEST = 125;

const waiting = (): Queued => ({ due: 0, before: undefined, after: undefined });

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function queue(): { overdue: Queued[]; waits: DelayQueue<Queued> } {
  const overdue: Queued[] = [];
  return { overdue, waits: new DelayQueue<Queued>(DELAY, (each) => overdue.push(each)) };
}

test.each([0, 1, 24, 25, 26, 49, 99, 124])(
  'an item that is added %i ms after another is overdue after the delay, or up to a quarter later',
  (after) => {
    const { overdue, waits } = queue();
    const [first, second] = [waiting(), waiting()];
    waits.add(first);
    jest.advanceTimersByTime(after);
    waits.add(second);
    jest.advanceTimersByTime(DELAY - 1);
    expect(overdue).not.toContain(second);
    jest.advanceTimersByTime(LATEST - DELAY + 1);
    expect(overdue).toEqual([first, second]);
    expect(jest.getTimerCount()).toBe(0);
  },
);

test('an item that is withdrawn is not overdue, and can wait again', () => {
  const { overdue, waits } = queue();
  const [first, second] = [waiting(), waiting()];
  waits.add(first);
  waits.add(second);
  expect(waits.withdraw(first)).toBe(true);
  expect(waits.withdraw(first)).toBe(false);
  jest.advanceTimersByTime(LATEST);
  expect(overdue).toEqual([second]);
  waits.add(first);
  jest.advanceTimersByTime(LATEST);
  expect(overdue).toEqual([second, first]);
});

test('an item that waits again as soon as it is overdue keeps to the delay, and so do the others', () => {
  const overdue: number[] = [];
  const start = Date.now();
  const waits = new DelayQueue<Queued>(DELAY, (each) => {
    overdue.push(Date.now() - start);
    waits.add(each);
  });
  waits.add(waiting());
  jest.advanceTimersByTime(30);
  waits.add(waiting());
  jest.advanceTimersByTime(1000 - 30);
  expect(overdue.length).toBeGreaterThanOrEqual(14);
  expect(overdue.length).toBeLessThanOrEqual(19);
  expect(jest.getTimerCount()).toBe(1);
});
