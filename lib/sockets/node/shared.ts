/**
 * Holds what all copies of this package in an environment share: an app and its libraries may have
 * one each, and so has every test file under jest, but Node has one class of sockets for all of
 * them.
 */
import net from 'node:net';

/**
 * Returns what the first copy has made under this name. A copy of another release finds nothing under
 * a name whose number has been raised, because the form of what is shared has changed.
 */
export function shared<T extends object>(name: `${string}.${number}`, make: () => T): T {
  const holder = net.Socket as unknown as Record<symbol, T | undefined>;
  return (holder[Symbol.for(`mptcp.${name}`)] ??= make());
}

/**
 * Calls `wrap` for the first copy alone, and gives it a function that returns what the copy which was
 * loaded last loads: one set of wrappers serves all copies.
 */
export function wrapOnce<Hooks>(
  name: `${string}.${number}`,
  load: () => Hooks,
  wrap: (hooks: () => Hooks) => void,
): void {
  const serving = shared<{ load?: () => Hooks }>(name, () => ({}));
  const isFirst = serving.load === undefined;
  serving.load = load;
  if (isFirst) wrap(() => (serving.load ?? load)());
}
