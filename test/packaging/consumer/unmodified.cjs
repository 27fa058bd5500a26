'use strict';
// An app on node:net that prints the status of its connection over loopback.
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
