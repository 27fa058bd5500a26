/**
 * net.Socket makes a copy of its options and adds to it. V8 before 12 (Node 20) gives each such copy
 * hidden classes of its own, and Node's inline caches miss wherever they look at it: half of a
 * client's instructions in user mode. Options that have these keys already are spared that.
 */
import { toTarget } from '../sockets/node/install';

type Connect = (...args: never[]) => unknown;

/** A literal: V8 does the same to a copy of a constant. What the socket adds wins anyhow. */
function whole(options: object): object {
  return {
    allowHalfOpen: false,
    emitClose: false,
    autoDestroy: true,
    decodeStrings: false,
    ...options,
  };
}

/** Arguments of net.connect that mean the same. */
function wholeArguments(args: readonly unknown[]): readonly unknown[] {
  const first = args[0];
  if (typeof first === 'number') return [whole(toTarget(args)), args[args.length - 1]];
  if (typeof first !== 'object' || first === null) return args;
  // Node reads what is inherited too.
  if (Object.getPrototypeOf(first) !== Object.prototype) return args;
  return [whole(first), ...args.slice(1)];
}

const needed = Number.parseInt(process.versions.v8) < 12;

/** net.connect, with whole options where V8 needs that. */
export function withWholeOptions<C extends Connect>(connect: C): C {
  if (!needed) return connect;
  return ((...args: never[]) => connect(...(wholeArguments(args) as never[]))) as C;
}
