/**
 * What this package knows of an object of Node's, kept on the object. A WeakMap would do the same,
 * but garbage collection pays for each of its keys, and every connection would bring several; a
 * property that is not enumerable costs 0.6 µs to define. Node's own symbols are enumerable too.
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
    (object as Record<symbol, V>)[this.#key] = value;
  }
}
