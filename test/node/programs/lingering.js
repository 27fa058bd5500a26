'use strict';

/**
 * Destroys connections to a server that does not close its side, in this and in worker threads, and
 * prints how many sockets stay open. It may then connect or accept where files
 * occupy nearly all other descriptors.
 */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { openSync, readdirSync, readlinkSync, closeSync } = require('node:fs');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const net = require('mptcp/net');
const { input, print } = require('../support/program');

/** The number of open sockets of the process. */
function sockets() {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false; // the descriptor with which the folder is read
    }
  }).length;
}

/** Connects and destroys so many sockets, one after the other. */
async function destroyMany(count, port) {
  for (let i = 0; i < count; ++i) {
    const socket = net.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    await once(socket, 'close');
  }
}

/** Opens files until the process can have no more, and closes `left` of them. */
function occupyAllBut(left) {
  const files = [];
  assert.throws(
    () => {
      for (;;) files.push(openSync('/dev/null'));
    },
    { code: 'EMFILE' },
  );
  for (const fd of files.splice(0, left)) closeSync(fd);
}

/** Accepts `count` connections of another process at once. */
async function accept(count) {
  const accepted = [];
  const server = net.createServer((socket) => accepted.push(socket.resume()));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  process.send(server.address().port);
  while (accepted.length < count) await once(server, 'connection');
  return accepted.length;
}

const PARTS = {
  /** Destroys connections in three threads; the workers end where `end` says so. */
  async threads({ port, count, end }) {
    const before = sockets();
    const workers = [0, 1].map(() => new Worker(__filename, { workerData: { port, count } }));
    await Promise.all([...workers.map((each) => once(each, 'message')), destroyMany(count, port)]);
    const open = sockets() - before;
    if (end) await Promise.all(workers.map((each) => each.terminate()));
    print({ open, left: sockets() - before });
  },
  /** Connects where no descriptor is left but those of destroyed sockets. */
  async connect({ port, count }) {
    await destroyMany(count, port);
    occupyAllBut(0);
    const socket = net.connect({ port, host: '127.0.0.1', mptcp: { mode: 'require' } });
    await once(socket, 'connect');
    print({ connected: true });
  },
  /** Accepts more connections than descriptors are left, but for those of destroyed sockets. */
  async accept({ port, count, left, clients }) {
    await destroyMany(count, port);
    occupyAllBut(left);
    print({ accepted: await accept(clients) });
  },
};

if (isMainThread) {
  const { part, ...rest } = input();
  void PARTS[part](rest).then(() => process.exit());
} else {
  void destroyMany(workerData.count, workerData.port).then(() => {
    parentPort.on('message', () => undefined); // it runs until it is terminated
    parentPort.postMessage('destroyed');
  });
}
