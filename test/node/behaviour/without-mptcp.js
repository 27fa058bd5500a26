'use strict';

/** Imports, sockets and errors where MPTCP is not available. */

const assert = require('node:assert/strict');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { program, warningsIn } = require('../support/program');

const SET_PLATFORM = path.join(__dirname, '..', 'programs', 'set-platform.js');
const major = Number(process.versions.node.split('.')[0]);

const elsewhere = (PLATFORM) => ({ args: ['--require', SET_PLATFORM], env: { PLATFORM } });

const PLACES = {
  'on macOS': { options: elsewhere('darwin'), says: /darwin/ },
  'on Windows': { options: elsewhere('win32'), says: /win32/ },
  'without a binary': {
    options: (t) => {
      const empty = mkdtempSync(path.join(tmpdir(), 'mptcp-empty-'));
      t.after(() => rmSync(empty, { recursive: true }));
      return { env: { MPTCP_PREBUILD: empty } };
    },
    says: /npm rebuild mptcp/,
  },
  'with --permission, without --allow-addons': {
    options: {
      args: [
        ...[major >= 24 ? '--permission' : '--experimental-permission', '--no-warnings'],
        ...['--allow-fs-read=*', '--allow-worker'],
      ],
    },
    says: /--allow-addons/,
  },
};

for (const [place, { options, says }] of Object.entries(PLACES)) {
  describe(place, () => {
    const run = async (t, input = {}) => {
      const given = typeof options === 'function' ? options(t) : options;
      const { printed, stderr } = await program('without-mptcp.js', input, given);
      const [stack] = printed.filter((each) => each.stack);
      assert.equal(stack, undefined, stderr);
      return { printed, stderr };
    };

    it('imports succeed, sockets speak TCP, and one warning says why', async (t) => {
      const [found, { warnings }] = (await run(t)).printed;
      assert.deepEqual(found.imported, Array(7).fill(true));
      assert.deepEqual(found.statuses, ['fallback', 'fallback']);
      assert.equal(found.body, 'web');
      assert.deepEqual(found.can, {
        mptcp: false,
        ipv4: false,
        ipv6: false,
        getsockopt: {},
      });
      assert.equal(found.reason.code, 'ERR_MPTCP_UNAVAILABLE');
      assert.match(found.reason.message, says);
      const ours = warnings.filter(({ name }) => name === 'MptcpWarning');
      assert.deepEqual(
        ours.map(({ code }) => code),
        ['MPTCP_UNAVAILABLE'],
      );
      assert.match(ours[0].message, says);
      assert.match(ours[0].message, /over TCP/);
    });

    it('mode require fails before anything is connected', async (t) => {
      const [{ errors, events }] = (await run(t)).printed;
      assert.deepEqual(events, []);
      for (const error of [errors.client, errors.server]) {
        assert.equal(error.name, 'MptcpError');
        assert.equal(error.code, 'ERR_MPTCP_UNAVAILABLE');
        assert.match(error.message, says);
      }
    });

    it('a process and its workers warn once', async (t) => {
      const { printed, stderr } = await run(t, { worker: true });
      const all = printed.flatMap(({ warnings }) => warnings ?? []);
      const codes = [...warningsIn(stderr), ...all.map(({ code }) => code)].filter(
        (code) => code === 'MPTCP_UNAVAILABLE',
      );
      // The listener of the process prints it, and Node may write it to standard error too.
      assert.ok(all.filter(({ code }) => code === 'MPTCP_UNAVAILABLE').length === 1, codes.join());
    });
  });
}
