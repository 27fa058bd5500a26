/**
 * What this package knows of an object of Node's, kept on the object. A WeakMap would do the same,
 * but garbage collection pays for each of its keys, and every connection would bring several.
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
