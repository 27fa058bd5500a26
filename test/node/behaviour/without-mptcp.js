'use strict';

/** Imports, sockets and errors where MPTCP is not available. */

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { mkdirSync, mkdtempSync, rmSync, symlinkSync } = require('node:fs');
const { constants, tmpdir } = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { SPOKEN } = require('../support/peers');
const { program, warningsIn } = require('../support/program');

const SET_PLATFORM = path.join(__dirname, '..', 'programs', 'set-platform.js');
const REFUSE_MPTCP = path.join(__dirname, '..', 'programs', 'refuse-mptcp.js');
const major = Number(process.versions.node.split('.')[0]);

const ROOT = path.join(__dirname, '..', '..', '..');
const inRoot = (name) => path.join(ROOT, name);
const PERMISSION = [
  ...[major >= 24 ? '--permission' : '--experimental-permission', '--no-warnings'],
  '--allow-worker',
];
/** Since Node 25 it keeps sockets out too. */
const ALLOW_NET = major >= 25 ? ['--allow-net'] : [];
const readable = (...paths) => paths.map((each) => `--allow-fs-read=${each}`);

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
  'with --no-addons': { options: { args: ['--no-addons'] }, says: /--no-addons keeps addons out/ },
  'with --permission, without --allow-addons': {
    options: { args: [...PERMISSION, ...ALLOW_NET, '--allow-fs-read=*'] },
    says: /--permission keeps addons out.*--allow-addons/,
  },
  'with --permission for the files of the app and of the package': {
    options: { args: [...PERMISSION, ...ALLOW_NET, ...readable(ROOT)] },
    says: /--permission keeps addons out.*--allow-addons/,
  },
  ...Object.fromEntries(
    ['ENOSYS', 'EAFNOSUPPORT', 'EPERM'].map((name) => [
      `where a filter of system calls answers ${name}`,
      {
        options: {
          args: ['--require', REFUSE_MPTCP],
          env: { ERRNO: String(constants.errno[name]) },
        },
        says: new RegExp(`${name}.*security policy`),
      },
    ]),
  ),
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

describe('with --permission and --allow-addons, an app that has installed the package', () => {
  /** Runs an app that may read its own folder and these files of the package. */
  function report(t, ...files) {
    const app = mkdtempSync(path.join(tmpdir(), 'mptcp-app-'));
    t.after(() => rmSync(app, { recursive: true }));
    mkdirSync(path.join(app, 'node_modules'));
    symlinkSync(ROOT, path.join(app, 'node_modules', 'mptcp'));
    const script = `
      const { capabilities, connectionOf } = require('mptcp');
      const net = require('mptcp/net');
      const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1', () => {
        const socket = net.connect(server.address().port, '127.0.0.1', async () => {
          const { reason } = await capabilities();
          console.log(JSON.stringify([connectionOf(socket).status, reason?.message]));
          socket.resume();
          server.close();
        });
      });`;
    const args = [
      ...PERMISSION,
      ...ALLOW_NET,
      '--allow-addons',
      ...readable(`${app}/`, ...files.map(inRoot)),
    ];
    const { stdout, stderr } = spawnSync(process.execPath, [...args, '-e', script], {
      cwd: app,
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout);
  }

  const CODE = ['dist/', 'package.json', 'node_modules/node-gyp-build/'];

  it('loads the addon where it may read it, and no file of the system', (t) => {
    const [status, reason] = report(t, ...CODE, 'build/', 'prebuilds/');
    assert.deepEqual([status, reason ?? null], [SPOKEN, null]);
  });

  it('is TCP where it may not read the addon, and the reason says so', (t) => {
    const [status, reason] = report(t, ...CODE);
    assert.equal(status, 'fallback');
    assert.match(reason, /--permission keeps the files of this package from being read/);
    assert.match(reason, /--allow-fs-read=\//);
  });
});

const noNet = { skip: major < 25 && 'sockets are not among the permissions of this Node.js' };

it(
  'with --permission and without --allow-net, imports succeed and sockets fail as in Node',
  noNet,
  () => {
    const script = `
    const { connect } = require('mptcp/net');
    connect(1, '127.0.0.1').on('error', ({ code }) => console.log(code));`;
    const args = [...PERMISSION, '--allow-addons', '--allow-fs-read=*', '-e', script];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
    assert.equal(stdout, 'ERR_ACCESS_DENIED\n', stderr);
  },
);
