'use strict';
// Prints, as JSON, what a connection over loopback received, on a processor that may be emulated.
const { capabilities } = require('mptcp');
const net = require('mptcp/net');
const { once } = require('node:events');

async function main() {
  const { mptcp } = await capabilities();
  const server = net.createServer((socket) => socket.end('received')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const received = await net.connect(server.address().port, '127.0.0.1').toArray();
  server.close();
  console.log(JSON.stringify({ arch: process.arch, mptcp, received: received.join('') }));
}

main();
