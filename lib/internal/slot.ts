/**
 * What this package knows of an object of Node's, kept on the object, out of sight of console.log()
 * and of what copies its keys. A WeakMap would do the same, but garbage collection pays for each of
 * its keys, and every connection would bring several.
 */
export class Slot<K extends object, V> {
  readonly #key: symbol;

  constructor(name: string) {
    this.#key = Symbol(`mptcp.${name}`);
  }

  get(object: K): V | undefined {
    return (object as Record<symbol, V | undefined>)[this.#key];
  }

  set(object: K, value: V): void {
    if (this.get(object) !== undefined) (object as Record<symbol, V>)[this.#key] = value;
    else Object.defineProperty(object, this.#key, { value, writable: true, configurable: true });
  }
}
