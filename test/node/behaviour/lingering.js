'use strict';

/** Sockets that are kept after destroy(): their number, whose they are, and when they are given up. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { describe, it } = require('node:test');
const net = require('mptcp/net');
const { NEEDS_MPTCP, listen, own } = require('../support/peers');

const PROGRAM = path.join(__dirname, '..', 'programs', 'lingering.js');

/** Listens with a server that does not close its side of connections. */
function holdingServer(t) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) =>
    own(t, socket)
      .on('error', () => undefined)
      .resume(),
  );
  return listen(t, server);
}

/** Runs a part of the program with at most `limit` descriptors, and returns what it prints. */
async function run(t, limit, part, options, serve = () => undefined) {
  const child = spawn(
    'sh',
    ['-c', `ulimit -n ${limit}; exec "$0" "$1"`, process.execPath, PROGRAM],
    {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      timeout: 60_000,
      env: {
        ...process.env,
        INPUT: JSON.stringify({ part, port: await holdingServer(t), ...options }),
      },
    },
  );
  t.after(() => child.kill('SIGKILL'));
  child.on('message', serve);
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += chunk));
  await once(child, 'close');
  return JSON.parse(printed);
}

describe('sockets that are kept after destroy()', NEEDS_MPTCP, () => {
  it('are 256 at most, in all threads together', async (t) => {
    const { open } = await run(t, 4096, 'threads', { count: 150 });
    assert.equal(open, 256);
  });

  it('are an eighth of the descriptors that the process may have', async (t) => {
    const { open } = await run(t, 256, 'threads', { count: 30 });
    assert.equal(open, 32);
  });

  it('are closed when their worker thread ends', async (t) => {
    const { open, left } = await run(t, 4096, 'threads', { count: 20, end: true });
    assert.deepEqual({ open, left }, { open: 60, left: 20 });
  });

  it('make room for a connection', async (t) => {
    assert.deepEqual(await run(t, 256, 'connect', { count: 40 }), { connected: true });
  });

  it('make room for accepted connections', async (t) => {
    const serve = (port) => {
      for (let i = 0; i < 20; ++i)
        own(t, net.connect(port, '127.0.0.1')).on('error', () => undefined);
    };
    const options = { count: 40, left: 4, clients: 20 };
    assert.deepEqual(await run(t, 256, 'accept', options, serve), { accepted: 20 });
  });
});
