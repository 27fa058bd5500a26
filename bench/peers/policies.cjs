// One end of a transfer of bench/policies.ts. Its argument is JSON: { side, host, port, sends, seconds,
// management } (bench/policy-contenders.ts). A server prints its port. The receiver measures the time
// since the first data: it prints { bytes, pause, subflows }, the pause in milliseconds being the
// longest time without data, and ends the connection.
'use strict';

const { PathManager, policies, connectionOf } = require('../../dist/index.js');
const net = require('../../dist/net.js');

const chunk = Buffer.alloc(64 * 1024, 'x');
const { side, host, port, sends, seconds, management } = JSON.parse(process.argv[2]);

/** The longest times without data are printed with their beginnings where they exceed this (ms). */
const NOTABLE = 50;

function send(socket) {
  const fill = () => {
    while (socket.write(chunk));
  };
  socket.on('drain', fill);
  fill();
}

function receive(socket) {
  let [bytes, pause, start, last] = [0, 0];
  const pauses = [];
  const end = () => {
    socket.removeAllListeners('data');
    const subflows = connectionOf(socket).subflows().length;
    console.log(JSON.stringify({ bytes, pause, subflows, pauses }));
    socket.destroy();
  };
  const note = (now) => {
    const length = now - last;
    pause = Math.max(pause, length);
    if (length > NOTABLE) pauses.push([last - start, length].map(Math.round));
    last = now;
  };
  socket.on('data', ({ length }) => {
    const now = performance.now();
    if (start === undefined) {
      start = last = now;
      setTimeout(() => {
        note(performance.now());
        end();
      }, seconds * 1000);
    }
    note(now);
    bytes += length;
  });
}

function transfer(socket) {
  socket.on('error', () => undefined).on('close', () => process.exit());
  if (sends) send(socket);
  else receive(socket);
}

/** Begins to manage paths; returns the options of the sockets. */
async function manage({ kind, policies: built, intent }) {
  if (kind === 'kernel') return {};
  const pm = await PathManager.open();
  await pm.mode.set('userspace');
  if (kind === 'intent') return { mptcp: { hints: { intent } } };
  if (kind === 'mode') return {};
  const made = built.map(([name, ...options]) => policies[name](...options));
  const managed = pm.manage(made.length === 1 ? made[0] : policies.all(...made));
  await managed.ready;
  return {};
}

async function main() {
  const options = await manage(management);
  if (side === 'client') {
    transfer(net.connect({ ...options, host, port }).on('error', () => undefined));
    return;
  }
  const server = net.createServer(options, (socket) => transfer(socket));
  server.listen(0, host, () => console.log(server.address().port));
}

void main();
