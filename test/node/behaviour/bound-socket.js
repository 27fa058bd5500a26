'use strict';

/** net.BoundSocket: sockets that are bound before they listen or connect. */

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { describe, it } = require('node:test');
const { connectionOf } = require('mptcp');
const { NODE, OURS } = require('../support/parity');
const { NEEDS_MPTCP, SPOKEN, listen, own } = require('../support/peers');

const { BoundSocket } = OURS.net;
const REGISTER = path.join(__dirname, '..', '..', '..', 'dist', 'register.js');

/** Listens on a bound socket and connects from one; prints the status of both ends. */
const PRELOADED = `
  const net = require('node:net');
  const { once } = require('node:events');
  const { connectionOf } = require('mptcp');
  const server = net.createServer().listen(new net.BoundSocket({ host: '127.0.0.1' }));
  server.once('listening', async () => {
    const handle = new net.BoundSocket({ host: '127.0.0.1' });
    const { port: from } = handle.address();
    const socket = new net.Socket({ handle });
    socket.connect(server.address().port, '127.0.0.1');
    const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
    const both = [socket, peer].map((each) => connectionOf(each).status);
    console.log(JSON.stringify([...both, socket.localPort === from]));
    process.exit();
  });`;

/** The code of the error that a socket or server emits. */
const failure = async (emitter) => (await once(emitter, 'error'))[0].code;

describe('net.BoundSocket', { skip: !BoundSocket && 'this Node.js has none' }, () => {
  it('is Node’s own, and bound for TCP', async (t) => {
    assert.equal(BoundSocket, NODE.net.BoundSocket);
    const server = OURS.net.createServer();
    t.after(() => server.close());
    server.listen(new BoundSocket({ host: '127.0.0.1' }));
    const accepting = once(server, 'connection');
    const socket = own(t, OURS.net.connect(server.address().port, '127.0.0.1'));
    const [[peer]] = await Promise.all([accepting, once(socket, 'connect')]);
    own(t, peer);
    assert.deepEqual(
      [socket, peer].map((each) => connectionOf(each).status),
      ['fallback', 'tcp'],
    );
  });

  it('keeps its port when a client is made of it', async (t) => {
    const port = await listen(t, OURS.net.createServer());
    const handle = new BoundSocket({ host: '127.0.0.1' });
    const from = handle.address().port;
    const socket = own(t, new OURS.net.Socket({ handle }));
    await once(socket.connect(port, '127.0.0.1'), 'connect');
    assert.deepEqual([connectionOf(socket).status, socket.localPort], ['tcp', from]);
  });

  it('is refused where MPTCP is required', async (t) => {
    const mptcp = { mode: 'require' };
    const bound = () => new BoundSocket({ host: '127.0.0.1' });
    const port = await listen(t, OURS.net.createServer());
    const socket = own(t, new OURS.net.Socket({ handle: bound(), mptcp }));
    assert.equal(await failure(socket.connect(port, '127.0.0.1')), 'ERR_MPTCP_UNAVAILABLE');
    const server = OURS.net.createServer({ mptcp });
    t.after(() => server.close());
    assert.equal(await failure(server.listen(bound())), 'ERR_MPTCP_UNAVAILABLE');
  });

  it('speaks MPTCP with the preload, and so do sockets made of it', NEEDS_MPTCP, () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--require', REGISTER, '-e', PRELOADED],
      { encoding: 'utf8', cwd: __dirname },
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), [SPOKEN, SPOKEN, true]);
  });
});
