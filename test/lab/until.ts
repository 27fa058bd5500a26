import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again and again until the answer is true or not undefined; gives up after `timeout` ms, which
 * are many: a machine that is busy or slow is no reason to fail.
 */
export async function until<T>(
  what: string,
  ask: () => T | false | undefined | Promise<T | false | undefined>,
  timeout = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeout} ms`);
    await sleep(5);
  }
}
