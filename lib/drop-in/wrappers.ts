/** What the drop-in modules share: Node's classes and functions, with the `mptcp` option. */
import type net from 'node:net';
import { checkMptcpOptions, type Settings } from '../sockets/options';
import { setServerSettings, setSocketSettings, withSettings } from '../sockets/settings';
import { setUp } from './setup';

setUp();

/** Of the first of `args` that is an object with the key `mptcp`, or the default. */
export function settingsFrom(args: readonly unknown[]): Settings {
  for (const arg of args) {
    if (typeof arg !== 'object' || arg === null || !('mptcp' in arg)) continue;
    return checkMptcpOptions(arg.mptcp);
  }
  return checkMptcpOptions();
}

type Class<T extends object> = (abstract new (...args: never[]) => T) & { prototype: T };

/**
 * Node's class with `arm` called on each new object: with `new`, without, and by subclasses of both
 * styles. The prototype is Node's own, so `instanceof` holds both ways.
 */
function armedClass<T extends object, C extends Class<T>>(
  base: C,
  arm: (object: T, settings: Settings) => void,
): C {
  return new Proxy(base, {
    construct(target, args, newTarget) {
      const settings = settingsFrom(args);
      const object = Reflect.construct(target, args, newTarget) as T;
      arm(object, settings);
      return object;
    },
    apply(target, thisArg: unknown, args) {
      const settings = settingsFrom(args);
      const result: unknown = Reflect.apply(target as unknown as () => unknown, thisArg, args);
      const object = (result ?? thisArg) as T;
      arm(object, settings);
      return result;
    },
  });
}

export function socketClass<C extends Class<net.Socket>>(base: C): C {
  return armedClass<net.Socket, C>(base, setSocketSettings);
}

export function serverClass<C extends Class<net.Server>>(base: C): C {
  return armedClass<net.Server, C>(base, setServerSettings);
}

/** Node's function that makes a server, which is bound later; `F` is its type with the option. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names it
export function serverFactory<F>(create: (...args: never[]) => net.Server): F {
  return ((...args: never[]) => {
    const settings = settingsFrom(args);
    const server = create(...args);
    setServerSettings(server, settings);
    return server;
  }) as F;
}

/** Node's function that connects sockets before it returns; `F` is its type with the option. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names it
export function connecting<F>(connect: (...args: never[]) => unknown): F {
  return ((...args: never[]) => withSettings(settingsFrom(args), connect, ...args)) as F;
}
