'use strict';
// Knows nothing of this package: prints what its connection over loopback speaks, by SO_PROTOCOL's effect.
const net = require('node:net');
const { connectionOf } = require('mptcp');

const server = net
  .createServer((socket) => socket.end())
  .listen(0, '127.0.0.1', () => {
    const socket = net.connect(server.address().port, '127.0.0.1', () => {
      console.log(connectionOf(socket).status);
      server.close();
    });
  });
