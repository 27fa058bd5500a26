'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const net = require('mptcp/net');
const { NEEDS_MPTCP, listen } = require('../support/peers');
const { program } = require('../support/program');

describe('the process ends by itself with', () => {
  for (const [what, options] of [
    ['an unreferenced socket', {}],
    ['an unreferenced server', {}],
    ['a socket that was destroyed', {}],
    ['a socket that requires MPTCP and is not referenced', NEEDS_MPTCP],
  ]) {
    it(what, options, async (t) => {
      const port = await listen(t, net.createServer());
      const { code, signal, printed, stderr } = await program('process-end.js', { what, port });
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
      assert.deepEqual(printed, [{ done: what }]);
    });
  }
});
