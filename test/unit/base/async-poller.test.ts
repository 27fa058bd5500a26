/** Tests the repetition of one asynchronous poll. */
import { AsyncPoller } from '../../../lib/base/poller';

const INTERVAL = 100;

/** A poll of `length` ms, and the record of its runs. */
function slow(length: number) {
  const runs = { begun: [] as number[], ended: 0, concurrent: 0, most: 0 };
  const start = performance.now();
  const poll = async (): Promise<void> => {
    runs.begun.push(performance.now() - start);
    runs.most = Math.max(runs.most, ++runs.concurrent);
    await new Promise((resolve) => setTimeout(resolve, length));
    runs.concurrent--;
    runs.ended++;
  };
  return { runs, poll };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('it polls at once, and then an interval after the end of each poll', async () => {
  const { runs, poll } = slow(30);
  const poller = new AsyncPoller(poll, { interval: INTERVAL });
  poller.start();
  await jest.advanceTimersByTimeAsync(3 * (INTERVAL + 30) - 1);
  expect(runs.begun).toEqual([0, 130, 260]);
  poller.stop();
  await jest.advanceTimersByTimeAsync(10 * INTERVAL);
  expect(runs).toMatchObject({ ended: 3 });
  expect(jest.getTimerCount()).toBe(0);
});

test('it begins after a delay where there is one', async () => {
  const { runs, poll } = slow(0);
  const poller = new AsyncPoller(poll, { interval: INTERVAL });
  poller.start(70);
  await jest.advanceTimersByTimeAsync(80);
  expect(runs.begun).toEqual([70]);
  poller.stop();
});

test('the pause after a long poll is a multiple of its length', async () => {
  const { runs, poll } = slow(30);
  const poller = new AsyncPoller(poll, { interval: INTERVAL, pause: 20 });
  poller.start();
  await jest.advanceTimersByTimeAsync(30 + 20 * 30 + 1);
  expect(runs.begun).toEqual([0, 630]);
  poller.stop();
});

test('polls on request never overlap, are shared, and begin after the request', async () => {
  const { runs, poll } = slow(30);
  const poller = new AsyncPoller(poll, { interval: INTERVAL });
  const ended: string[] = [];
  const request = (name: string): void => void poller.poll().then(() => ended.push(name));
  request('first');
  request('first too');
  await jest.advanceTimersByTimeAsync(10);
  request('second');
  request('second too');
  await jest.advanceTimersByTimeAsync(20);
  expect(ended).toEqual(['first', 'first too']);
  await jest.advanceTimersByTimeAsync(30);
  expect(ended).toEqual(['first', 'first too', 'second', 'second too']);
  expect(runs).toMatchObject({ begun: [0, 30], most: 1 });
  expect(jest.getTimerCount()).toBe(0); // it was not started
});

test('a poll on request replaces the next one', async () => {
  const { runs, poll } = slow(0);
  const poller = new AsyncPoller(poll, { interval: INTERVAL });
  poller.start();
  await jest.advanceTimersByTimeAsync(60);
  void poller.poll();
  await jest.advanceTimersByTimeAsync(INTERVAL + 1);
  expect(runs.begun).toEqual([0, 60, 160]);
  poller.stop();
});

test('stopping during a poll ends the repetition, starting then polls once more', async () => {
  const { runs, poll } = slow(30);
  const poller = new AsyncPoller(poll, { interval: INTERVAL });
  poller.start();
  await jest.advanceTimersByTimeAsync(10);
  poller.stop();
  await jest.advanceTimersByTimeAsync(5);
  poller.start();
  await jest.advanceTimersByTimeAsync(30);
  expect(runs.begun).toEqual([0, 30]);
  poller.stop();
  await jest.advanceTimersByTimeAsync(10 * INTERVAL);
  expect(runs.ended).toBe(2);
});

test('it keeps the process alive after ref() alone', async () => {
  jest.useRealTimers();
  const set = jest.spyOn(global, 'setTimeout');
  const refs = () => (set.mock.results.at(-1)?.value as NodeJS.Timeout).hasRef();
  const poller = new AsyncPoller(() => Promise.resolve(), { interval: 60_000 });
  poller.start();
  await poller.poll();
  expect(refs()).toBe(false);
  poller.ref();
  expect(refs()).toBe(true);
  await poller.poll();
  expect(refs()).toBe(true);
  poller.unref();
  expect(refs()).toBe(false);
  poller.stop();
  set.mockRestore();
});
