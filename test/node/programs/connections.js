// Opens connections to itself, one after the other.
'use strict';

const { once } = require('node:events');
const net = require('mptcp/net');
const { input } = require('../support/program');

async function main() {
  const { count, byOptions } = input();
  const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  for (let made = 0; made < count; ++made) {
    const args = byOptions ? [{ port, host: '127.0.0.1', noDelay: true }] : [port, '127.0.0.1'];
    await once(net.connect(...args).resume(), 'close');
  }
  server.close();
}

void main();
