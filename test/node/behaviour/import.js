'use strict';

/** What an import of this package does not do: connect, or publish on diagnostics channels. */

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { describe, it } = require('node:test');

/** What an instrumentation or a mocking library does before the app is loaded. */
const PATCHES = `
  const net = require('node:net');
  const { channel } = require('node:diagnostics_channel');
  const seen = [];
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = () => { throw new Error('Socket.connect() is intercepted'); };
  for (const name of ['connect', 'createConnection']) {
    net[name] = () => { throw new Error(name + '() is intercepted'); };
  }
  for (const name of ['net.client.socket', 'net.server.socket']) {
    channel(name).subscribe(() => seen.push(name));
  }
  for (const step of ['asyncStart', 'asyncEnd', 'error']) {
    channel('tracing:net.server.listen:' + step).subscribe(() => seen.push(step));
  }
`;

/** Loads a module after PATCHES and runs a program, whose value is printed and returned. */
function run(name, program) {
  const script = `${PATCHES}
    const loaded = require('${name}');
    (async () => console.log(JSON.stringify(await (${program})())))();`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script], {
    cwd: __dirname,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', NODE_MPTCP: '' },
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

describe('where sockets are intercepted and observed', () => {
  for (const name of ['mptcp', 'mptcp/net', 'mptcp/http', 'mptcp/register']) {
    it(`the import of ${name} connects no socket and publishes nothing`, () => {
      const seen = run(
        name,
        `async () => {
          await new Promise(setImmediate);
          return seen;
        }`,
      );
      assert.deepEqual(seen, []);
    });
  }

  it('sockets work as soon as the interception ends', () => {
    const { SPOKEN } = require('../support/peers');
    const status = run(
      'mptcp/net',
      `() => new Promise((resolve) => {
        net.Socket.prototype.connect = connect;
        const { connectionOf, enable } = require('mptcp');
        const server = loaded.createServer((socket) => socket.end());
        server.listen(0, '127.0.0.1', () => {
          const socket = enable(new net.Socket());
          socket.connect(server.address().port, '127.0.0.1', () => {
            resolve(connectionOf(socket).status);
            socket.resume();
            server.close();
          });
        });
      })`,
    );
    assert.equal(status, SPOKEN);
  });
});
