/**
 * Makes the module object of a drop-in module. It has this package's own exports, and every other
 * property is that of Node's module: reads and writes, and the stubs of tests, reach Node's.
 */

/** The own property descriptor of Node's module in the form that a proxy may report. */
function descriptorOf(node: object, key: PropertyKey): PropertyDescriptor | undefined {
  const descriptor = Reflect.getOwnPropertyDescriptor(node, key);
  // A proxy must not report a property as fixed that its target does not have.
  return descriptor && { ...descriptor, configurable: true };
}

/** Returns `own`, extended by the properties of Node's module. */
function over(node: object, own: object): object {
  const holder = (key: PropertyKey): object => (Object.hasOwn(own, key) ? own : node);
  return new Proxy(own, {
    get: (_own, key) => Reflect.get(holder(key), key) as unknown,
    set: (_own, key, value) => Reflect.set(holder(key), key, value),
    has: (_own, key) => Reflect.has(own, key) || Reflect.has(node, key),
    ownKeys: () => [...new Set([...Reflect.ownKeys(node), ...Reflect.ownKeys(own)])],
    getOwnPropertyDescriptor: (_own, key) =>
      Reflect.getOwnPropertyDescriptor(own, key) ?? descriptorOf(node, key),
    defineProperty: (_own, key, descriptor) => Reflect.defineProperty(holder(key), key, descriptor),
    deleteProperty: (_own, key) => Reflect.deleteProperty(holder(key), key),
    preventExtensions: () => false, // Node's properties are not the target's
  });
}

/**
 * Replaces what `module` exports by the properties of Node's module and `own`. The result is its own
 * `default` too, which `import http from 'mptcp/http'` reads when it is compiled to CommonJS.
 */
export function openDoor(module: NodeJS.Module, node: object, own: object): void {
  const door = over(node, own);
  Object.defineProperty(own, '__esModule', { value: true });
  Object.defineProperty(own, 'default', { value: door, writable: true, configurable: true });
  module.exports = door;
}
