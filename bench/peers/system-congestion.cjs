// This package's net, with the congestion control of the route or the system.
'use strict';

const net = require('../../dist/net.js');

const mptcp = { hints: { congestionControl: 'system' } };
module.exports = {
  createServer: (listener) => net.createServer({ mptcp }, listener),
  connect: (port, host) => net.connect({ port, host, mptcp }),
};
