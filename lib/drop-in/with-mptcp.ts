import { invalidArgType } from '../base/arguments';
import type { MptcpOptions, WithMptcpOptions } from '../sockets/options';
import { runInScope } from '../sockets/scope';
import { settingsOf } from './given-options';
import { setUp } from './setup';

/**
 * Calls `callback` and returns its result. What connects or listens inside, also later in what it
 * awaits or in its callbacks and timers, speaks MPTCP as `options` say, unless it has the option
 * `mptcp` of its own. It is for code that accepts neither an agent nor a connector, such as
 * `@grpc/grpc-js`. A connection that was made outside stays what it is, also where a pool reuses it
 * inside. ERR_INVALID_ARG_TYPE and ERR_INVALID_ARG_VALUE for wrong arguments.
 */
export function withMptcp<T>(
  options: MptcpOptions | WithMptcpOptions | boolean,
  callback: () => T,
): T {
  const settings = settingsOf(options);
  if (typeof callback !== 'function') throw invalidArgType('callback', 'a function', callback);
  setUp();
  return runInScope(settings, callback);
}
