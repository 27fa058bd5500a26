/** Code that is loaded when it is first used: what a program does not use, it does not pay for at start. */

/**
 * Returns a function that stands for the one which `load` gives, and which calls `load` when it is
 * called itself.
 */
export function lazily<F extends (...args: never[]) => unknown>(load: () => F): F {
  return ((...args: never[]) => load()(...args)) as F;
}
