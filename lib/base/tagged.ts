/**
 * An object of Node's with a property of this package: each module that keeps something for an
 * object does so under a symbol of its own. A WeakMap would do the same, but garbage collection
 * pays for each of its keys, of which every connection would bring several; a property that is not
 * enumerable costs 0.6 µs to define, and Node's own symbols are enumerable too. The symbol is a
 * constant of the module, so that V8 finds the property, or that there is none, by the object's
 * shape.
 */
export type Tagged<O extends object, K extends symbol, V> = O & Partial<Record<K, V | undefined>>;
