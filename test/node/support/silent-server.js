'use strict';

const { once } = require('node:events');
const net = require('node:net');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const BACKLOG = 1;

if (isMainThread) {
  /** Returns a port of `host` that answers no SYN: its accept queue is full and nobody accepts. */
  module.exports = async function silentServer(t, host = '127.0.0.1') {
    const worker = new Worker(__filename, { workerData: host });
    t.after(() => worker.terminate());
    const [port] = await once(worker, 'message');
    for (let queued = 0; queued <= BACKLOG; ++queued) {
      const socket = net.connect(port, host).on('error', () => undefined); // when the worker ends
      t.after(() => socket.destroy());
      await once(socket, 'connect');
    }
    return port;
  };
} else {
  const server = net.createServer().listen({ port: 0, host: workerData, backlog: BACKLOG }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
}
