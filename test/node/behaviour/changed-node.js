'use strict';

/** A Node.js that has renamed what this package uses of it: sockets are TCP, and one warning says why. */

const assert = require('node:assert/strict');
const path = require('node:path');
const { describe, it } = require('node:test');
const { program } = require('../support/program');

const HIDE_INTERNAL = path.join(__dirname, '..', 'programs', 'hide-internal.js');

const METHODS = ['open', 'close', 'reset', 'bind', 'bind6', 'connect', 'connect6'];
const INTERNALS = [
  ...[...METHODS, 'getpeername', 'getsockname', 'fd'].map((name) => `TCP.prototype.${name}`),
  'the handle of a net.Socket',
  "a TCP handle's owner_symbol",
  'the accessor net.Socket.prototype._handle',
  'net.Server.prototype._listen2',
  'ChildProcess.prototype.spawn',
];

describe('a Node.js without', () => {
  for (const HIDDEN of INTERNALS) {
    it(HIDDEN, async () => {
      const options = { args: ['--require', HIDE_INTERNAL], env: { HIDDEN } };
      const { printed, stderr } = await program('without-mptcp.js', {}, options);
      const [found, { warnings = [] } = {}] = printed;
      assert.equal(found?.stack, undefined, stderr);
      // hide-internal.js hides the class of handles together with its members.
      const status = /^TCP|^the handle/.test(HIDDEN) ? 'unknown' : 'tcp';
      assert.deepEqual(found.statuses, [status, status]);
      assert.equal(found.body, 'web');
      assert.equal(found.can.mptcp, false);
      for (const error of [found.reason, found.errors.client, found.errors.server]) {
        assert.equal(error.code, 'ERR_MPTCP_UNAVAILABLE');
        assert.ok(error.message.includes(`lacks ${HIDDEN}`), error.message);
      }
      assert.deepEqual(found.events, []);
      const ours = warnings.filter(({ name }) => name === 'MptcpWarning');
      assert.deepEqual(
        ours.map(({ code }) => code),
        ['MPTCP_UNAVAILABLE'],
      );
      assert.ok(ours[0].message.includes(`lacks ${HIDDEN}`), ours[0].message);
    });
  }
});
