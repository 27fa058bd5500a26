'use strict';

/** Servers and clients in worker threads. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { Worker } = require('node:worker_threads');
const { connectionOf } = require('mptcp');
const net = require('mptcp/net');
const { SPOKEN, listen, own } = require('../support/peers');

/** Runs `code` in a worker thread, from which it posts messages. */
function inWorker(t, code, workerData) {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const { once } = require('node:events');
     const { connectionOf } = require('mptcp');
     const net = require('mptcp/net');
     (async () => { ${code} })();`,
    { eval: true, workerData },
  );
  t.after(() => worker.terminate());
  return worker;
}

describe('worker threads', () => {
  it('have their own servers and clients', async (t) => {
    const port = await listen(t, net.createServer());
    const worker = inWorker(
      t,
      `const server = net.createServer().listen(0, '127.0.0.1');
       await once(server, 'listening');
       const client = net.connect(workerData, '127.0.0.1');
       await once(client, 'connect');
       parentPort.postMessage({
         port: server.address().port,
         status: connectionOf(client).status,
         token: connectionOf(client).token,
       });`,
      port,
    );
    const [found] = await once(worker, 'message');
    assert.equal(found.status, SPOKEN);
    const client = own(t, net.connect(found.port, '127.0.0.1'));
    await once(client, 'connect');
    assert.equal(connectionOf(client).status, SPOKEN);
    assert.notEqual(connectionOf(client).token, found.token ?? -1);
    client.destroy(); // before the worker ends, which resets what it has not accepted
    await once(client, 'close');
  });

  it('end with connections, retries, servers and lingering sockets open', async (t) => {
    const port = await listen(
      t,
      net.createServer((socket) => socket.on('error', () => undefined)),
    );
    for (let round = 0; round < 10; ++round) {
      const worker = inWorker(
        t,
        `const server = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
         await once(server, 'listening');
         const open = Array.from({ length: 20 }, () => net.connect(workerData, '127.0.0.1'));
         await Promise.all(open.map((socket) => once(socket, 'connect')));
         open.forEach((socket, i) => i % 2 ? socket.destroy() : connectionOf(socket).status);
         net.connect(server.address().port, '127.0.0.1');
         const required = { mptcp: { mode: 'require' } };
         net.connect({ port: server.address().port, host: '127.0.0.1', ...required }).on('error', () => undefined);
         parentPort.postMessage('open');`,
        port,
      );
      await once(worker, 'message');
      assert.equal(await worker.terminate(), 1);
    }
    const client = own(t, net.connect(port, '127.0.0.1'));
    await once(client, 'connect');
    assert.equal(connectionOf(client).status, SPOKEN);
  });

  it('end by themselves when nothing is open', async (t) => {
    const port = await listen(
      t,
      net.createServer((socket) => socket.end()),
    );
    const worker = inWorker(
      t,
      `const socket = net.connect(workerData, '127.0.0.1').resume();
       await once(socket, 'close');
       process.exitCode = connectionOf(net.connect(workerData, '127.0.0.1').unref()).status === 'pending' ? 7 : 1;`,
      port,
    );
    assert.deepEqual(await once(worker, 'exit'), [7]);
  });
});
