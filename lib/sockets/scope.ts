/** Settings that follow the asynchronous calls of a function; loaded when there are some. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { shared } from './node/shared';
import type { Settings } from './options';
import { setAmbient } from './settings';

const storage = shared('scope.1', () => new AsyncLocalStorage<Settings>());

/**
 * Calls `callback`: sockets that it connects and servers that it lets listen have `settings`, also
 * in what it awaits and calls back.
 */
export function runInScope<T>(settings: Settings, callback: () => T): T {
  setAmbient(() => storage.getStore());
  return storage.run(settings, callback);
}
