// Listens and connects by its first sockets while the process can have no more threads, or no more files,
// and again later. Prints what both give. The argument is 'threads' or 'files'.
'use strict';
const { once } = require('node:events');
const { connectionOf } = require('mptcp');
const net = require('mptcp/net');
const { EXHAUST } = require('./exhaust');

const settled = (promise) => promise.catch(({ code, syscall }) => ({ code, syscall }));

async function connect(port) {
  const client = net.connect(port, '127.0.0.1').resume();
  await once(client, 'connect');
  const { status } = connectionOf(client);
  await once(client, 'close');
  return status;
}

async function use() {
  const server = net.createServer((socket) => socket.end());
  const listening = await settled(
    once(server.listen(0, '127.0.0.1'), 'listening').then(() => 'ok'),
  );
  const connected = await settled(connect(server.address()?.port ?? 1));
  server.close();
  return { listening, connected };
}

async function main() {
  const end = EXHAUST[process.argv[2]]();
  const during = await use();
  end();
  process.stdout.write(`${JSON.stringify({ during, after: await use() })}\n`);
}
void main();
