'use strict';
// Prints the status of a connection over loopback, and the capabilities of this machine.
const { once } = require('node:events');
const { capabilities, connectionOf, enable } = require('mptcp');
const net = require('mptcp/net');
for (const name of ['tls', 'http', 'https', 'http2', 'undici']) require(`mptcp/${name}`);

async function main() {
  const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = net.connect(server.address().port, '127.0.0.1');
  await once(socket, 'connect');
  const { status } = connectionOf(socket);
  const { mptcp, reason } = await capabilities();
  await once(socket.resume(), 'close');
  server.close();
  const isServer = enable(net.createServer()) instanceof require('node:net').Server;
  console.log(JSON.stringify({ status, mptcp, reason: reason?.message, isServer }));
}

main();
