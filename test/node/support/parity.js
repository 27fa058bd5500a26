'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { connectionOf } = require('mptcp');
const { SPOKEN } = require('./peers');

const NAMES = ['net', 'tls', 'http', 'https', 'http2'];

const modules = (prefix, status) => ({
  name: `${prefix}*`,
  ...Object.fromEntries(NAMES.map((name) => [name, require(`${prefix}${name}`)])),
  /** Asserts that a connected socket has the expected status. */
  check: (socket) => assert.equal(connectionOf(socket).status, status),
});

const NODE = modules('node:', 'tcp');
const OURS = modules('mptcp/', SPOKEN);

/** Runs `scenario` with Node's modules and with ours, and asserts that it returns the same. */
function parity(name, scenario) {
  it(name, async (t) => {
    const observed = [];
    for (const used of [NODE, OURS]) {
      await t.test(used.name, async (each) => observed.push(await scenario(each, used)));
    }
    const [expected, ours] = observed;
    assert.deepEqual(ours, expected);
  });
}

module.exports = { NODE, OURS, parity };
