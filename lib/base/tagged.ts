/**
 * What this package knows of an object of Node's is kept on the object, by a symbol of the module that
 * knows it. A WeakMap would do the same, but garbage collection pays for each of its keys, and every
 * connection would bring several; a property that is not enumerable costs 0.6 µs to define. Node's own
 * symbols are enumerable too. Each module says its own symbol, a constant: so V8 finds the property,
 * and that there is none, by the object's shape.
 */
export type Tagged<O extends object, K extends symbol, V> = O & Partial<Record<K, V | undefined>>;
