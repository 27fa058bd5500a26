/** Tests that commands of the addon neither block the event loop nor delay events. */
import type { NativeCommand, NativeEvent } from '../../../types/native';
import { describeKernel } from '../../lab/jest';
import { Namespace } from '../../lab/namespace';
import { until } from '../../lab/until';
import { Delivered, answer, closing, native } from './native';

const LISTENER_CREATED = 15;
const PAIRS = 200;

const add: NativeCommand = {
  command: 'addEndpoint',
  endpoint: { id: 1, address: '127.0.0.1', port: 5000, flags: 1, interface: 0 },
};
const remove: NativeCommand = { command: 'deleteEndpoint', id: 1 };

/** The number of turns of the event loop during `work`. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let working = true;
  const turn = (): void => {
    ++turns;
    if (working) setImmediate(turn);
  };
  turn();
  await work();
  working = false;
  return turns;
}

describeKernel('the event loop, while the kernel works on commands', {}, () => {
  test('continues, and receives events in time', async () => {
    await using host = new Namespace('event-loop');
    await using commands = closing(new native.Commands(host.name));
    const order: string[] = [];
    const events = new Delivered<NativeEvent>();
    await using watcher = closing(
      new native.EventWatcher(host.name, { queue: 1000 }, (error, items, overrun) => {
        events.deliver(error, items, overrun);
        for (const { type } of items) if (type === LISTENER_CREATED) order.push('event');
      }),
    );
    expect(watcher.threadId).not.toBe(commands.threadId);
    await events.opened();

    const start = performance.now();
    const turns = await turnsDuring(async () => {
      const deletions = [];
      for (let i = 0; i < PAIRS; ++i) {
        commands.run([add], () => order.push('added'));
        deletions.push(
          answer((done) =>
            commands.run([remove], (error, result) => {
              order.push('deleted');
              done(error, result);
            }),
          ),
        );
      }
      await Promise.all(deletions);
    });
    const elapsed = performance.now() - start;
    expect(elapsed).toBeGreaterThan(PAIRS); // the kernel takes milliseconds for each deletion
    // An event loop that waited for the kernel would turn once or twice for each deletion.
    expect(turns).toBeGreaterThan(50 * PAIRS);
    await until('all events', () => order.length === 3 * PAIRS);
    expect(events.overruns).toEqual([]);
    // An event arrives before the reply to the deletion that the kernel began right after it, unless
    // the machine is busy. One thread for both would delay all of the events.
    let seen = 0;
    let deleted = 0;
    let late = 0;
    for (const item of order) {
      if (item === 'event') ++seen;
      if (item === 'deleted' && seen < ++deleted) ++late;
    }
    expect(late).toBeLessThan(PAIRS / 2);
  });
});
