import { types } from 'node:util';
import { loadError, loadNative } from '../../../lib/kernel/addon';
import type { Deliver, Native, NativeCommandError, NativeError } from '../../../types/native';
import { until } from '../../lab/until';

function load(): Native {
  const native = loadNative();
  if (native === undefined) throw loadError() ?? new Error('no addon');
  return native;
}

export const native = load();

export type Done<T> = (error: NativeCommandError | null, result?: T) => void;

/** What a call answers by its callback. */
export function answer<T>(call: (done: Done<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error) reject(error);
      else resolve(result as T);
    });
  });
}

/** The rejection of a call that must fail. */
export async function failure<T>(call: (done: Done<T>) => unknown): Promise<NativeCommandError> {
  const result = await answer(call).catch((error: unknown) => error);
  // Of the realm that loaded the addon, where jest's modules have one of their own.
  if (types.isNativeError(result)) return result as NativeCommandError;
  throw new Error(`it gave ${JSON.stringify(result)}`);
}

/** Ends the thread of what it is given at the end of the scope. */
export function closing<T extends { close: (closed: () => void) => void }>(
  background: T,
): T & AsyncDisposable {
  return Object.assign(background, {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => background.close(resolve)),
  });
}

/** Everything that a watcher delivers. */
export class Delivered<T> {
  items: T[] = [];
  calls = 0;
  overruns: number[] = [];
  error?: NativeError;

  readonly deliver: Deliver<T> = (error, items, overrun) => {
    this.calls += 1;
    if (error) this.error = error;
    this.items.push(...items);
    if (overrun !== 0) this.overruns.push(overrun);
  };

  /** The first item that matches. */
  find(what: string, match: (item: T) => boolean): Promise<T> {
    return until(what, () => this.items.find(match));
  }

  /** Until the watcher watches. */
  async opened(): Promise<void> {
    await until('the watcher', () => this.calls > 0);
    if (this.error) throw this.error;
  }
}
