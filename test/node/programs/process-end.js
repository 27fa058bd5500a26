'use strict';

// Leaves `what` open, which must not keep the process alive.

const { once } = require('node:events');
const net = require('mptcp/net');
const { connectionOf } = require('mptcp');
const { input, print } = require('../support/program');

const cases = {
  async 'an unreferenced socket'() {
    const socket = net.connect(input().port, '127.0.0.1');
    await once(socket, 'connect');
    connectionOf(socket);
    socket.unref();
  },
  async 'an unreferenced server'() {
    await once(net.createServer().listen(0, '127.0.0.1').unref(), 'listening');
  },
  async 'a socket that was destroyed'() {
    const socket = net.connect(input().port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  },
  async 'a socket that requires MPTCP and is not referenced'() {
    const mptcp = { mode: 'require' };
    const socket = net.connect({ port: input().port, host: '127.0.0.1', mptcp });
    await once(socket, 'connect');
    socket.unref();
  },
};

cases[input().what]().then(() => print({ done: input().what }));
