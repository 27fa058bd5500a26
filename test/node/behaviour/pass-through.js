'use strict';

/** Sockets from elsewhere, and sockets that are not TCP, which pass through unchanged. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { text } = require('node:stream/consumers');
const { describe, it } = require('node:test');
const { connectionOf } = require('mptcp');
const { NODE, OURS, parity } = require('../support/parity');
const { NEEDS_MPTCP, SPOKEN, listen, pair } = require('../support/peers');

const PROGRAM = path.join(__dirname, '..', 'programs', 'socket-activated.js');

const SERVE_STANDARD_INPUT = `
  const { Socket } = require(process.argv[1] + 'net');
  const socket = new Socket({ fd: 0 });
  socket.end(require('mptcp').connectionOf(socket).status);`;

/** Starts a program with the sockets of `servers` as systemd does; returns its first lines. */
async function activate(t, servers, input) {
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit', ...servers.map((server) => server._handle.fd)],
    env: { ...process.env, INPUT: JSON.stringify(input), LISTEN_FDS: String(servers.length) },
  });
  t.after(() => child.kill());
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const printed = [];
  while (printed.length < servers.length) printed.push(JSON.parse((await lines.next()).value));
  return printed;
}

/** Connects by `net`; returns the status at the client and the one that the server sent. */
async function ask(net, port) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return [connectionOf(socket).status, await text(socket)];
}

describe('listening sockets handed over as by systemd', () => {
  for (const from of ['mptcp/', 'node:']) {
    it(`of MPTCP and of TCP are served by ${from}net`, async (t) => {
      const servers = [OURS.net.createServer(), NODE.net.createServer()];
      const ports = [await listen(t, servers[0]), await listen(t, servers[1])];
      const printed = await activate(t, servers, { from });
      assert.equal(printed.length, 2);
      for (const server of servers) server.close();
      assert.deepEqual(await ask(OURS.net, ports[0]), [SPOKEN, SPOKEN]);
      assert.deepEqual(await ask(NODE.net, ports[0]), [
        'tcp',
        SPOKEN === 'mptcp' ? 'fallback' : 'tcp',
      ]);
      assert.deepEqual(await ask(OURS.net, ports[1]), ['fallback', 'tcp']);
      assert.deepEqual(await ask(NODE.net, ports[1]), ['tcp', 'tcp']);
    });
  }

  it('reset TCP clients in mode require, and fail if they are TCP', NEEDS_MPTCP, async (t) => {
    const servers = [OURS.net.createServer(), NODE.net.createServer()];
    const port = await listen(t, servers[0]);
    await listen(t, servers[1]);
    const printed = await activate(t, servers, { from: 'mptcp/', mptcp: { mode: 'require' } });
    assert.deepEqual(
      printed.sort((a, b) => Object.keys(a)[0].localeCompare(Object.keys(b)[0])),
      [{ error: 'ERR_MPTCP_UNAVAILABLE' }, { listening: 0 }],
    );
    for (const server of servers) server.close();
    assert.deepEqual(await ask(OURS.net, port), ['mptcp', 'mptcp']);
    const [error] = await once(NODE.net.connect(port, '127.0.0.1').resume(), 'error');
    assert.equal(error.code, 'ECONNRESET');
  });
});

describe('sockets that are not TCP', () => {
  parity('are Unix sockets, which net and http serve as in Node', async (t, used) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mptcp-unix-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const seen = [];
    const file = path.join(folder, 'net');
    const server = used.net.createServer((socket) => socket.end('unix'));
    t.after(() => server.close());
    await once(server.listen(file), 'listening');
    seen.push(server.address() === file);
    for (const args of [[file], [{ path: file }]]) {
      const socket = used.net.connect(...args);
      await once(socket, 'connect');
      const connection = connectionOf(socket);
      assert.throws(() => connection.info(), { code: 'ERR_MPTCP_UNAVAILABLE' });
      seen.push(connection.status, connection.token, await text(socket));
      assert.throws(() => connection.info(), { code: 'ERR_MPTCP_CLOSED' });
    }

    const httpFile = path.join(folder, 'http');
    const web = used.http.createServer((request, response) =>
      response.end(connectionOf(request).status),
    );
    t.after(() => web.close());
    await once(web.listen(httpFile), 'listening');
    for (const agent of [undefined, false]) {
      const [response] = await once(
        used.http.get({ socketPath: httpFile, agent, headers: { connection: 'close' } }),
        'response',
      );
      seen.push(await text(response));
    }
    return seen;
  });

  it('are unaffected by mode require', async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mptcp-unix-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'socket');
    const mptcp = { mode: 'require' };
    const server = OURS.net.createServer({ mptcp }, (socket) => socket.end('unix'));
    t.after(() => server.close());
    await once(server.listen(file), 'listening');
    assert.equal(await text(OURS.net.connect({ path: file, mptcp })), 'unix');
  });
});

describe('a connected socket handed over', () => {
  for (const from of ['mptcp/', 'node:']) {
    it(`as by inetd works with new net.Socket({ fd }) of ${from}net`, async (t) => {
      const server = OURS.net.createServer({ pauseOnConnect: true });
      const { client, accepted } = await pair(t, { server });
      const child = spawn(process.execPath, ['-e', SERVE_STANDARD_INPUT, from], {
        stdio: [accepted, 'ignore', 'inherit'],
        cwd: __dirname,
      });
      t.after(() => child.kill());
      await once(child, 'spawn');
      accepted.destroy();
      assert.equal(await text(client), SPOKEN);
    });
  }
});
