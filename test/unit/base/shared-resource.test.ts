/** Tests a resource that is opened for its first user and lingers after its last. */
import { SharedResource } from '../../../lib/base/shared-resource';

const LINGER = 1000;

let opened = 0;
const closed: number[] = [];
let shared: SharedResource<number>;
beforeEach(() => {
  jest.useFakeTimers();
  opened = 0;
  closed.length = 0;
  shared = new SharedResource(
    () => ++opened,
    (resource) => closed.push(resource),
    LINGER,
  );
});
afterEach(() => jest.useRealTimers());

test('users share it, and it closes a while after the last of them', () => {
  const [one, other] = [shared.use(), shared.use()];
  expect([one.resource, other.resource]).toEqual([1, 1]);
  one.release();
  jest.advanceTimersByTime(2 * LINGER);
  expect(closed).toEqual([]);
  other.release();
  jest.advanceTimersByTime(LINGER - 1);
  expect(closed).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(closed).toEqual([1]);
});

test('a user that comes while it lingers keeps it open', () => {
  shared.use().release();
  jest.advanceTimersByTime(LINGER - 1);
  const { resource, release } = shared.use();
  expect(resource).toBe(1);
  jest.advanceTimersByTime(2 * LINGER);
  expect(closed).toEqual([]);
  release();
  jest.advanceTimersByTime(LINGER);
  expect(closed).toEqual([1]);
});

test('it is opened anew after it has closed', () => {
  shared.use().release();
  jest.advanceTimersByTime(LINGER);
  expect(shared.use().resource).toBe(2);
});

test('releasing twice counts once', () => {
  const [one] = [shared.use(), shared.use()];
  one.release();
  one.release();
  jest.advanceTimersByTime(2 * LINGER);
  expect(closed).toEqual([]);
});

test('where opening throws, nobody uses it', () => {
  let fails = true;
  const fragile = new SharedResource(
    () => {
      if (fails) throw new Error('no descriptor');
      return 1;
    },
    (resource) => closed.push(resource),
    LINGER,
  );
  expect(() => fragile.use()).toThrow('no descriptor');
  fails = false;
  fragile.use().release();
  jest.advanceTimersByTime(LINGER);
  expect(closed).toEqual([1]);
});

test('it does not keep the process alive while it lingers', () => {
  jest.useRealTimers();
  const set = jest.spyOn(global, 'setTimeout');
  shared.use().release();
  const timer = set.mock.results[0]?.value as NodeJS.Timeout;
  expect(timer.hasRef()).toBe(false);
  clearTimeout(timer);
  set.mockRestore();
});
