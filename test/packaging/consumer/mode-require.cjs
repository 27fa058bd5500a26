'use strict';
// Prints the error codes of a client and a server that require MPTCP on this machine.
const { once } = require('node:events');
const plain = require('node:net');
const net = require('mptcp/net');

async function main() {
  const mptcp = { mode: 'require' };
  const listener = plain.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  const socket = net
    .connect({ port, host: '127.0.0.1', mptcp })
    .on('connect', () => process.exit(2));
  const [{ code: connect }] = await once(socket, 'error');
  const server = net.createServer({ mptcp }).listen(0, '127.0.0.1', () => process.exit(3));
  const [{ code: listen }] = await once(server, 'error');
  listener.close();
  console.log(JSON.stringify({ connect, listen }));
}

main();
