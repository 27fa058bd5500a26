'use strict';

/** Sockets and servers that are sent to child processes. */

const assert = require('node:assert/strict');
const { fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { text } = require('node:stream/consumers');
const { describe, it } = require('node:test');
const { connectionOf } = require('mptcp');
const net = require('mptcp/net');
const { parity } = require('../support/parity');
const { SPOKEN, listen, own, pair } = require('../support/peers');

const RECEIVER = path.join(__dirname, '..', 'programs', 'handle-receiver.js');

const PRINT_AT_END_OF_INPUT = `process.stdin.resume().on('end', () => console.log('printed'))`;

function receiver(t, { loads = true, ...options } = {}) {
  const child = fork(RECEIVER, {
    env: { ...process.env, INPUT: JSON.stringify({ loads }) },
    ...options,
  });
  t.after(() => child.kill());
  return child;
}

/** Sends a handle, and waits until the child confirms that it has it. */
async function send(child, message, handle, options) {
  const received = once(child, 'message');
  child.send(message, handle, options);
  assert.deepEqual((await received)[0], message);
}

/**
 * Returns a function that reads from a socket up to and including a given text, and fails where the
 * socket ends before that.
 */
function reader(socket) {
  let unread = '';
  let hasEnded = false;
  socket.once('end', () => {
    hasEnded = true;
    socket.emit('unread');
  });
  socket.setEncoding('utf8').on('data', (chunk) => {
    unread += chunk;
    socket.emit('unread');
  });
  return async (end) => {
    while (!unread.includes(end)) {
      assert.ok(!hasEnded, `the socket has ended before ${JSON.stringify(end)}: ${unread}`);
      await once(socket, 'unread');
    }
    const piece = unread.slice(0, unread.indexOf(end) + end.length);
    unread = unread.slice(piece.length);
    return piece;
  };
}

describe('a socket that is sent to a child process', () => {
  for (const [name, forking] of [
    ['with this package', {}],
    ['without this package', { loads: false }],
    ['with advanced serialization', { serialization: 'advanced' }],
  ]) {
    it(`continues there, ${name}`, async (t) => {
      const server = net.createServer({ pauseOnConnect: true });
      const { client, accepted } = await pair(t, { server });
      const read = reader(client);
      client.write('early ');
      const child = receiver(t, forking);
      await send(child, 'socket', accepted);
      const status = forking.loads === false ? 'not asked' : SPOKEN;
      assert.equal(await read('EARLY '), `${status}\nEARLY `);
      accepted.destroy();
      client.write('more');
      assert.equal(await read('MORE'), 'MORE');
      assert.equal(connectionOf(client).status, SPOKEN);
      client.end();
      await once(client, 'end');
    });
  }

  for (const serialization of ['json', 'advanced']) {
    parity(
      `stays open after the parent’s destroy() with keepOpen (${serialization})`,
      async (t, used) => {
        const server = used.net.createServer({ pauseOnConnect: true });
        const { client, accepted } = await pair(t, { server, connect: used.net.connect });
        const read = reader(client);
        const child = receiver(t, { serialization });
        await send(child, 'socket', accepted, { keepOpen: true });
        await read('\n');
        accepted.destroy();
        await once(accepted, 'close');
        client.write('still there');
        const answer = await read('THERE');
        client.end();
        await once(client, 'end');
        return answer;
      },
    );
  }

  parity(
    'stays open after the parent’s destroy() as the child’s standard output',
    async (t, used) => {
      const server = used.net.createServer({ pauseOnConnect: true });
      const { client, accepted } = await pair(t, { server, connect: used.net.connect });
      const child = spawn(process.execPath, ['-e', PRINT_AT_END_OF_INPUT], {
        stdio: ['pipe', accepted, 'inherit'],
      });
      await once(child, 'spawn');
      accepted.destroy();
      await once(accepted, 'close');
      child.stdin.end();
      return text(client);
    },
  );

  it('may be that of a client', async (t) => {
    const server = net.createServer();
    const { client, accepted } = await pair(t, { server });
    const child = receiver(t);
    await send(child, 'socket', client);
    const read = reader(accepted);
    accepted.write('hello');
    assert.equal(await read('HELLO'), `${SPOKEN}\nHELLO`);
    child.kill();
    await once(accepted, 'end');
  });

  it('ends for the peer when the child ends it', async (t) => {
    const { client, accepted } = await pair(t);
    const child = receiver(t);
    await send(child, 'socket', accepted);
    client.end('last words');
    assert.equal(await text(client), `${SPOKEN}\nLAST WORDS`);
  });
});

describe('a server that is sent to a child process', () => {
  it('accepts connections there after the parent has closed its own', async (t) => {
    const server = net.createServer(() => assert.fail('accepted by the parent'));
    const port = await listen(t, server);
    const child = receiver(t);
    await send(child, 'server', server);
    server.close();
    for (let i = 0; i < 3; ++i) {
      const client = own(t, net.connect(port, '127.0.0.1'));
      const connection = connectionOf(client);
      client.end('x');
      assert.equal(await text(client), `${SPOKEN}\nX`);
      assert.equal(connection.status, SPOKEN);
    }
  });

  it('speaks MPTCP in a child without this package', async (t) => {
    const server = net.createServer();
    const port = await listen(t, server);
    const child = receiver(t, { loads: false });
    await send(child, 'server', server);
    server.close();
    const client = own(t, net.connect(port, '127.0.0.1'));
    await once(client, 'connect');
    assert.equal(connectionOf(client).status, SPOKEN);
    client.end('x');
    assert.equal(await text(client), 'not asked\nX');
  });
});
