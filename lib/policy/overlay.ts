/** A map of which some values are replaced, without a copy of the others. */
export class Overlay<Key, Value> implements ReadonlyMap<Key, Value> {
  readonly #base: ReadonlyMap<Key, Value>;
  readonly #replaced = new Map<Key, Value>();

  constructor(base: ReadonlyMap<Key, Value>) {
    this.#base = base;
  }

  /** Replaces the value of a key that the map has. */
  replace(key: Key, value: Value): void {
    if (this.#base.has(key)) this.#replaced.set(key, value);
  }

  get size(): number {
    return this.#base.size;
  }

  has(key: Key): boolean {
    return this.#base.has(key);
  }

  get(key: Key): Value | undefined {
    return this.#replaced.get(key) ?? this.#base.get(key);
  }

  keys(): MapIterator<Key> {
    return this.#base.keys();
  }

  *entries(): MapIterator<[Key, Value]> {
    for (const [key, value] of this.#base) yield [key, this.#replaced.get(key) ?? value];
  }

  *values(): MapIterator<Value> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.entries();
  }

  forEach(call: (value: Value, key: Key, map: ReadonlyMap<Key, Value>) => void): void {
    for (const [key, value] of this) call(value, key, this);
  }
}
