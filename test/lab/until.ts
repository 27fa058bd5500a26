import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Polls `ask` until it returns something but false and undefined, and returns that. Throws after
 * `timeout` ms, a large default that tolerates a busy or slow machine.
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
    if (performance.now() > deadline) throw new Error(`timed out after ${timeout} ms: ${what}`);
    await sleep(5);
  }
}
