/** The addon, and promises around its callbacks, for the tests of this folder. */
import { types } from 'node:util';
import { requireNative } from '../../../lib/kernel/addon';
import type { Deliver, NativeCommandError, NativeError } from '../../../types/native';
import { until } from '../../lab/until';

export const native = requireNative();

export type Done<T> = (error: NativeCommandError | null, result?: T) => void;

/** Makes a call, and returns what it passes to its callback. */
export function answer<T>(call: (done: Done<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error) reject(error);
      else resolve(result as T);
    });
  });
}

/** Makes a call that must fail, and returns its error. */
export async function failure<T>(call: (done: Done<T>) => unknown): Promise<NativeCommandError> {
  const result = await answer(call).catch((error: unknown) => error);
  // The error belongs to the realm that loaded the addon; jest's modules have another one.
  if (types.isNativeError(result)) return result as NativeCommandError;
  throw new Error(`the call succeeded with ${JSON.stringify(result)}`);
}

/** Closes an object at the end of the scope, and waits until its thread has ended. */
export function closing<T extends { close: (closed: () => void) => void }>(
  background: T,
): T & AsyncDisposable {
  return Object.assign(background, {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => background.close(resolve)),
  });
}

/** Collects everything that a watcher delivers. */
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

  /** Waits for the first item that matches. */
  find(what: string, match: (item: T) => boolean): Promise<T> {
    return until(what, () => this.items.find(match));
  }

  /** Waits until the watcher has opened its socket; throws if it could not. */
  async opened(): Promise<void> {
    await until('the watcher is open', () => this.calls > 0);
    if (this.error) throw this.error;
  }
}
