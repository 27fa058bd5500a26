'use strict';

/** The arguments of net.connect(): accepted and refused as in Node. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { parity } = require('../support/parity');
const { listen, own } = require('../support/peers');
const { program } = require('../support/program');

const HOST = '127.0.0.1';

class Options {
  constructor(port) {
    this.port = port;
  }
  get host() {
    return HOST;
  }
}

describe('net.connect accepts', () => {
  const forms = {
    'a port': (port) => [port],
    'a port and a callback': (port, callback) => [port, callback],
    'a port and a host': (port) => [port, HOST],
    'a port, a host and a callback': (port, callback) => [port, HOST, callback],
    'a port, nothing and a callback': (port, callback) => [port, undefined, callback],
    'a port in a string': (port, callback) => [String(port), HOST, callback],
    options: (port) => [{ port, host: HOST }],
    'options and a callback': (port, callback) => [{ port, host: HOST }, callback],
    'options without a prototype': (port) => [{ __proto__: null, port, host: HOST }],
    'inherited options': (port) => [Object.create({ port, host: HOST })],
    'options of a class': (port, callback) => [new Options(port), callback],
    allowHalfOpen: (port) => [{ port, host: HOST, allowHalfOpen: true }],
    'options of the constructor': (port) => [
      { port, host: HOST, emitClose: true, autoDestroy: false, decodeStrings: true },
    ],
    'a signal': (port) => [{ port, host: HOST, signal: new AbortController().signal }],
    'a time-out': (port) => [{ port, host: HOST, timeout: 7777 }],
  };
  for (const [name, args] of Object.entries(forms)) {
    parity(name, async (t, { net, check }) => {
      const port = await listen(t, net.createServer());
      const called = [];
      const given = args(port, () => called.push('callback'));
      const before = Object.entries(given[0]);
      const socket = own(t, net.connect(...given));
      await once(socket, 'connect');
      check(socket);
      assert.deepEqual(Object.entries(given[0]), before);
      const { allowHalfOpen, timeout, writableLength } = socket;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
      return { called, allowHalfOpen, timeout, writableLength };
    });
  }
});

describe('net.connect refuses', () => {
  const forms = {
    nothing: [],
    null: [null],
    'a negative port': [-1],
    'a port that is not a number': [NaN, HOST],
    'a port that is too large': [65536, HOST],
    'a fractional port': [1.5],
    'empty options': [{}],
    'options with a wrong port': [{ port: 'x' }],
    'options with a wrong host': [{ port: 1, host: 5 }],
    'options with a wrong local address': [{ port: 1, host: HOST, localAddress: 'x' }],
    'options with a wrong lookup': [{ port: 1, host: 'example.test', lookup: 1 }],
  };
  for (const [name, args] of Object.entries(forms)) {
    parity(name, async (t, { net }) => {
      try {
        const [error] = await once(own(t, net.connect(...args)), 'error');
        return { emitted: error.code, message: error.message };
      } catch ({ code, name: thrown, message }) {
        return { thrown, code, message };
      }
    });
  }
});

describe('net.connect keeps the inline caches of V8 monomorphic', () => {
  for (const byOptions of [false, true]) {
    it(byOptions ? 'by options' : 'by a port and a host', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'mptcp-options-'));
      const misses = async (count) => {
        const logfile = path.join(folder, String(count));
        const args = ['--log-ic', `--logfile=${logfile}`, '--no-logfile-per-isolate'];
        const { code, stderr } = await program('connections.js', { count, byOptions }, { args });
        assert.equal(code, 0, stderr);
        return readFileSync(logfile, 'utf8').match(/^LoadIC,.*,decodeStrings,/gm)?.length ?? 0;
      };
      try {
        assert.ok((await misses(400)) - (await misses(200)) < 250);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
