'use strict';

// Hides a member of Node that this package uses, which the variable HIDDEN names, from the package alone:
// so a release of Node appears that has renamed it.

const { ChildProcess } = require('node:child_process');
const net = require('node:net');

const { HIDDEN } = process.env;
const create = net._createServerHandle;

/** Lets the first read of a member give undefined. */
function hideOnce(object, name) {
  const original = Object.getOwnPropertyDescriptor(object, name);
  const get = () => {
    Object.defineProperty(object, name, original);
    return undefined;
  };
  Object.defineProperty(object, name, { configurable: true, get });
}

/** Lets the first call of a function of Object give what `change` makes of its result. */
function changeOnce(name, change) {
  const original = Object[name];
  Object[name] = (...args) => {
    Object[name] = original;
    return change(original(...args));
  };
}

const HIDE = {
  'net.Server.prototype._listen2': () => hideOnce(net.Server.prototype, '_listen2'),
  'ChildProcess.prototype.spawn': () => hideOnce(ChildProcess.prototype, 'spawn'),
  'the accessor net.Socket.prototype._handle': () =>
    changeOnce('getOwnPropertyDescriptor', () => undefined),
  "a TCP handle's owner_symbol": () => changeOnce('getOwnPropertySymbols', () => []),
  'the handle of a net.Socket': () => {
    const { connect } = net.Socket.prototype;
    net._createServerHandle = undefined;
    net.Socket.prototype.connect = function () {
      net.Socket.prototype.connect = connect;
      return this;
    };
  },
};

/** A TCP handle whose class lacks a member. */
function withoutMember(member) {
  net._createServerHandle = (...args) => {
    net._createServerHandle = create;
    const handle = create(...args);
    const prototype = new Proxy(Object.getPrototypeOf(handle), {
      get: (object, name) => (name === member ? undefined : object[name]),
      has: (object, name) => name !== member && name in object,
    });
    const Hidden = Object.assign(function TCP() {}, { prototype });
    Object.defineProperty(handle, 'constructor', { value: Hidden });
    return handle;
  };
}

(HIDE[HIDDEN] ?? (() => withoutMember(HIDDEN.split('.').pop())))();
