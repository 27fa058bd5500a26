/**
 * net.Socket makes a copy of its options and adds to it. V8 before 12 (Node 20) gives each such copy
 * hidden classes of its own, and Node's inline caches miss wherever they read it: half of a client's
 * instructions in user mode. Options that have these keys already are spared that.
 */
import { toTarget } from '../sockets/node/install';

type Connect = (...args: never[]) => unknown;

/**
 * Returns a copy with the keys that net.Socket adds, which overwrites their values. It is a literal
 * because V8 gives a copy of a constant a hidden class of its own too.
 */
function whole(options: object): object {
  return {
    allowHalfOpen: false,
    emitClose: false,
    autoDestroy: true,
    decodeStrings: false,
    ...options,
  };
}

/** Returns arguments of net.connect() that mean the same and have whole options. */
function wholeArguments(args: readonly unknown[]): readonly unknown[] {
  const first = args[0];
  if (typeof first === 'number') return [whole(toTarget(args)), args[args.length - 1]];
  if (typeof first !== 'object' || first === null) return args;
  // A copy would lose inherited options, which Node reads too.
  if (Object.getPrototypeOf(first) !== Object.prototype) return args;
  return [whole(first), ...args.slice(1)];
}

const needed = Number.parseInt(process.versions.v8) < 12;

/** Wraps net.connect() so that its options are whole where V8 needs that. */
export function withWholeOptions<C extends Connect>(connect: C): C {
  if (!needed) return connect;
  return ((...args: never[]) => connect(...(wholeArguments(args) as never[]))) as C;
}
