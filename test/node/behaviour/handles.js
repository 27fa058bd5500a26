'use strict';

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

const PRINT_WHEN_ASKED = `process.stdin.resume().on('end', () => console.log('printed'))`;

function receiver(t, { loads = true, ...options } = {}) {
  const child = fork(RECEIVER, {
    env: { ...process.env, INPUT: JSON.stringify({ loads }) },
    ...options,
  });
  t.after(() => child.kill());
  return child;
}

/** Sends a handle, and waits until the child says that it has it. */
async function send(child, message, handle, options) {
  const received = once(child, 'message');
  child.send(message, handle, options);
  assert.deepEqual((await received)[0], message);
}

/** Reads what comes by a socket, piece by piece: each up to the text that ends it. */
function reader(socket) {
  let unread = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    unread += chunk;
    socket.emit('unread');
  });
  return async (end) => {
    while (!unread.includes(end)) await once(socket, 'unread');
    const piece = unread.slice(0, unread.indexOf(end) + end.length);
    unread = unread.slice(piece.length);
    return piece;
  };
}

describe('a socket that is sent to a child process', () => {
  for (const [name, forking] of [
    ['that knows this package', {}],
    ['that does not', { loads: false }],
    ['by advanced serialization', { serialization: 'advanced' }],
  ]) {
    it(`${name}, lives on there`, async (t) => {
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
      `keepOpen: the parent’s destroy() leaves it alone (${serialization})`,
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

  parity('as its standard output: the parent’s destroy() leaves it alone', async (t, used) => {
    const server = used.net.createServer({ pauseOnConnect: true });
    const { client, accepted } = await pair(t, { server, connect: used.net.connect });
    const child = spawn(process.execPath, ['-e', PRINT_WHEN_ASKED], {
      stdio: ['pipe', accepted, 'inherit'],
    });
    await once(child, 'spawn');
    accepted.destroy();
    await once(accepted, 'close');
    child.stdin.end();
    return text(client);
  });

  it('of a client, too', async (t) => {
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
  it('takes connections there, after the parent has closed its own', async (t) => {
    const server = net.createServer(() => assert.fail('taken by the parent'));
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

  it('is MPTCP in a child that knows nothing of it', async (t) => {
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
