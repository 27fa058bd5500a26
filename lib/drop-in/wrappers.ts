/** Wraps the classes and functions of Node's modules so that their options take the key `mptcp`. */
import type net from 'node:net';
import { lazily } from '../base/lazy';
import { checkMptcpOptions, type Settings, type WithMptcpOptions } from '../sockets/options';
import {
  ambientSettings,
  setServerSettings,
  setSocketSettings,
  withSettings,
} from '../sockets/settings';
import { setUp } from './setup';

setUp();

/** As sockets/requirement.ts has it, which is loaded where MPTCP is required. */
export const requireOf = lazily(
  () => (require('../sockets/requirement') as typeof import('../sockets/requirement')).requireOf,
);

/** Node's options with the key `mptcp`; undefined stays undefined where Node allows it. */
type WithMptcp<Options> = Options extends undefined ? Options : Options & WithMptcpOptions;

/** A class of Node's servers whose options take the key `mptcp`. */
export interface ServerClass<Server extends net.Server, Options, Listener> {
  /** Makes a server with default options: MPTCP where this machine has it. */
  new (listener?: Listener): Server;
  /** Makes a server with Node's options and `mptcp`. */
  new (options: WithMptcp<Options>, listener?: Listener): Server;
  /** The prototype of Node's class, so that `instanceof` holds both ways. */
  prototype: Server;
}

/** A function of Node's that makes a server, whose options take the key `mptcp`. */
export interface CreateServer<Server extends net.Server, Options, Listener> {
  /** Makes a server with default options: MPTCP where this machine has it. */
  (listener?: Listener): Server;
  /** Makes a server with Node's options and `mptcp`. */
  (options: WithMptcp<Options>, listener?: Listener): Server;
}

/**
 * Returns the settings of the first argument that has a key `mptcp`, or else those of withMptcp(), or
 * else the default ones.
 */
export function settingsFrom(args: readonly unknown[]): Settings {
  for (const arg of args) {
    if (typeof arg !== 'object' || arg === null || !('mptcp' in arg)) continue;
    return checkMptcpOptions(arg.mptcp);
  }
  return ambientSettings() ?? checkMptcpOptions();
}

type Class<T extends object> = (abstract new (...args: never[]) => T) & { prototype: T };

/**
 * Returns Node's class with `arm` called on each new object: with `new`, without, and by subclasses
 * of both styles. The prototype is Node's own, so `instanceof` holds both ways.
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

/** Wraps a class of sockets: each new one has the settings of its constructor's options. */
export function socketClass<C extends Class<net.Socket>>(base: C): C {
  return armedClass<net.Socket, C>(base, (socket, settings) => {
    setSocketSettings(socket, settings);
    // One of a given descriptor may be connected already, or only be bound.
    if (settings.mode === 'require' && socket.remoteAddress !== undefined)
      requireOf(socket, (error) => socket.destroy(error));
  });
}

/** Wraps a class of servers: each new one has the settings of its constructor's options. */
export function serverClass<C extends Class<net.Server>>(base: C): C {
  return armedClass<net.Server, C>(base, setServerSettings);
}

/** Wraps a function that makes a server, which is bound later; `F` is its type with the option. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names it
export function serverFactory<F>(create: (...args: never[]) => net.Server): F {
  return ((...args: never[]) => {
    const settings = settingsFrom(args);
    const server = create(...args);
    setServerSettings(server, settings);
    return server;
  }) as F;
}

/** Wraps a function that connects sockets before it returns; `F` is its type with the option. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller names it
export function connecting<F>(connect: (...args: never[]) => unknown): F {
  return ((...args: never[]) => withSettings(settingsFrom(args), connect, ...args)) as F;
}
